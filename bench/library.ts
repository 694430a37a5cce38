/** One start after the other, from a process that goes on living. */

import { interleave, median, rowsOf, usable } from "./measure.ts";
import { type Figure, type Part, type Table, TIMES } from "./report.ts";
import { writeSmallestProgram } from "./smallest_program.ts";
import { BASELINES, casesOf, NAMES, type Start } from "./starts.ts";

const STARTS = Object.keys(NAMES) as Start[];

/**
 * Measures every way to start: a program as they are, and the smallest there can be, written to `folder`. What a program
 * takes by itself is the same for all, and the smaller that is, the more of the rest is seen.
 */
export async function library(rounds: number, folder: string): Promise<Part> {
  const usual = await measured("/bin/true", "/bin/true", rounds);
  const path = writeSmallestProgram(folder);
  if (path === undefined) {
    const why = `its bytes are x86_64's, and this is ${Deno.build.arch}`;
    return { tables: [usual.table, unmeasured("smallest program", why)], figures: usual.figures };
  }
  const smallest = await measured("smallest program", path, rounds);
  return { tables: [usual.table, smallest.table], figures: [...usual.figures, ...smallest.figures] };
}

/** The most that each may take of the time of `Deno.Command` where that waits as it does. */
const LIMITS: [Start, Start, number][] = [
  ["execPid", "output", 0.9],
  ["execSync", "outputSync", 0.75],
  ["execSyncPid", "outputSync", 0.75],
];

async function measured(what: string, program: string, rounds: number) {
  const { ready, skipped } = await usable(casesOf(program, STARTS));
  const samples = await interleave(ready, rounds);
  const table: Table = {
    title: `Library, ${what}: start to end in µs, ${rounds} rounds`,
    columns: [...TIMES, ...BASELINES.map(({ column }) => ({ name: column, digits: 2 }))],
    rows: rowsOf(ready.map(({ name }) => name), samples, BASELINES),
    skipped,
  };
  const p50 = (start: Start) => median(samples.get(NAMES[start]));
  const figures = LIMITS.map(([start, baseline, limit]): Figure => ({
    what: `${what} by ${NAMES[start]}: p50 of Deno.Command ${baseline}()'s`,
    value: p50(start) / p50(baseline),
    bound: "at most",
    limit,
    digits: 2,
  }));
  return { table, figures };
}

function unmeasured(what: string, why: string): Table {
  return { title: `Library, ${what}`, columns: [], rows: [], skipped: [{ name: what, why }] };
}
