/**
 * The command with all of its commands in reach: what is installed, compiled, and what `cli.ts` becomes where it is to do
 * something else than run a program. Deno reads each module that it could load before it runs the first, so `cli.ts` can
 * load only what running a program takes.
 *
 * @module
 */

import { main } from "./src/cli/main.ts";

if (import.meta.main) {
  Deno.exit(await main(Deno.args, async (args) => (await import("./src/cli/commands.ts")).command(args)));
}
