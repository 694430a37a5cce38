/** `--allow-run`, honoured as `Deno.Command` would. */

import { callForJson, encodeForCall } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { resolveSymbols } from "../native/symbols.ts";
import type { Spec } from "../spec/types.ts";

/** Its `state` follows what is granted and revoked; to ask anew costs ten times as much. */
let runPermission: Deno.PermissionStatus | undefined;

/**
 * Checks that this process may run the spec's program; returns the spec to run, in which the program is the very file
 * that was checked.
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
