/**
 * Full containers: every namespace but user and time, a root filesystem, OCI's mounts, seccomp and capabilities. Run as a
 * script, this module is the process that starts them.
 */

import { namespaceExec, namespaceExecSync } from "../mod.ts";
import { makeRootfs } from "./bundle.ts";
import { withoutHybridCgroup } from "../scripts/support.ts";
import { commandCase } from "./command.ts";
import { fullBwrap, fullConfig, makeFullBundle, plainBwrap } from "./full.ts";
import { type Case, interleave, median, rowsOf, shuffled, usable } from "./measure.ts";
import { Peer, serve } from "./peer.ts";
import { type Figure, type Part, type Skipped, TIMES } from "./report.ts";
import { runMany } from "./throughput.ts";

const OURS = "namespaceExec, full container";
const OURS_OTHER = "namespaceExec, each with other arguments";
const OURS_SYNC = "namespaceExecSync, full container";
const PLAIN_BWRAP = "Deno.Command of bwrap, without filter and masks";
const BWRAP = "Deno.Command of bwrap, the like";
const CRUN = "Deno.Command of crun run, the like";
const RUNC = "Deno.Command of runc run, the like";
const BASELINES = [BWRAP, CRUN, RUNC].map((name) => ({ name, column: `of ${name.split(" ")[2]}` }));

/** The most that ours may take of each. */
const LIMITS = [{ name: BWRAP, limit: 0.35 }, { name: CRUN, limit: 0.25 }, { name: RUNC, limit: 0.1 }];

/** How many times the containers per second of each ours must reach, at its best. */
const RATES = [{ name: BWRAP, limit: 2.5 }, { name: CRUN, limit: 4 }];

/** Containers at a time: ours, and what the others are tried with. */
const OURS_AT_A_TIME = 8;
const OTHERS_AT_A_TIME = [4, 8];

/** Whose containers per second are counted, so many at a time; those that take ten times as long make a tenth. */
const RATED = [
  { name: OURS, each: [OURS_AT_A_TIME], share: 1 },
  { name: OURS_OTHER, each: [OURS_AT_A_TIME], share: 1 },
  { name: BWRAP, each: OTHERS_AT_A_TIME, share: 1 },
  { name: CRUN, each: OTHERS_AT_A_TIME, share: 0.1 },
  { name: RUNC, each: OTHERS_AT_A_TIME, share: 0.1 },
];

/** Longer than the kernel works on network namespaces that are gone: that is for who had them to bear, not the next. */
const REST_MS = 1000;

/** How often what is measured. */
export interface Repetitions {
  /** Of each container alone. */
  rounds: number;
  /** Of many containers. */
  turns: number;
  /** How many those are. */
  many: number;
}

interface Answer {
  names: string[];
  samples: [string, number[]][];
  rates: [string, number][];
  skipped: Skipped[];
}

/** Measures full containers beside bwrap, crun and runc; root filesystem and bundles are made in `folder`. */
export async function containers(repetitions: Repetitions, folder: string): Promise<Part> {
  const { rounds, turns, many } = repetitions;
  await using peer = new Peer<Repetitions, Answer>(import.meta.url, [folder], { wrapper: await withoutHybridCgroup() });
  const { names, samples, rates: measured, skipped } = await peer.ask(repetitions);
  const rows = rowsOf(names, new Map(samples), BASELINES);
  const ours = rows.find(({ name }) => name === OURS);
  const rates = new Map(measured);
  const latency = LIMITS.map(({ name, limit }, column): Figure => ({
    what: `${OURS}: p50 of ${name}'s`,
    value: ours?.values[TIMES.length + column] ?? NaN,
    bound: "at most",
    limit,
    digits: 3,
  }));
  const throughput = RATES.map(({ name, limit }): Figure => ({
    what: `${many} of ${OURS}, ${OURS_AT_A_TIME} at a time: rate of ${name}'s best`,
    value: (rates.get(OURS) ?? NaN) / (rates.get(name) ?? NaN),
    bound: "at least",
    limit,
    digits: 2,
  }));
  return {
    tables: [
      {
        title: `Full containers of busybox true: start to end in µs, ${rounds} rounds`,
        columns: [...TIMES, ...BASELINES.map(({ column }) => ({ name: column, digits: 3 }))],
        rows,
        skipped,
      },
      {
        title:
          `Full containers per second, median of ${turns}: ${many}, of crun and runc a tenth; ours ${OURS_AT_A_TIME} at ` +
          `a time, the others' best of ${OTHERS_AT_A_TIME.join(" and ")}`,
        columns: [{ name: "per second", digits: 0 }],
        rows: measured.map(([name, rate]) => ({ name, values: [rate] })),
        skipped: [],
      },
    ],
    figures: [...latency, ...throughput],
  };
}

async function cases(folder: string): Promise<Case[]> {
  const rootfs = await makeRootfs(folder);
  const bundle = await makeFullBundle(folder);
  const config = fullConfig(rootfs);
  const check = ({ exitCode }: { exitCode: number }) => {
    if (exitCode !== 0) throw new Error(`it ended with exit code ${exitCode}`);
  };
  let other = 0;
  const plain = plainBwrap(rootfs);
  const like = await fullBwrap(rootfs);
  const oci = (runtime: string, ...options: string[]) => () => [
    ...[runtime, "--root", `${folder}/${runtime}`, ...options],
    ...["run", "--bundle", bundle, `minicontainer-bench-${crypto.randomUUID()}`],
  ];
  return [
    { name: OURS, run: async () => check(await namespaceExec(config)) },
    { name: OURS_OTHER, run: async () => check(await namespaceExec({ ...config, argv: ["true", String(other++)] })) },
    { name: OURS_SYNC, run: () => check(namespaceExecSync(config)) },
    commandCase(PLAIN_BWRAP, () => plain.line),
    commandCase(BWRAP, () => like.line, like.stdin),
    // Nothing here limits the container, and where cgroups cannot be written to crun would fail for them alone.
    commandCase(CRUN, oci("crun", "--cgroup-manager=disabled")),
    commandCase(RUNC, oci("runc")),
  ];
}

/** Containers per second of each, at their best, taking turns. */
async function rates(ready: Case[], { turns, many }: Repetitions): Promise<[string, number][]> {
  const ways = RATED.flatMap(({ name, each, share }) => {
    const one = ready.find((one) => one.name === name);
    if (one === undefined) return [];
    return each.map((atATime) => ({ one, count: Math.ceil(many * share), atATime, rates: [] as number[] }));
  });
  for (let turn = 0; turn < turns; turn++) {
    for (const { one, count, atATime, rates } of shuffled(ways)) {
      await new Promise((resolve) => setTimeout(resolve, REST_MS));
      const start = performance.now();
      await runMany(one, count, atATime);
      rates.push(count / (performance.now() - start) * 1000);
    }
  }
  const best = new Map<string, number>();
  for (const { one: { name }, rates } of ways) best.set(name, Math.max(best.get(name) ?? 0, median(rates)));
  return [...best];
}

if (import.meta.main) {
  await serve<Repetitions, Answer>(async (repetitions) => {
    const { ready, skipped } = await usable(await cases(Deno.args[0]));
    const samples = await interleave(ready, repetitions.rounds);
    const names = ready.map(({ name }) => name);
    return { names, samples: [...samples], rates: await rates(ready, repetitions), skipped };
  });
}
