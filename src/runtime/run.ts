/** A spec's program from start to end, on this thread: what the command needs, and no more. */

import { callForEnd, encodeSpec } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { runSymbols } from "../native/symbols.ts";
import type { Spec } from "../spec/types.ts";
import { authorize } from "./permission.ts";
import { type NamespaceExecResult, resultFromEnd } from "./result.ts";

/**
 * Runs a spec's program and waits for its end.
 *
 * @throws {SpecError} before anything is done
 * @throws {SystemError} after undoing what was done
 */
export function runSpecSync(spec: Spec): NamespaceExecResult {
  const bytes = encodeSpec(authorize(spec));
  const { minicontainer_run } = openLibrary(runSymbols);
  return resultFromEnd(callForEnd((record, length) => minicontainer_run(bytes, bytes.byteLength, record, length)));
}
