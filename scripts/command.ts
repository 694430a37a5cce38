/** Builds the installed command: its modules in one, compiled into a program that has an engine and the library. */

import { mustRun, projectPath } from "./support.ts";

const FOLDER = projectPath("target/command");

/**
 * Builds it; the program's path.
 *
 * @param goal what it is for, as {@linkcode mustRun} takes it
 */
export async function buildCommand(goal: string): Promise<string> {
  await Deno.mkdir(FOLDER, { recursive: true });
  const work = await Deno.makeTempDir({ dir: FOLDER });
  try {
    const [module, made, code] = [
      `${work}/minicontainer.js`,
      `${work}/minicontainer.bin`,
      `${FOLDER}/minicontainer.bin`,
    ];
    await bundle(module, goal);
    // Its build script reads it for each of the package's programs, and what is absent has it run anew.
    await (await Deno.open(code, { create: true, append: true })).close();
    await mustRun(goal, [await build("minicontainer-compile", code, goal), module, made]);
    // cargo goes by the file's time.
    if (!await isSame(made, code)) await Deno.rename(made, code);
    return await build("minicontainer", code, goal);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

async function bundle(module: string, goal: string) {
  // Deno fetches esbuild from npm for it, the first time; behind a proxy only the machine's own certificates will do.
  const trust = `DENO_TLS_CA_STORE=${Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system"}`;
  const flags = ["--quiet", "--minify", "--keep-names", "--output", module];
  await mustRun(goal, ["env", trust, Deno.execPath(), "bundle", ...flags, "src/engine/main.ts"]);
}

/** Builds one of the package's programs; its path. */
async function build(program: string, code: string, goal: string): Promise<string> {
  const flags = ["--release", "--locked", "--package", "minicontainer-command", "--bin", program];
  const output = await mustRun(goal, [
    ...["env", `MINICONTAINER_CODE=${code}`, "cargo", "build", ...flags, "--message-format=json-render-diagnostics"],
  ]);
  const messages: { executable?: string | null }[] = output.trim().split("\n").map((line) => JSON.parse(line));
  const path = messages.findLast(({ executable }) => typeof executable === "string")?.executable;
  if (path === undefined || path === null) throw new Error(`cargo does not tell where it has built ${program}`);
  return path;
}

async function isSame(path: string, other: string): Promise<boolean> {
  const [bytes, others] = await Promise.all([path, other].map((path) => Deno.readFile(path).catch(() => undefined)));
  return bytes !== undefined && others !== undefined && bytes.length === others.length &&
    bytes.every((byte, place) => byte === others[place]);
}
