/** The values of options, from text. */

import { tmpfs, volume } from "../spec/volumes.ts";
import type { IdMapping, IoMax, IoPriority, Mount, Scheduler, TimeOffset } from "../spec/types.ts";
import { UsageError } from "./options.ts";

/** `INSIDE:OUTSIDE[:COUNT]`. */
export function idMapping(option: string, text: string): IdMapping {
  const [, inside, outside, , count] = /^(\d+):(\d+)(:(\d+))?$/.exec(text) ?? refuse(option, text, "0:1000:1");
  return { containerID: Number(inside), hostID: Number(outside), size: Number(count ?? 1) };
}

/** A whole number. */
export function whole(option: string, text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) : refuse(option, text, "5");
}

/** Permissions. */
export function octal(option: string, text: string): number {
  return /^[0-7]+$/.test(text) ? parseInt(text, 8) : refuse(option, text, "022");
}

/** `NAME=SOFT[:HARD]`. */
export function limit(option: string, text: string): [string, { soft: number; hard: number }] {
  const [, name, soft, , hard] = /^(\w+)=([^:]+)(:([^:]+))?$/.exec(text) ?? refuse(option, text, "nofile=1024:4096");
  const bound = (value: string) =>
    value === "unlimited" || value === "-1"
      ? Infinity
      : /^\d+$/.test(value)
      ? Number(value)
      : refuse(option, text, name + "=1024");
  return [name, { soft: bound(soft), hard: bound(hard ?? soft) }];
}

/** `KEY=VALUE`. */
export function pair(option: string, text: string): [string, string] {
  const end = text.indexOf("=");
  return end > 0 ? [text.slice(0, end), text.slice(end + 1)] : refuse(option, text, "kernel.msgmax=8192");
}

/** `CLOCK=SECONDS`. */
export function timeOffset(option: string, text: string): [string, TimeOffset] {
  const [, clock, seconds] = /^(monotonic|boottime)=(-?\d+(?:\.\d+)?)$/.exec(text) ??
    refuse(option, text, "boottime=86400");
  const secs = Math.floor(Number(seconds));
  const nanosecs = Math.round((Number(seconds) - secs) * 1e9);
  return [clock, { secs, nanosecs }];
}

/** `POLICY[:PRIORITY]`. */
export function scheduler(option: string, text: string): Scheduler {
  const [, policy, , number] = /^(other|batch|idle|fifo|rr)(:(-?\d+))?$/.exec(text) ?? refuse(option, text, "fifo:10");
  const isRealTime = policy === "fifo" || policy === "rr";
  return {
    policy: `SCHED_${policy.toUpperCase()}` as Scheduler["policy"],
    ...(number !== undefined && { [isRealTime ? "priority" : "nice"]: Number(number) }),
  };
}

/** `CLASS[:LEVEL]`. */
export function ioPriority(option: string, text: string): IoPriority {
  const [, name, , level] = /^(rt|be|idle)(:(\d))?$/.exec(text) ?? refuse(option, text, "be:7");
  return {
    class: `IOPRIO_CLASS_${name.toUpperCase()}` as IoPriority["class"],
    ...(level !== undefined && { priority: Number(level) }),
  };
}

/** @throws {UsageError} always */
export function refuse(option: string, text: string, example: string): never {
  throw new UsageError(`--${option} must be such as ${example}; it is ${JSON.stringify(text)}`);
}

/** Other words for the same. */
const KEYS: Record<string, string> = {
  src: "source",
  dst: "target",
  destination: "target",
  "tmpfs-size": "size",
  "tmpfs-mode": "mode",
  readonly: "ro",
};

/**
 * The mount that the option stands for; what is none of its own words is an option of the filesystem.
 *
 * @throws {UsageError} where there is no type or no target
 * @throws {SpecError} where an option of a bind mount or a tmpfs is unknown
 */
export function mountFromOption(text: string): Mount {
  const found = new Map<string, string>();
  const options: string[] = [];
  for (const entry of text.split(",")) {
    const end = entry.indexOf("=");
    const word = end === -1 ? entry : entry.slice(0, end);
    const key = Object.hasOwn(KEYS, word) ? KEYS[word] : word;
    const value = end === -1 ? undefined : entry.slice(end + 1);
    if (["type", "source", "target"].includes(key)) found.set(key, value ?? "");
    else if (key === "ro" && (value === "false" || value === "0")) options.push("rw");
    else if (key === "ro") options.push("ro");
    else if (key === "bind-propagation") options.push(value ?? "");
    else options.push(value === undefined ? key : `${key}=${value}`);
  }
  const [type, source, target] = ["type", "source", "target"].map((key) => found.get(key));
  if (!type || !target) {
    throw new UsageError(`--mount needs ${type ? "dst=TARGET" : "type=TYPE"}; it is ${quote(text)}`);
  }
  if (type === "bind") return volume("mounts", { source, target, options });
  if (type === "tmpfs") return tmpfs("mounts", { target, options });
  return { destination: target, type, source: source ?? type, options };
}

function quote(text: string): string {
  return JSON.stringify(text);
}

const SIZES: Record<string, number> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes, with the letter of a power of 1024; `unlimited`. */
export function size(option: string, text: string): number {
  if (text === "unlimited" || text === "-1") return Infinity;
  const [, number, unit] = /^(\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text) ?? refuse(option, text, "64M");
  return Math.round(Number(number) * SIZES[unit.toLowerCase()]);
}

/** A number that may be no whole one. */
export function decimal(option: string, text: string): number {
  return /^(\d+|\d*\.\d+)$/.test(text) ? Number(text) : refuse(option, text, "0.5");
}

const IO_KEYS: Record<string, keyof IoMax> = {
  rbps: "readBps",
  wbps: "writeBps",
  riops: "readIops",
  wiops: "writeIops",
};

/** `DEVICE:KEY=RATE[,…]`. */
export function ioMax(option: string, text: string): [string, IoMax] {
  const [, device, rates] = /^(\d+:\d+|\/.*):((?:\w+=[^,=]+,?)+)$/.exec(text) ??
    refuse(option, text, "/dev/sda:rbps=1M,wiops=100");
  const limits: IoMax = {};
  for (const entry of rates.split(",")) {
    const [key, rate] = entry.split("=");
    if (!Object.hasOwn(IO_KEYS, key)) refuse(option, text, "/dev/sda:rbps=1M,wiops=100");
    limits[IO_KEYS[key]] = size(option, rate);
  }
  return [device, limits];
}
