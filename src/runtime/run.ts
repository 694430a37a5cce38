/** What is done with a spec in one call: its program is run from start to end, or what would be done is told. */

import { callForEnd, callForEndElsewhere, callForJson, encodeForCall, encodeSpec } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import type { Ended } from "../native/record.ts";
import { explainSymbols, runNonblockingSymbols, runSymbols } from "../native/symbols.ts";
import type { Spec } from "../spec/types.ts";
import { authorize } from "./permission.ts";

/**
 * Runs a spec's program and waits for its end on this thread.
 *
 * @throws {SpecError} before anything is done
 * @throws {SystemError} after undoing what was done
 */
export function runSpecSync(spec: Spec): Ended {
  const { bytes, length } = encodeForCall(authorize(spec));
  const { minicontainer_run } = openLibrary(runSymbols);
  return callForEnd((record, room) => minicontainer_run(bytes, length, record, room));
}

/** As {@linkcode runSpecSync}, on a thread of Deno's pool: what the command uses. */
export function runSpec(spec: Spec): Promise<Ended> {
  const bytes = encodeSpec(authorize(spec));
  const { run_nonblocking } = openLibrary(runNonblockingSymbols);
  return callForEndElsewhere((record, length) => run_nonblocking(bytes, bytes.byteLength, record, length));
}

/** One step of a plan. */
export interface PlannedStep {
  /** Who does it: this process, or the child that becomes the program. */
  side: "parent" | "child";
  /** The system call. */
  syscall: string;
  /** Its arguments, as strace would show them. */
  arguments: string[];
  /** What it is for. */
  why: string;
  /** Where the kernel's promise stands, as in `clone(2)`. */
  manPage: string;
}

/** What running a spec would do, step by step; nothing of it is done. */
export function explainSpec(spec: Spec): PlannedStep[] {
  const { minicontainer_explain } = openLibrary(explainSymbols);
  const { bytes, length } = encodeForCall(spec);
  return callForJson((record, room) => minicontainer_explain(bytes, length, record, room));
}
