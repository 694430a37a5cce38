/** Cases side by side: each round runs every case once, in an order of its own, so that none has the machine's good hour. */

import type { Row, Skipped } from "./report.ts";

/** Something that is timed, from its call to its end. */
export interface Case {
  /** What it is called in the tables. */
  name: string;
  /** Does it once; throws where it could not be done. */
  run(): unknown;
}

/** Times in microseconds by a case's name, in the order in which they were taken. */
export type Samples = Map<string, number[]>;

/** A case that another is compared with, and the column for it. */
export interface Baseline {
  /** Its case's name. */
  name: string;
  /** What the column is called. */
  column: string;
}

/**
 * Tries each case once, which also warms it up.
 *
 * @returns the cases that can be run here, and the others with the reason
 */
export async function usable<C extends Case>(cases: C[]): Promise<{ ready: C[]; skipped: Skipped[] }> {
  const ready: C[] = [];
  const skipped: Skipped[] = [];
  for (const one of cases) {
    try {
      await one.run();
      ready.push(one);
    } catch (error) {
      skipped.push({ name: one.name, why: reasonOf(error) });
    }
  }
  return { ready, skipped };
}

/** The first line of what an error says. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.trim().split("\n")[0];
}

/** Runs every case `rounds` times, round by round, each after a pause of so many ms. */
export async function interleave(
  cases: Case[],
  rounds: number,
  samples: Samples = new Map(),
  pauseMs = 0,
): Promise<Samples> {
  for (let round = 0; round < rounds; round++) {
    for (const { name, run } of shuffled(cases)) {
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const start = performance.now();
      await run();
      add(samples, name, (performance.now() - start) * 1000);
    }
  }
  return samples;
}

/** Adds times to those that a case has. */
export function add(samples: Samples, name: string, ...times: number[]) {
  const known = samples.get(name);
  if (known === undefined) samples.set(name, times);
  else known.push(...times);
}

/** The same in another order: a case must not always run in the wake of the same one. */
export function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = Math.floor(Math.random() * (last + 1));
    [mixed[last], mixed[other]] = [mixed[other], mixed[last]];
  }
  return mixed;
}

/**
 * The time that a share of the samples does not exceed.
 *
 * @param share 0.5 for the median
 * @returns NaN where there are no samples
 */
export function percentile(times: readonly number[] | undefined, share: number): number {
  if (times === undefined || times.length === 0) return NaN;
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** The median. */
export function median(times: readonly number[] | undefined): number {
  return percentile(times, 0.5);
}

/** A row for each name: p50, p99, and how its p50 stands to each baseline's. */
export function rowsOf(names: readonly string[], samples: Samples, baselines: Baseline[]): Row[] {
  return names.map((name) => {
    const times = samples.get(name);
    const p50 = median(times);
    const ratios = baselines.map((baseline) => p50 / median(samples.get(baseline.name)));
    return { name, values: [p50, percentile(times, 0.99), ...ratios] };
  });
}
