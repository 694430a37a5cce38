#!/usr/bin/env -S deno run --allow-ffi --allow-run
/**
 * The command: `minicontainer [OPTIONS] PROGRAM [ARGUMENTS]…`; `minicontainer --help` tells the rest.
 *
 * @module
 */

import { main } from "./src/cli/main.ts";

if (import.meta.main) Deno.exit(await main(Deno.args));
