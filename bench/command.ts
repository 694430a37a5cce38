/** Whole commands, from their start to their end. Run as a script, this module is the process that starts them. */

import { makeBundle } from "./bundle.ts";
import { type Case, interleave, rowsOf, usable } from "./measure.ts";
import { Peer, serve } from "./peer.ts";
import { type Part, type Skipped, TIMES } from "./report.ts";

const CLI = new URL("../cli.ts", import.meta.url).pathname;
const EMPTY_SCRIPT = "deno run of an empty script";
const OURS = "minicontainer --pid /bin/true";
const BASELINES = [{ name: EMPTY_SCRIPT, column: "of empty script" }];

/** A unified hierarchy with controllers beside those of cgroup v1, which crun refuses to work with. */
const HYBRID_CGROUP = "/sys/fs/cgroup/unified";

interface Timed {
  names: string[];
  samples: [string, number[]][];
  skipped: Skipped[];
}

/** Measures our command beside others, with scripts and bundles in `folder`. */
export async function command(rounds: number, folder: string): Promise<Part> {
  await using peer = new Peer<number, Timed>(import.meta.url, [folder], { wrapper: await withoutHybridCgroup() });
  const { names, samples, skipped } = await peer.ask(rounds);
  const rows = rowsOf(names, new Map(samples), BASELINES);
  const ours = rows.find(({ name }) => name === OURS);
  return {
    tables: [{
      title: `Whole commands: start to end in µs, ${rounds} rounds`,
      columns: [...TIMES, ...BASELINES.map(({ column }) => ({ name: column, digits: 2 }))],
      rows,
      skipped,
    }],
    figures: [{
      what: `${OURS}: p50 of ${EMPTY_SCRIPT}'s`,
      value: ours?.values[2] ?? NaN,
      bound: "at most",
      limit: 1.35,
      digits: 3,
    }],
  };
}

/** What hides the hybrid hierarchy from everything that is started behind it, in a mount namespace of its own. */
async function withoutHybridCgroup(): Promise<string[]> {
  const attempt = async () => {
    const command = new Deno.Command("unshare", { args: ["--mount", "umount", HYBRID_CGROUP], stderr: "null" });
    return (await command.output()).success;
  };
  const isHidden = await attempt().catch(() => false);
  return isHidden ? ["unshare", "--mount", "sh", "-c", `umount ${HYBRID_CGROUP}; exec "$@"`, "sh"] : [];
}

async function commands(folder: string): Promise<Case[]> {
  const empty = `${folder}/empty.ts`;
  await Deno.writeTextFile(empty, "export {};\n");
  const bundle = await makeBundle(folder);
  const minicontainer = [Deno.execPath(), "run", "--allow-ffi", "--allow-run", CLI];
  const oci = (runtime: string, ...options: string[]) => () => [
    ...[runtime, "--root", `${folder}/${runtime}`, ...options],
    ...["run", "--bundle", bundle, `minicontainer-bench-${crypto.randomUUID()}`],
  ];
  const lines: [string, () => string[]][] = [
    [EMPTY_SCRIPT, () => [Deno.execPath(), "run", empty]],
    [OURS, () => [...minicontainer, "--pid", "/bin/true"]],
    ["minicontainer /bin/true", () => [...minicontainer, "/bin/true"]],
    ["unshare --pid --fork /bin/true", () => ["unshare", "--pid", "--fork", "/bin/true"]],
    ["bwrap --unshare-pid … /bin/true", () => ["bwrap", "--unshare-pid", "--dev-bind", "/", "/", "/bin/true"]],
    // Nothing here limits the container, and where cgroups cannot be written to crun would fail for them alone.
    ["crun run, static true", oci("crun", "--cgroup-manager=disabled")],
    ["runc run, static true", oci("runc")],
  ];
  return lines.map(([name, line]) => ({ name, run: () => runCommand(line()) }));
}

/** The same streams for all of them; what one says of its failure is its error's message. */
async function runCommand([program, ...args]: string[]) {
  const env = { DENO_NO_UPDATE_CHECK: "1" };
  const { code, stderr } = await new Deno.Command(program, { args, env, stdout: "null", stderr: "piped" }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr) || `it ended with exit code ${code}`);
}

if (import.meta.main) {
  await serve<number, Timed>(async (rounds) => {
    const { ready, skipped } = await usable(await commands(Deno.args[0]));
    const samples = await interleave(ready, rounds);
    return { names: ready.map(({ name }) => name), samples: [...samples], skipped };
  });
}
