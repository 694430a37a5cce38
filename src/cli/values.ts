/** The values of options, from text. */

import type { IdMapping, IoPriority, Scheduler, TimeOffset } from "../spec/types.ts";
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
