/**
 * Installs the command: `deno task install [--prefix DIR]`; default: `/usr/local` for root, else `~/.local`.
 *
 * `PREFIX/bin/minicontainer` is one program that needs no other file, and Deno for its making alone.
 */

import { parseArgs } from "@std/cli/parse-args";
import { buildCommand } from "./command.ts";
import { mustRun, say } from "./support.ts";

const { prefix: given, help } = parseArgs(Deno.args, { string: ["prefix"], boolean: ["help"] });
if (help) {
  say("Usage: deno task install [--prefix DIR]");
  Deno.exit(0);
}
const prefix = given ?? (Deno.uid() === 0 ? "/usr/local" : `${Deno.env.get("HOME")}/.local`);

const program = await buildCommand("install");
await Deno.mkdir(`${prefix}/bin`, { recursive: true });
const command = `${await Deno.realPath(`${prefix}/bin`)}/minicontainer`;
// Whoever runs an older one just now goes on with that.
await Deno.copyFile(program, `${command}.new`);
await Deno.rename(`${command}.new`, command);
const version = await mustRun("install", [command, "--version"]);
say(`installed ${command}: ${version.split("\n", 1)[0]}`);
