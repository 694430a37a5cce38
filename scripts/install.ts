/**
 * Installs the command: `deno task install [--prefix DIR]`; default: `/usr/local` for root, else `~/.local`.
 *
 * `PREFIX/bin/minicontainer` executes Deno on one file with all modules in it, with a cache of its own, so that it works
 * for a daemon that has neither HOME nor PATH, and for users who may not write to the folder.
 */

import { parseArgs } from "@std/cli/parse-args";
import { LIBRARY_URL } from "../src/native/library.ts";
import { projectPath, ROOT, run, say } from "./support.ts";

const { prefix: given, help } = parseArgs(Deno.args, { string: ["prefix"], boolean: ["help"] });
if (help) {
  say("Usage: deno task install [--prefix DIR]");
  Deno.exit(0);
}
const prefix = given ? await absolute(given) : Deno.uid() === 0 ? "/usr/local" : `${Deno.env.get("HOME")}/.local`;
const folder = `${prefix}/lib/minicontainer`;

/** The bundle finds the library where a module of the project would: at the same place below the folder. */
const library = decodeURIComponent(LIBRARY_URL.pathname).slice(ROOT.length);
const bundle = "src/native/minicontainer.js";

const launcher = await build();
await Deno.mkdir(`${prefix}/bin`, { recursive: true });
for (const path of [library, bundle]) {
  await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
}
await done([
  Deno.execPath(),
  "bundle",
  "--quiet",
  "--minify",
  "--keep-names",
  "--output",
  `${folder}/new.js`,
  "bin.ts",
]);
await Deno.copyFile(projectPath(library), `${folder}/new.so`);
// Whoever runs an older one just now goes on with that.
await Deno.rename(`${folder}/new.so`, `${folder}/${library}`);
await Deno.rename(`${folder}/new.js`, `${folder}/${bundle}`);
await Deno.writeFile(`${folder}/launcher`, filled(await Deno.readFile(launcher)));
await Deno.chmod(`${folder}/launcher`, 0o755);
await Deno.rename(`${folder}/launcher`, `${prefix}/bin/minicontainer`);

// The first run compiles, and the next ones find that in the cache.
const version = await done([`${prefix}/bin/minicontainer`, "--version"]);
await done([`${prefix}/bin/minicontainer`, "--root", `${folder}/none`, "list", "--quiet"]);
say(`installed ${prefix}/bin/minicontainer: ${version.split("\n", 1)[0]}`);

/** Builds library and launcher; the launcher's path, which the library's build script has told cargo. */
async function build(): Promise<string> {
  const output = await done(["cargo", "build", "--release", "--locked", "--message-format=json-render-diagnostics"]);
  const messages: { env?: [string, string][] }[] = output.trim().split("\n").map((line) => JSON.parse(line));
  const told = new Map(messages.flatMap(({ env = [] }) => env)).get("MINICONTAINER_LAUNCHER");
  if (told === undefined) throw new Error("cargo does not tell where it has built the launcher");
  return told;
}

/** The launcher with what it executes, as `rust/child/src/launcher.rs` reads it. */
function filled(program: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const flags = ["--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--allow-ffi", "--allow-run"];
  const command = [Deno.execPath(), "run", ...flags, `${folder}/${bundle}`];
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

async function done(command: string[]): Promise<string> {
  const { code, output } = await run(command, { quiet: true });
  if (code === 0) return output;
  console.error(`cannot install: ${command.join(" ")} ended with exit code ${code}`);
  Deno.exit(1);
}
