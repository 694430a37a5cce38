/** A configuration's `limits`, and what they are in OCI's words. Pure. */

import { SpecError } from "../native/errors.ts";
import { flag, ifGiven, kindOf, list, name, object, oneOf, present, shown, text, whole } from "./check.ts";
import type { CgroupExtras, CgroupManager, DeviceRule, IoMax, Resources } from "./linux_resources.ts";

/**
 * What a program and all that it starts may use together, in a cgroup of its own, and which they are killed for or made
 * to wait; an empty object limits nothing, but what was used is told. Source: cgroups(7).
 */
export interface Limits {
  /** Bytes of memory, above which something is killed; `Infinity`: no limit. */
  memoryBytes?: number;
  /** Bytes of memory and swap together; `Infinity`: no limit on swap. */
  memorySwapBytes?: number;
  /** Bytes of memory above which it is taken back first, where it is short. */
  memoryReservationBytes?: number;
  /** Processors' time: `0.5` is half of one. */
  cpus?: number;
  /** 2 to 262144, default 1024: its part where others want the same processors. */
  cpuShares?: number;
  /** Processors that it may run on, as in `"0-3,7"`. */
  cpusetCpus?: string;
  /** Nodes that it may have memory of, as in `"0"`. */
  cpusetMems?: string;
  /** Processes and threads; 0: it can start none; `Infinity`: no limit. */
  pids?: number;
  /** 10 to 1000: its part where others want the same block devices. */
  ioWeight?: number;
  /** By block device, `MAJOR:MINOR` or a path: what is read and written per second. */
  ioMax?: Readonly<Record<string, Readonly<IoMax>>>;
  /**
   * Devices that it may use, as in `["c 10:200 rwm"]`, beside the usual ones (null, zero, terminals, …); no others then.
   * With a `rootfs`, unless there is a user namespace, that is so with any limits, and CAP_MKNOD is among the defaults.
   */
  devices?: readonly string[];
  /** Files of version 2, and what is written to them, as in `{ "memory.high": "50M" }`. */
  unified?: Readonly<Record<string, string>>;
  /** Milliseconds on processors, of all its processes together, after which the program is killed. */
  cpuTimeMs?: number;
  /** Below which cgroup its own is made: absolute, or below this process's (default). */
  cgroupParent?: string;
  /** Who makes the cgroup; default: `"auto"`. */
  cgroupManager?: CgroupManager;
  /** What this host cannot limit is left away, rather than an error; with `enableDebug` it is told on stderr. */
  bestEffort?: boolean;
}

const FIELDS: readonly (keyof Limits)[] = [
  ...["memoryBytes", "memorySwapBytes", "memoryReservationBytes", "cpus", "cpuShares", "cpusetCpus"] as const,
  ...["cpusetMems", "pids", "ioWeight", "ioMax", "devices", "unified", "cpuTimeMs", "cgroupParent"] as const,
  ...["cgroupManager", "bestEffort"] as const,
];

/** The kernel's period, in microseconds. */
const PERIOD_US = 100_000;

