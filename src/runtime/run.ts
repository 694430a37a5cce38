/** A spec's program from start to end, in one call. */

import { callForEnd, callForEndElsewhere, encodeSpec } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import type { Ended } from "../native/record.ts";
import { runNonblockingSymbols, runSymbols } from "../native/symbols.ts";
import type { Spec } from "../spec/types.ts";
import { authorize } from "./permission.ts";

/**
 * Runs a spec's program and waits for its end on this thread.
 *
 * @throws {SpecError} before anything is done
 * @throws {SystemError} after undoing what was done
 */
export function runSpecSync(spec: Spec): Ended {
  const bytes = encodeSpec(authorize(spec));
  const { minicontainer_run } = openLibrary(runSymbols);
  return callForEnd((record, length) => minicontainer_run(bytes, bytes.byteLength, record, length));
}

/** As {@linkcode runSpecSync}, on a thread of Deno's pool: what the command uses. */
export function runSpec(spec: Spec): Promise<Ended> {
  const bytes = encodeSpec(authorize(spec));
  const { run_nonblocking } = openLibrary(runNonblockingSymbols);
  return callForEndElsewhere((record, length) => run_nonblocking(bytes, bytes.byteLength, record, length));
}
