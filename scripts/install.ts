/**
 * Installs the command: `deno task install [--prefix DIR]`; default: `/usr/local` for root, else `~/.local`.
 *
 * `PREFIX/bin/minicontainer` executes Deno on one file with all modules in it, with a cache of its own, so that it works
 * for a daemon that has neither HOME nor PATH, and for users who may not write to the folder.
 */

import { parseArgs } from "@std/cli/parse-args";
import { bundleInto, DENO_FLAGS, LIBRARY, MODULE } from "./bundle.ts";
import { mustRun, say } from "./support.ts";

const { prefix: given, help } = parseArgs(Deno.args, { string: ["prefix"], boolean: ["help"] });
if (help) {
  say("Usage: deno task install [--prefix DIR]");
  Deno.exit(0);
}
const prefix = given ? await absolute(given) : Deno.uid() === 0 ? "/usr/local" : `${Deno.env.get("HOME")}/.local`;
const folder = `${prefix}/lib/minicontainer`;

const launcher = await build();
await bundleInto(`${folder}/new`, "install");
await Deno.writeFile(`${folder}/new/launcher`, filled(await Deno.readFile(launcher)));
await Deno.chmod(`${folder}/new/launcher`, 0o755);
await Deno.mkdir(`${prefix}/bin`, { recursive: true });
for (const path of [LIBRARY, MODULE]) {
  await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
  // Whoever runs an older one just now goes on with that.
  await Deno.rename(`${folder}/new/${path}`, `${folder}/${path}`);
}
await Deno.rename(`${folder}/new/launcher`, `${prefix}/bin/minicontainer`);
await Deno.remove(`${folder}/new`, { recursive: true });

// The first run compiles, and the next ones find that in the cache.
const version = await mustRun("install", [`${prefix}/bin/minicontainer`, "--version"]);
await mustRun("install", [`${prefix}/bin/minicontainer`, "--root", `${folder}/none`, "list", "--quiet"]);
say(`installed ${prefix}/bin/minicontainer: ${version.split("\n", 1)[0]}`);

/** Builds library and launcher; the launcher's path, which the library's build script has told cargo. */
async function build(): Promise<string> {
  const output = await mustRun("install", [
    "cargo",
    "build",
    "--release",
    "--locked",
    "--message-format=json-render-diagnostics",
  ]);
  const messages: { env?: [string, string][] }[] = output.trim().split("\n").map((line) => JSON.parse(line));
  const told = new Map(messages.flatMap(({ env = [] }) => env)).get("MINICONTAINER_LAUNCHER");
  if (told === undefined) throw new Error("cargo does not tell where it has built the launcher");
  return told;
}

/** The launcher with what it executes, as `rust/child/src/launcher.rs` reads it. */
function filled(program: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const command = [Deno.execPath(), "run", ...DENO_FLAGS, `${folder}/${MODULE}`];
  const environment = [`DENO_DIR=${folder}/cache`, "DENO_NO_UPDATE_CHECK=1", "DENO_DISABLE_NODE_SHIM=1"];
  const texts = new TextEncoder().encode([...command, "", ...environment, "", ""].join("\0"));
  const slot = new TextDecoder("latin1").decode(program).split(/(what scripts\/install\.ts fills in\0*)/);
  if (slot.length !== 3 || texts.length > slot[1].length) throw new Error("the launcher has no room for its command");
  program.set(texts, slot[0].length);
  return program;
}

async function absolute(path: string): Promise<string> {
  await Deno.mkdir(path, { recursive: true });
  return await Deno.realPath(path);
}