/** Limits in a spec's words. */
export function resourcesOf(path: string, value: unknown): { resources?: Resources; cgroup: CgroupExtras } {
  const limits = object(path, value) as Limits;
  const unknown = Object.keys(limits).find((field) => !FIELDS.includes(field as keyof Limits));
  if (unknown !== undefined) throw new SpecError(`${path}.${unknown}`, "is no limit");
  const given = <K extends keyof Limits, T>(field: K, check: (path: string, value: unknown) => T) =>
    ifGiven(`${path}.${field}`, limits[field], check);
  const resources = present<Resources>({
    memory: part({
      limit: given("memoryBytes", amount),
      swap: given("memorySwapBytes", amount),
      reservation: given("memoryReservationBytes", amount),
    }),
    cpu: part({
      shares: given("cpuShares", (path, value) => whole(path, value, 2, 262_144)),
      ...given("cpus", (path, value) => ({ quota: quota(path, value), period: PERIOD_US })),
      cpus: given("cpusetCpus", (path, value) => ranges(path, value)),
      mems: given("cpusetMems", (path, value) => ranges(path, value)),
    }),
    pids: given("pids", (path, value) => ({ limit: value === Infinity ? -1 : whole(path, value, 0, 2 ** 31) })),
    blockIO: part({ weight: given("ioWeight", (path, value) => whole(path, value, 10, 1000)) }),
    devices: given("devices", (path, value) => list(path, value, deviceRule)),
    unified: given("unified", texts),
  });
  const cgroup = present<CgroupExtras>({
    manager: given("cgroupManager", (path, value) => oneOf(path, value, ["auto", "cgroupfs", "systemd", "disabled"])),
    parent: given("cgroupParent", (path, value) => name(path, value, "a cgroup")),
    bestEffort: given("bestEffort", flag),
    cpuTimeMs: given("cpuTimeMs", milliseconds),
    ioMax: given("ioMax", ioMax),
  });
  return present({ resources: Object.keys(resources).length > 0 ? resources : undefined, cgroup });
}

function part<T extends object>(fields: T): T | undefined {
  const found = present(fields);
  return Object.keys(found).length > 0 ? found : undefined;
}

function amount(path: string, value: unknown): number {
  return value === Infinity ? -1 : whole(path, value, 1, Number.MAX_SAFE_INTEGER);
}

/** The kernel takes no less than a millisecond in each period. */
function quota(path: string, value: unknown): number {
  if (typeof value === "number" && value >= 0.01 && value <= 1e6) return Math.round(value * PERIOD_US);
  throw new SpecError(path, `must be a number of processors, 0.01 or more; it is ${shown(value)}`);
}

function ranges(path: string, value: unknown): string {
  const given = text(path, value);
  if (/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(given)) return given;
  throw new SpecError(path, `must be such as "0-3,7"; it is ${shown(given)}`);
}

/** As long as a timeout may be. */
const LONGEST_MS = 100 * 365 * 86_400_000;

function milliseconds(path: string, value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= LONGEST_MS) return value;
  throw new SpecError(path, `must be a number of milliseconds above 0, at most 100 years; it is ${shown(value)}`);
}

function ioMax(path: string, value: unknown) {
  return Object.entries(object(path, value)).map(([device, limits]) => {
    const field = `${path}.${device}`;
    const { readBps, writeBps, readIops, writeIops } = object(field, limits);
    const rate = (name: string, given: unknown) =>
      ifGiven(`${field}.${name}`, given, (path, value) => whole(path, value, 1, Number.MAX_SAFE_INTEGER));
    return present({
      device: name(field, device, "a device"),
      readBps: rate("readBps", readBps),
      writeBps: rate("writeBps", writeBps),
      readIops: rate("readIops", readIops),
      writeIops: rate("writeIops", writeIops),
    });
  });
}

/** `TYPE MAJOR:MINOR ACCESS`, as Docker's `--device-cgroup-rule` has it. */
function deviceRule(path: string, value: unknown): DeviceRule {
  const [, type, major, minor, access] = /^([acb]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text(path, value)) ?? [];
  if (type === undefined) throw new SpecError(path, `must be such as "c 10:200 rwm"; it is ${shown(value)}`);
  const number = (word: string) => word === "*" ? undefined : Number(word);
  return present({
    allow: true,
    type: type as DeviceRule["type"],
    major: number(major),
    minor: number(minor),
    access,
  });
}

function texts(path: string, value: unknown): Record<string, string> {
  const entries = Object.entries(object(path, value)).map(([file, content]) => {
    if (typeof content !== "string") {
      throw new SpecError(`${path}.${file}`, `must be a string; it is ${kindOf(content)}`);
    }
    return [file, content] as const;
  });
  return Object.fromEntries(entries);
}
