/**
 * What limits add to a start: back to back, and with time between starts, as in life. There the kernel's grace periods
 * count, which a tight loop hides. Run as a script, this module is the process that starts.
 */

import { namespaceExec, type NamespaceExecConfig } from "../mod.ts";
import { makeBundle, makeLimitedBundle } from "./bundle.ts";
import { withoutHybridCgroup } from "../scripts/support.ts";
import { commandCase } from "./command.ts";
import { type Case, interleave, rowsOf, usable } from "./measure.ts";
import { Peer, serve } from "./peer.ts";
import { type Figure, type Part, type Skipped, type Table, TIMES } from "./report.ts";

const PAUSE_MS = 60;

/** Of a start without limits; on version 1 to enter a cgroup takes one of the kernel's grace periods. */
const MOST_ON_VERSION_2 = 1.3;

const MEMORY_BYTES = 64 * 1024 * 1024;
const LIMITS = { memoryBytes: MEMORY_BYTES, cpus: 0.5, pids: 20 };
const RESOURCES = {
  memory: { limit: MEMORY_BYTES },
  cpu: { quota: 50_000, period: 100_000 },
  pids: { limit: 20 },
};

const OURS = "namespaceExec, PID namespace";
const OURS_LIMITED = `${OURS}, limits`;
const CRUN = "crun run";
const CRUN_LIMITED = "crun run, limits";
const RUNC_LIMITED = "runc run, limits";
const BASELINES = [
  { name: OURS, column: "of ours without" },
  { name: CRUN_LIMITED, column: "of crun's" },
  { name: RUNC_LIMITED, column: "of runc's" },
];

interface Answer {
  names: string[];
  backToBack: [string, number[]][];
  sparse: [string, number[]][];
  skipped: Skipped[];
}

/** Measures starts with limits beside those without, and crun's and runc's; bundles are made in `folder`. */
export async function limits(rounds: number, folder: string): Promise<Part> {
  await using peer = new Peer<number, Answer>(import.meta.url, [folder], { wrapper: await withoutHybridCgroup() });
  const { names, backToBack, sparse, skipped } = await peer.ask(rounds);
  const columns = [...TIMES, ...BASELINES.map(({ column }) => ({ name: column, digits: 2 }))];
  const table = (how: string, samples: [string, number[]][]): Table => ({
    title: `Limits of memory, processors and processes: start to end in µs, ${rounds} rounds ${how}`,
    columns,
    rows: rowsOf(names, new Map(samples), BASELINES),
    skipped,
  });
  const tables = [table("back to back", backToBack), table(`with ${PAUSE_MS} ms between starts`, sparse)];
  const hasVersion2 = await Deno.stat("/sys/fs/cgroup/cgroup.controllers").then(() => true, () => false);
  const figures = tables.flatMap(({ rows }, index) =>
    BASELINES.map(({ name }, baseline): Figure => ({
      what: `${OURS_LIMITED}, ${index === 0 ? "back to back" : "sparse"}: p50 of ${name}'s`,
      value: rows.find((row) => row.name === OURS_LIMITED)?.values[TIMES.length + baseline] ?? NaN,
      bound: "at most",
      limit: name === OURS ? MOST_ON_VERSION_2 : 1,
      digits: 3,
    })).slice(hasVersion2 ? 0 : 1)
  );
  return { tables, figures };
}

async function cases(folder: string): Promise<Case[]> {
  const [bundle, limited] = [await makeBundle(folder), await makeLimitedBundle(folder, RESOURCES)];
  const exec = (name: string, config: Partial<NamespaceExecConfig>): Case => ({
    name,
    run: async () => {
      const { exitCode } = await namespaceExec({ program: "/bin/true", enablePidNamespace: true, ...config });
      if (exitCode !== 0) throw new Error(`it ended with exit code ${exitCode}`);
    },
  });
  const oci = (runtime: string, bundle: string, ...options: string[]) => () => [
    ...[runtime, "--root", `${folder}/${runtime}`, ...options],
    ...["run", "--bundle", bundle, `minicontainer-bench-${crypto.randomUUID()}`],
  ];
  return [
    exec(OURS, {}),
    exec(OURS_LIMITED, { limits: LIMITS }),
    commandCase(CRUN, oci("crun", bundle, "--cgroup-manager=disabled")),
    commandCase(CRUN_LIMITED, oci("crun", limited)),
    commandCase(RUNC_LIMITED, oci("runc", limited)),
  ];
}

if (import.meta.main) {
  await serve<number, Answer>(async (rounds) => {
    const { ready, skipped } = await usable(await cases(Deno.args[0]));
    const backToBack = await interleave(ready, rounds);
    const sparse = await interleave(ready, Math.ceil(rounds / 2), new Map(), PAUSE_MS);
    return { names: ready.map(({ name }) => name), backToBack: [...backToBack], sparse: [...sparse], skipped };
  });
}
