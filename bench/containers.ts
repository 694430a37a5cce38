/**
 * Full containers: every namespace but user and time, a root filesystem, OCI's mounts, seccomp and capabilities. Run as a
 * script, this module is the process that starts them.
 */

import { namespaceExec, namespaceExecSync } from "../mod.ts";
import { makeRootfs } from "./bundle.ts";
import { withoutHybridCgroup } from "../scripts/support.ts";
import { commandCase } from "./command.ts";
import { fullBwrap, fullConfig, makeFullBundle, plainBwrap } from "./full.ts";
import { add, type Case, interleave, rowsOf, type Samples, usable } from "./measure.ts";
import { Peer, serve } from "./peer.ts";
import { type Figure, type Part, type Skipped, TIMES } from "./report.ts";
import { runMany } from "./throughput.ts";

const OURS = "namespaceExec, full container";
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

/** Whose containers per second are counted. */
const RATED = [OURS, BWRAP, CRUN, RUNC];

/** Containers at a time: ours, and what the others are tried with. */
const OURS_AT_A_TIME = 8;
const OTHERS_AT_A_TIME = [4, 8];

interface Question {
  rounds: number;
  containers: number;
}

interface Answer {
  names: string[];
  samples: [string, number[]][];
  rates: [string, number][];
  skipped: Skipped[];
}

/** Measures full containers beside bwrap, crun and runc; root filesystem and bundles are made in `folder`. */
export async function containers(rounds: number, many: number, folder: string): Promise<Part> {
  await using peer = new Peer<Question, Answer>(import.meta.url, [folder], { wrapper: await withoutHybridCgroup() });
  const { names, samples, rates: measured, skipped } = await peer.ask({ rounds, containers: many });
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
          `Full containers per second: ${many} of ours, ${OURS_AT_A_TIME} at a time; a tenth of the others', the best of ${
            OTHERS_AT_A_TIME.join(" and ")
          } at a time`,
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
  const plain = plainBwrap(rootfs);
  const like = await fullBwrap(rootfs);
  const oci = (runtime: string, ...options: string[]) => () => [
    ...[runtime, "--root", `${folder}/${runtime}`, ...options],
    ...["run", "--bundle", bundle, `minicontainer-bench-${crypto.randomUUID()}`],
  ];
  return [
    { name: OURS, run: async () => check(await namespaceExec(config)) },
    { name: OURS_SYNC, run: () => check(namespaceExecSync(config)) },
    commandCase(PLAIN_BWRAP, () => plain.line),
    commandCase(BWRAP, () => like.line, like.stdin),
    // Nothing here limits the container, and where cgroups cannot be written to crun would fail for them alone.
    commandCase(CRUN, oci("crun", "--cgroup-manager=disabled")),
    commandCase(RUNC, oci("runc")),
  ];
}

/** Containers per second of each: ours with all of them, the others' best with a tenth. */
async function rates(ready: Case[], containers: number): Promise<[string, number][]> {
  const found: Samples = new Map();
  for (const one of ready.filter(({ name }) => RATED.includes(name))) {
    const isOurs = one.name === OURS;
    for (const atATime of isOurs ? [OURS_AT_A_TIME] : OTHERS_AT_A_TIME) {
      const count = isOurs ? containers : Math.ceil(containers / 10);
      const start = performance.now();
      await runMany(one, count, atATime);
      add(found, one.name, count / (performance.now() - start) * 1000);
    }
  }
  return [...found].map(([name, each]) => [name, Math.max(...each)]);
}

if (import.meta.main) {
  await serve<Question, Answer>(async ({ rounds, containers }) => {
    const { ready, skipped } = await usable(await cases(Deno.args[0]));
    const samples = await interleave(ready, rounds);
    const names = ready.map(({ name }) => name);
    return { names, samples: [...samples], rates: await rates(ready, containers), skipped };
  });
}
