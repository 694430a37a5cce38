/** The installed command: its first module is what Deno would be to it. */

import "./deno.ts";
import { main } from "../cli/main.ts";

Deno.exit(await main(Deno.args, async (args) => (await import("../cli/commands.ts")).command(args)));
