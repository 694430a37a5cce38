/** Going on as `bin.ts`, which has the OCI runtime's commands. */

import { callLifeHere } from "../native/life.ts";

/**
 * Has Deno run `bin.ts` in this very process, with the same permissions.
 *
 * @throws {SystemError} where it cannot
 */
export function becomeBin(args: string[]): never {
  // The package of npm has it in JavaScript.
  const [suffix] = /\.\w+$/.exec(import.meta.url) ?? [".ts"];
  const module = decodeURIComponent(new URL(`../../bin${suffix}`, import.meta.url).pathname);
  throw callLifeHere("become", { module, arguments: args.length });
}
