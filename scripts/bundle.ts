/** Puts the command into a folder: one module with all modules in it, and the library where that looks for it. */

import { LIBRARY_URL } from "../src/native/library.ts";
import { calledFunctions, withEagerFunctions } from "./eager.ts";
import { mustRun, projectPath, ROOT } from "./support.ts";

/** The library's place below the folder: the same as in the project. */
export const LIBRARY: string = decodeURIComponent(LIBRARY_URL.pathname).slice(ROOT.length);

/** The module's, from where it finds the library. */
export const MODULE = "src/native/minicontainer.js";

/** What Deno is given before the module. */
export const DENO_FLAGS: readonly string[] = [
  ...["--no-prompt", "--no-config", "--no-lock", "--no-remote", "--no-npm", "--allow-ffi", "--allow-run"],
];

/** These call what others of their kind call, although each ends where there is no such thing. */
const USUAL_RUNS = [
  ...[["--version"], ["--pid", "/none"], ["--rootfs", "/none", "/none"]],
  ...[["create", "--bundle", "/none", "x"], ["run", "--bundle", "/none", "x"], ["exec", "x", "/none"]],
  ...[["start", "x"], ["kill", "x"], ["delete", "x"], ["state", "x"], ["list"]],
];

/**
 * Puts library and module into a folder; the library is built already.
 *
 * @param goal what it is for, as {@linkcode mustRun} takes it
 */
export async function bundleInto(folder: string, goal: string): Promise<void> {
  const module = `${folder}/${MODULE}`;
  for (const path of [LIBRARY, MODULE]) {
    await Deno.mkdir(`${folder}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
  }
  await Deno.copyFile(projectPath(LIBRARY), `${folder}/${LIBRARY}`);
  // Deno fetches esbuild from npm for it, the first time; behind a proxy only the machine's own certificates will do.
  const trust = `DENO_TLS_CA_STORE=${Deno.env.get("DENO_TLS_CA_STORE") ?? "mozilla,system"}`;
  const bundle = [Deno.execPath(), "bundle", "--quiet", "--minify", "--keep-names", "--output", module, "bin.ts"];
  await mustRun(goal, ["env", trust, ...bundle]);
  const work = await Deno.makeTempDir({ prefix: "minicontainer-coverage-" });
  try {
    const flags = ["run", `--coverage=${work}/coverage`, ...DENO_FLAGS, module];
    for (const run of USUAL_RUNS) {
      const isProgram = run[0].startsWith("-");
      const args = [...flags, ...(isProgram ? [] : ["--root", `${work}/none`]), ...run];
      await new Deno.Command(Deno.execPath(), { args, env: { DENO_DIR: `${work}/cache` }, stdin: "null" }).output();
    }
    const called = await calledFunctions(`${work}/coverage`, module);
    if (called.length === 0) throw new Error(`Deno does not tell which functions of ${module} were called`);
    await Deno.writeTextFile(module, withEagerFunctions(await Deno.readTextFile(module), called));
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}
