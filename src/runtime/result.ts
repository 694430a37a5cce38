/** How a program ended, as callers see it. */

import { type Ended, exitCodeOf, type FileChange } from "../native/call.ts";
import type { PressureStats } from "../spec/stats.ts";
import { signalName } from "./signals.ts";

/**
 * What a program used: it and those of its children that it has waited for; with `limits` all that it started. What has a
 * `?` is told with `limits`, as far as the host tells it. Source: waitid(2), getrusage(2); cgroups(7).
 */
export interface Usage {
  /** From its start to its end, in microseconds. */
  wallUs: number;
  /** On a processor in the program's own code, in microseconds. */
  cpuUserUs: number;
  /** On a processor in the kernel for it, in microseconds. */
  cpuSystemUs: number;
  /** The largest resident set of one of its processes, in bytes; with `limits` the most that all had together. */
  memoryPeakBytes: number;
  /**
   * Whether `memoryPeakBytes` is only an upper bound: until it executes its program a child has this process's memory,
   * and the kernel counts that in, so what stays below this process's own peak can't be told from it.
   */
  memoryPeakIsBound: boolean;
  /** How long a limit on processors made it wait, in microseconds. */
  throttledUs?: number;
  /** The most processes and threads that there were. */
  pidsPeak?: number;
  /** Bytes read from block devices. */
  ioReadBytes?: number;
  /** Bytes written to block devices. */
  ioWriteBytes?: number;
  /** Microseconds in which some process of it waited because something was short. Source: PSI, version 2. */
  pressure?: PressureStats;
}

/** Which limit ended a program. */
export type EndedBy = "timeout" | "cpuTime" | "output" | "oom";

/** How a program ended. */
export interface NamespaceExecResult {
  /** The program's number as the host saw it. */
  pid: number;
  /** Whether the program ended by itself, rather than by a signal. */
  exitedNormally: boolean;
  /** Its exit status, 0..255, where it ended by itself; else null. */
  exitStatus: number | null;
  /**
   * The signal that ended it, else null. A signal that PID 1 of a namespace had no handler for ends it here as it would
   * have elsewhere, and is told here, though what the kernel takes for it is SIGKILL.
   */
  signal: { number: number; name: string } | null;
  /** 0..255 by the shell's convention: the exit status, or 128 and the signal's number. */
  exitCode: number;
  /** Whether it was killed because `timeoutMs` was over. */
  outOfTime: boolean;
  /** Whether memory's limit was met, and a process of it killed: tells a 137 by that from any other. */
  oomKilled: boolean;
  /** The limit that ended it: `timeoutMs`, `cpuTimeMs`, `outputBytes`, `memoryBytes`; null: none did. */
  endedBy: EndedBy | null;
  /** What it used. */
  usage: Usage;
  /**
   * What it was to have and could not be had in full, a sentence each, as in `only one user id is mapped: newuidmap is not
   * installed`; mostly none.
   */
  degraded: string[];
  /**
   * What was changed in the root filesystem, by path, where `overlay.diff` asked for it: all that the overlay's layer
   * holds, the places of mounts that had to be made among them.
   */
  changes?: FileChange[];
  /** What it wrote to stdout, where that was `"piped"`. */
  stdout?: Uint8Array<ArrayBuffer>;
  /** What it wrote to stderr, where that was `"piped"`. */
  stderr?: Uint8Array<ArrayBuffer>;
}

/** The result that the kernel's account stands for. */
export function resultFromEnd(ended: Ended): NamespaceExecResult {
  const result: NamespaceExecResult = {
    pid: ended.pid,
    exitedNormally: ended.exited,
    exitStatus: ended.exited ? ended.code : null,
    signal: ended.exited ? null : { number: ended.code, name: signalName(ended.code) },
    exitCode: exitCodeOf(ended),
    outOfTime: ended.outOfTime,
    oomKilled: (ended.used?.oomKills ?? 0) > 0,
    endedBy: endedBy(ended),
    degraded: ended.degraded,
    usage: usageOf(ended),
  };
  if (ended.changes !== undefined) result.changes = ended.changes;
  return result;
}

function usageOf({ wallUs, cpuUserUs, cpuSystemUs, memoryPeakBytes, memoryPeakIsBound, used }: Ended): Usage {
  const own = { wallUs, cpuUserUs, cpuSystemUs, memoryPeakBytes, memoryPeakIsBound };
  if (used === undefined) return own;
  const { oomKills: _, left: __, ...whole } = used;
  return {
    ...own,
    memoryPeakIsBound: memoryPeakIsBound && whole.memoryPeakBytes === undefined,
    ...whole,
  };
}

/** Which limit ended a program; where its output was read here, that it was too much is the streams' affair. */
export function endedBy({ outOfTime, outOfCpuTime, outOfOutput, exited, code, used }: Ended): EndedBy | null {
  if (outOfTime) return "timeout";
  if (outOfCpuTime) return "cpuTime";
  if (outOfOutput) return "output";
  const wasKilled = !exited && code === SIGKILL;
  return wasKilled && (used?.oomKills ?? 0) > 0 ? "oom" : null;
}

const SIGKILL = 9;
