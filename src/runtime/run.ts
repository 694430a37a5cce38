/**
 * What is done with a spec in one call: its program is run from start to end, or what would be done is told; and whether
 * this process may run it.
 *
 * @module
 */

import { callForEnd, callForEndElsewhere, callForJson, encodeForCall, encodeSpec, type Ended } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { explainSymbols, resolveSymbols, runNonblockingSymbols, runSymbols } from "../native/symbols.ts";
import type { Spec } from "../spec/types.ts";

/** At hand, once it is opened. */
let runHere: Deno.DynamicLibrary<typeof runSymbols>["symbols"]["minicontainer_run"] | undefined;

/**
 * Runs a spec's program and waits for its end on this thread.
 *
 * @throws {SpecError} before anything is done
 * @throws {SystemError} after undoing what was done
 */
export function runSpecSync(spec: Spec): Ended {
  const { bytes, length } = encodeForCall(authorize(spec));
  runHere ??= openLibrary(runSymbols).minicontainer_run;
  const run = runHere;
  return callForEnd((record, room) => run(bytes, length, record, room));
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

/** Its `state` follows what is granted and revoked; to ask anew costs ten times as much. */
let runPermission: Deno.PermissionStatus | undefined;

/**
 * Checks by `--allow-run`, as `Deno.Command` would, that this process may run the spec's program; returns the spec to run,
 * in which the program is the very file that was checked.
 *
 * It is a courtesy to those who limit their own code: whoever may load a native library may do anything.
 *
 * @throws {Deno.errors.NotCapable} where it may not
 */
export function authorize(spec: Spec): Spec {
  runPermission ??= Deno.permissions.querySync({ name: "run" });
  if (runPermission.state === "granted") return spec;
  const { minicontainer_resolve } = openLibrary(resolveSymbols);
  const { bytes, length } = encodeForCall(spec);
  const { program: command, loaderVariables } = callForJson<{ program: string; loaderVariables: string[] }>(
    (record, room) => minicontainer_resolve(bytes, length, record, room),
  );
  if (Deno.permissions.requestSync({ name: "run", command }).state !== "granted") {
    const message = `Requires run access to ${JSON.stringify(command)}, run again with the --allow-run flag`;
    throw new Deno.errors.NotCapable(message);
  }
  if (loaderVariables.length > 0) {
    const names = loaderVariables.join(", ");
    const message = `Requires --allow-run for all programs to start one with ${names} set, which can load other code`;
    throw new Deno.errors.NotCapable(message);
  }
  return { ...spec, minicontainer: { ...spec.minicontainer, program: command } };
}
