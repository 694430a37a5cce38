/**
 * Runs opencontainers/runtime-tools' validation programs against this runtime, and against crun and runc where they are
 * installed: `deno task conformance [--keep DIR]`.
 *
 * Needs Go, root, and Go's module proxy. A program that says so of a rule passes; what none of the runtimes passes is
 * mostly the host's or the program's own affair.
 */

import { parseArgs } from "@std/cli/parse-args";
import { run, say, withoutHybridCgroup } from "./support.ts";

/** The programs were written against this version of the specification, and with these libraries. */
const TOOLS = "github.com/opencontainers/runtime-tools@v0.9.0";
const LIBRARIES = [
  ...["github.com/opencontainers/runtime-spec@v1.0.2", "github.com/opencontainers/selinux@v1.2.2"],
  ...["github.com/satori/go.uuid@v1.2.0", "github.com/urfave/cli@v1.19.1", "github.com/xeipuuv/gojsonschema@v1.2.0"],
];

const PATIENCE_MS = 60_000;

const { keep } = parseArgs(Deno.args, { string: ["keep"] });
const folder = keep ?? await Deno.makeTempDir({ prefix: "minicontainer-conformance-" });
try {
  await main();
} finally {
  if (keep === undefined) {
    // Go's cache of modules is read-only.
    await run(["chmod", "-R", "u+w", folder], { quiet: true });
    await Deno.remove(folder, { recursive: true });
  }
}

async function main() {
  await done(["deno", "task", "install", "--prefix", `${folder}/installed`]);
  const programs = await built();
  const runtimes = [`${folder}/installed/bin/minicontainer`];
  for (const rival of ["crun", "runc"]) {
    if ((await run(["sh", "-c", `command -v ${rival}`], { quiet: true })).code === 0) runtimes.push(rival);
    else say(`${rival}: skipped: it is not installed`);
  }
  // A mount namespace of its own, in which crun works, and which takes with it what programs leave mounted.
  const wrapper = await withoutHybridCgroup();
  const passed = new Map<string, Set<string>>();
  for (const runtime of runtimes) {
    const before = await containers(runtime);
    passed.set(runtime, await passing(runtime, programs, wrapper));
    for (const id of (await containers(runtime)).difference(before)) {
      await run([runtime, "delete", "--force", id], { quiet: true });
    }
  }
  const names = runtimes.map((runtime) => runtime.replace(/.*\//, ""));
  say(`${"".padEnd(34)}${names.map((name) => name.padEnd(15)).join("")}`);
  for (const program of programs) {
    const marks = runtimes.map((runtime) => (passed.get(runtime)!.has(program) ? "pass" : "-").padEnd(15));
    say(`${program.padEnd(34)}${marks.join("")}`);
  }
  const counts = runtimes.map((runtime) => `${passed.get(runtime)!.size} of ${programs.length}`.padEnd(15));
  say(`${"passed".padEnd(34)}${counts.join("")}`);
  const [ours, ...rivals] = runtimes.map((runtime) => passed.get(runtime)!);
  const behind = programs.filter((program) => !ours.has(program) && rivals.some((rival) => rival.has(program)));
  if (behind.length > 0) {
    say(`another passes, and this one does not: ${behind.join(", ")}`);
    Deno.exit(1);
  }
}

/** Builds the programs; their names. */
async function built(): Promise<string[]> {
  const env = ["env", `GOPATH=${folder}/go`, "GOFLAGS=-mod=mod"];
  const tools = `${folder}/tools`;
  await Deno.mkdir(`${folder}/fetch`, { recursive: true });
  await Deno.writeTextFile(`${folder}/fetch/go.mod`, "module fetch\n\ngo 1.21\n");
  await done([...env, "go", "mod", "download", TOOLS], `${folder}/fetch`);
  await done(["cp", "-r", `${folder}/go/pkg/mod/${TOOLS}`, tools]);
  await done(["chmod", "-R", "u+w", tools]);
  await Deno.writeTextFile(`${tools}/go.mod`, `module ${TOOLS.split("@")[0]}\n\ngo 1.21\n`);
  await done([...env, "go", "mod", "tidy"], tools);
  await done([...env, "go", "get", ...LIBRARIES], tools);
  await done([...env, "CGO_ENABLED=0", "go", "build", "-o", "runtimetest", "./cmd/runtimetest"], tools);
  const names: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(`${tools}/validation`)) {
    if (isDirectory && name !== "util") names.push(name);
  }
  for (const name of names.sort()) {
    await done([...env, "go", "build", "-o", `bin/${name}`, `./validation/${name}`], tools);
  }
  return names;
}

/** The programs that are content with a runtime. */
async function passing(
  runtime: string,
  programs: readonly string[],
  wrapper: readonly string[],
): Promise<Set<string>> {
  const passed = new Set<string>();
  for (const program of programs) {
    const command = [...wrapper, "env", `RUNTIME=${runtime}`, `TMPDIR=${folder}`, `bin/${program}`];
    const { code, output } = await run(["sh", "-c", '"$@" 2>&1', "sh", ...command], {
      cwd: `${folder}/tools`,
      quiet: true,
      timeoutMs: PATIENCE_MS,
    });
    if (keep !== undefined) {
      await Deno.writeTextFile(`${folder}/${runtime.replace(/.*\//, "")}-${program}.txt`, output);
    }
    if (code === 0 && !/^not ok/m.test(output)) passed.add(program);
  }
  return passed;
}

/** The containers that a runtime knows of. */
async function containers(runtime: string): Promise<Set<string>> {
  const { output } = await run([runtime, "list", "--quiet"], { quiet: true });
  return new Set(output.split("\n").filter((id) => id !== ""));
}

async function done(command: string[], cwd?: string) {
  const { code } = await run(command, { quiet: true, ...(cwd !== undefined && { cwd }) });
  if (code !== 0) throw new Error(`${command.join(" ")} failed with exit code ${code}`);
}
