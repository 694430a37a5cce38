/** Going on as `bin.ts`, which has the OCI runtime's commands. */

import { callForJson, encodeSpec } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { becomeSymbols } from "../native/symbols.ts";

/**
 * Has Deno run `bin.ts` in this very process, with the same permissions.
 *
 * @throws {SystemError} where it cannot
 */
export function becomeBin(args: string[]): never {
  // The package of npm has it in JavaScript.
  const [suffix] = /\.\w+$/.exec(import.meta.url) ?? [".ts"];
  const module = decodeURIComponent(new URL(`../../bin${suffix}`, import.meta.url).pathname);
  const request = encodeSpec({ call: "become", module, arguments: args.length });
  const { minicontainer_call } = openLibrary(becomeSymbols);
  throw callForJson((record, length) => minicontainer_call(request, request.byteLength, record, length));
}
