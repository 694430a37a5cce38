/** What a container uses and has used. */

/** Those of its processes that have ended count, too; what this host does not tell is absent. */
export interface ContainerStats {
  /** Processors. */
  cpu?: CpuStats;
  /** Memory. */
  memory?: MemoryStats;
  /** Processes and threads. */
  pids?: PidsStats;
  /** Block devices, by `MAJOR:MINOR`. */
  io?: Record<string, IoStats>;
  /** How long its processes waited because something was short; cgroup v2. Source: Linux's accounting/psi. */
  pressure?: PressureStats;
}

/** Time on processors, in microseconds. */
export interface CpuStats {
  /** All of it. */
  usageUs: number;
  /** In programs' own code. */
  userUs: number;
  /** In the kernel. */
  systemUs: number;
  /** Periods in which it had something to do, where its time is limited. */
  periods: number;
  /** Those of them in which it had to stop. */
  throttledPeriods: number;
  /** How long it had to. */
  throttledUs: number;
}

/** Bytes of memory. */
export interface MemoryStats {
  /** Now. */
  currentBytes: number;
  /** At most so far. */
  peakBytes?: number;
  /** The limit; absent: there is none. */
  limitBytes?: number;
  /** In swap now. */
  swapBytes?: number;
  /** How often the limit was met. */
  limitHits: number;
  /** How many processes were killed because no memory was left. */
  oomKills: number;
}

/** Processes and threads. */
export interface PidsStats {
  /** Now. */
  current: number;
  /** At most so far. */
  peak?: number;
  /** The limit; absent: there is none. */
  limit?: number;
  /** How often one could not be made for the limit. */
  limitHits: number;
}

/** Of one block device. */
export interface IoStats {
  /** Bytes that were read. */
  readBytes: number;
  /** Bytes that were written. */
  writeBytes: number;
  /** How often something was read. */
  reads: number;
  /** How often something was written. */
  writes: number;
}

/** Microseconds in which some of the processes waited for it. */
export interface PressureStats {
  /** For a processor. */
  cpuUs?: number;
  /** For memory. */
  memoryUs?: number;
  /** For a device. */
  ioUs?: number;
}

/** The same without what is `null`, as JSON has what is absent. */
export function withoutNulls<T>(value: T): T {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null);
  return Object.fromEntries(entries.map(([key, each]) => [key, withoutNulls(each)])) as T;
}
