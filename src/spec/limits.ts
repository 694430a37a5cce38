/** What a program may use, and how the kernel treats it: the parts of OCI's `process` that are numbers and words. */

import { SpecError } from "../native/errors.ts";
import { ifGiven, name, object, oneOf, present, shown, text, texts, whole } from "./check.ts";
import type { IsolationConfig } from "./isolation_config.ts";
import { LARGEST_ID } from "./mounts.ts";
import type { CpuAffinity, IoPriority, Process, Rlimit, Scheduler, TimeOffset, User } from "./types.ts";

/** As getrlimit(2) has them, without `RLIMIT_`. */
const RLIMITS = [
  ...["AS", "CORE", "CPU", "DATA", "FSIZE", "LOCKS", "MEMLOCK", "MSGQUEUE", "NICE", "NOFILE", "NPROC", "RSS"],
  ...["RTPRIO", "RTTIME", "SIGPENDING", "STACK"],
];

const POLICIES = ["OTHER", "BATCH", "IDLE", "FIFO", "RR", "ISO", "DEADLINE"].map((each) =>
  `SCHED_${each}` as Scheduler["policy"]
);

const IO_CLASSES = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"] as const;

/** The limits of a configuration, as a part of `process`. */
export function limitsOf(config: IsolationConfig): Partial<Process> {
  return {
    user: userOf(config),
    rlimits: ifGiven("rlimits", config.rlimits, rlimits),
    oomScoreAdj: ifGiven("oomScoreAdj", config.oomScoreAdj, (path, value) => whole(path, value, -1000, 1000)),
    scheduler: ifGiven("scheduler", config.scheduler, scheduler),
    ioPriority: ifGiven("ioPriority", config.ioPriority, ioPriority),
    execCPUAffinity: ifGiven("cpuAffinity", config.cpuAffinity, cpuAffinity),
  };
}

/** `user` itself is a text that only the library can resolve. */
function userOf(config: IsolationConfig): User | undefined {
  const { umask, additionalGids } = config;
  if (umask === undefined && additionalGids === undefined) return undefined;
  return present({
    umask: ifGiven("umask", umask, (path, value) => whole(path, value, 0, 0o777)),
    additionalGids: ifGiven("additionalGids", additionalGids, (path, value) => {
      if (!Array.isArray(value)) throw new SpecError(path, `must be an array of numbers; it is ${shown(value)}`);
      return Array.from(value, (gid, index) => whole(`${path}[${index}]`, gid, 0, LARGEST_ID));
    }),
  });
}

function rlimits(path: string, value: unknown): Rlimit[] {
  const found = Object.entries(object(path, value)).map(([name, limit]): Rlimit => {
    const short = name.toUpperCase().replace(/^RLIMIT_/, "");
    if (!RLIMITS.includes(short)) throw new SpecError(path, `${shown(name)} is no limit: see getrlimit(2)`);
    const field = `${path}.${name}`;
    const { soft, hard } = typeof limit === "number" ? { soft: limit, hard: limit } : object(field, limit);
    const pair = { soft: bound(`${field}.soft`, soft), hard: bound(`${field}.hard`, hard) };
    if (pair.hard !== -1 && (pair.soft === -1 || pair.soft > pair.hard)) {
      throw new SpecError(field, `must not have a soft limit above the hard one, ${pair.hard}`);
    }
    return { type: `RLIMIT_${short}`, ...pair };
  });
  const again = found.findIndex(({ type }, index) => found.findIndex((each) => each.type === type) !== index);
  if (again !== -1) throw new SpecError(path, `has ${found[again].type} twice`);
  return found;
}

/** OCI's limits are 64 bits wide, which JSON from JavaScript is not: `-1` stands for the largest, which is none. */
function bound(path: string, value: unknown): number {
  return value === Infinity ? -1 : whole(path, value, -1, Number.MAX_SAFE_INTEGER);
}

function scheduler(path: string, value: unknown): Scheduler {
  const { policy, nice, priority, flags, ...times } = object(path, value);
  const found: Scheduler = {
    policy: oneOf(`${path}.policy`, policy, POLICIES),
    nice: ifGiven(`${path}.nice`, nice, (path, value) => whole(path, value, -20, 19)),
    priority: ifGiven(`${path}.priority`, priority, (path, value) => whole(path, value, 0, 99)),
    flags: ifGiven(`${path}.flags`, flags, texts),
  };
  for (const time of ["runtime", "deadline", "period"] as const) {
    found[time] = ifGiven(`${path}.${time}`, times[time], (path, ns) => whole(path, ns, 0, Number.MAX_SAFE_INTEGER));
  }
  const isRealTime = found.policy === "SCHED_FIFO" || found.policy === "SCHED_RR";
  if (isRealTime && !found.priority) throw new SpecError(`${path}.priority`, `must be 1 to 99 for ${found.policy}`);
  return present(found);
}

function ioPriority(path: string, value: unknown): IoPriority {
  const { class: given, priority } = object(path, value);
  return present({
    class: oneOf(`${path}.class`, given, IO_CLASSES),
    priority: ifGiven(`${path}.priority`, priority, (path, value) => whole(path, value, 0, 7)),
  });
}

function cpuAffinity(path: string, value: unknown): CpuAffinity {
  const cpus = name(path, value, "processors");
  if (/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(cpus)) return { final: cpus };
  throw new SpecError(path, `must be processors such as "0-3,7"; it is ${shown(cpus)}`);
}

/** OCI `linux.timeOffsets`. */
export function timeOffsets(path: string, value: unknown): { monotonic?: TimeOffset; boottime?: TimeOffset } {
  const { monotonic, boottime } = object(path, value);
  return present({
    monotonic: ifGiven(`${path}.monotonic`, monotonic, timeOffset),
    boottime: ifGiven(`${path}.boottime`, boottime, timeOffset),
  });
}

function timeOffset(path: string, value: unknown): TimeOffset {
  const { secs, nanosecs } = object(path, value);
  return present({
    secs: whole(`${path}.secs`, secs, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    nanosecs: ifGiven(`${path}.nanosecs`, nanosecs, (path, value) => whole(path, value, 0, 999_999_999)),
  });
}

/** OCI `linux.sysctl`. */
export function sysctl(path: string, value: unknown): Record<string, string> {
  const entries = Object.entries(object(path, value)).map(([key, setting]) => {
    if (!/^[\w/-]+(\.[\w/-]+)+$/.test(key)) {
      throw new SpecError(path, `${shown(key)} is no kernel parameter, such as net.ipv4.ip_forward`);
    }
    return [key, text(`${path}.${key}`, setting)];
  });
  return Object.fromEntries(entries);
}
