/** How a program ended, as callers see it. */

import { type Ended, exitCodeOf } from "../native/record.ts";
import { signalName } from "./signals.ts";

/** What a program used: it and those of its children that it has waited for. Source: waitid(2), getrusage(2). */
export interface Usage {
  /** From its start to its end, in microseconds. */
  wallUs: number;
  /** On a processor in the program's own code, in microseconds. */
  cpuUserUs: number;
  /** On a processor in the kernel for it, in microseconds. */
  cpuSystemUs: number;
  /** The largest resident set of one of its processes, in bytes. */
  memoryPeakBytes: number;
  /**
   * Whether `memoryPeakBytes` is only an upper bound: until it executes its program a child has this process's memory,
   * and the kernel counts that in, so what stays below this process's own peak can't be told from it.
   */
  memoryPeakIsBound: boolean;
}

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
  /** What it used. */
  usage: Usage;
  /**
   * What it was to have and could not be had in full, a sentence each, as in `only one user id is mapped: newuidmap is not
   * installed`; mostly none.
   */
  degraded: string[];
  /** What it wrote to stdout, where that was `"piped"`. */
  stdout?: Uint8Array<ArrayBuffer>;
  /** What it wrote to stderr, where that was `"piped"`. */
  stderr?: Uint8Array<ArrayBuffer>;
}

/** The result that the kernel's account stands for. */
export function resultFromEnd(ended: Ended): NamespaceExecResult {
  const { wallUs, cpuUserUs, cpuSystemUs, memoryPeakBytes, memoryPeakIsBound } = ended;
  return {
    pid: ended.pid,
    exitedNormally: ended.exited,
    exitStatus: ended.exited ? ended.code : null,
    signal: ended.exited ? null : { number: ended.code, name: signalName(ended.code) },
    exitCode: exitCodeOf(ended),
    outOfTime: ended.outOfTime,
    degraded: ended.degraded,
    usage: { wallUs, cpuUserUs, cpuSystemUs, memoryPeakBytes, memoryPeakIsBound },
  };
}
