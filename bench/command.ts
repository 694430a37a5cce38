/** Whole commands, from their start to their end. Run as a script, this module is the process that starts them. */

import { makeBundle, makeRootfs } from "./bundle.ts";
import { install } from "./installed.ts";
import { type Case, rowsOf } from "./measure.ts";
import { type Figure, type Part, TIMES } from "./report.ts";
import { measuredCases, serveTimed, timed } from "./timed.ts";

const CLI = new URL("../cli.ts", import.meta.url).pathname;
const EMPTY_SCRIPT = "deno run of an empty script";
const OURS = "minicontainer --pid /bin/true";
const OURS_FULL = "minicontainer --rootfs … /bin/true, installed";
const RUNC = "runc run, static true";
const BASELINES = [{ name: EMPTY_SCRIPT, column: "of empty script" }, { name: RUNC, column: "of runc" }];

/** Measures our command beside others, with scripts and bundles in `folder`. */
export async function command(rounds: number, folder: string): Promise<Part> {
  const { names, samples, skipped } = await timed(import.meta.url, rounds, folder);
  const rows = rowsOf(names, samples, BASELINES);
  const figure = (name: string, baseline: number, limit: number): Figure => ({
    what: `${name}: p50 of ${BASELINES[baseline].name}'s`,
    value: rows.find((row) => row.name === name)?.values[TIMES.length + baseline] ?? NaN,
    bound: "at most",
    limit,
    digits: 3,
  });
  return {
    tables: [{
      title: `Whole commands: start to end in µs, ${rounds} rounds`,
      columns: [...TIMES, ...BASELINES.map(({ column }) => ({ name: column, digits: 2 }))],
      rows,
      skipped,
    }],
    figures: [figure(OURS, 0, 1.35), figure(OURS_FULL, 0, 1.4), figure(OURS_FULL, 1, 1)],
  };
}

async function commands(folder: string): Promise<Case[]> {
  const empty = `${folder}/empty.ts`;
  await Deno.writeTextFile(empty, "export {};\n");
  const bundle = await makeBundle(folder);
  const rootfs = await makeRootfs(folder);
  const installed = await install(folder);
  const minicontainer = [Deno.execPath(), "run", "--allow-ffi", "--allow-run", CLI];
  const oci = (runtime: string, ...options: string[]) => () => [
    ...[runtime, "--root", `${folder}/${runtime}`, ...options],
    ...["run", "--bundle", bundle, `minicontainer-bench-${crypto.randomUUID()}`],
  ];
  const lines: [string, () => string[]][] = [
    [EMPTY_SCRIPT, () => [Deno.execPath(), "run", empty]],
    [OURS, () => [...minicontainer, "--pid", "/bin/true"]],
    ["minicontainer /bin/true", () => [...minicontainer, "/bin/true"]],
    ["minicontainer --rootfs … /bin/true", () => [...minicontainer, "--rootfs", rootfs, "/bin/true"]],
    [OURS_FULL, () => [installed, "--rootfs", rootfs, "/bin/true"]],
    ["unshare --pid --fork /bin/true", () => ["unshare", "--pid", "--fork", "/bin/true"]],
    ["bwrap --unshare-pid … /bin/true", () => ["bwrap", "--unshare-pid", "--dev-bind", "/", "/", "/bin/true"]],
    // Nothing here limits the container, and where cgroups cannot be written to crun would fail for them alone.
    ["crun run, static true", oci("crun", "--cgroup-manager=disabled")],
    [RUNC, oci("runc")],
  ];
  return lines.map(([name, line]) => commandCase(name, line));
}

/** A case of a command line, which reads `stdin` if there is any. */
export function commandCase(name: string, line: () => string[], stdin?: Uint8Array<ArrayBuffer>): Case {
  return { name, run: () => runCommand(line(), stdin) };
}

/** The same streams for all of them; what one says of its failure is its error's message. */
async function runCommand([program, ...args]: string[], stdin?: Uint8Array<ArrayBuffer>) {
  const options = { args, env: { DENO_NO_UPDATE_CHECK: "1" }, stdout: "null", stderr: "piped" } as const;
  const ended = stdin === undefined
    ? new Deno.Command(program, options).output()
    : outputFor(new Deno.Command(program, { ...options, stdin: "piped" }).spawn(), stdin);
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr) || `it ended with exit code ${code}`);
}

/** What the process says once it was given this to read; one that ends before it has read it tells why by its end. */
async function outputFor(process: Deno.ChildProcess, stdin: Uint8Array<ArrayBuffer>) {
  const writer = process.stdin.getWriter();
  await writer.write(stdin).then(() => writer.close()).catch(() => {});
  return await process.output();
}

if (import.meta.main) {
  await serveTimed(async (rounds) => await measuredCases(await commands(Deno.args[0]), rounds));
}
