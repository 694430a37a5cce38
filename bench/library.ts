/** One start after the other, from a process that goes on living. */

import { interleave, median, rowsOf, usable } from "./measure.ts";
import { type Part, type Table, TIMES } from "./report.ts";
import { writeSmallestProgram } from "./smallest_program.ts";
import { BASELINES, casesOf, NAMES, type Start } from "./starts.ts";

const STARTS = Object.keys(NAMES) as Start[];

/** Measures every way to start: a program as they are, and the smallest there can be, written to `folder`. */
export async function library(rounds: number, folder: string): Promise<Part> {
  const usual = await measured("/bin/true", "/bin/true", rounds);
  const path = writeSmallestProgram(folder);
  const smallest = path === undefined
    ? unmeasured("smallest program", `its bytes are x86_64's, and this is ${Deno.build.arch}`)
    : (await measured("smallest program", path, rounds)).table;
  const toBaseline = (start: Start) => usual.median(start) / usual.median("output");
  return {
    tables: [usual.table, smallest],
    figures: [
      {
        what: `${NAMES.execPid}: p50 of Deno.Command output()'s`,
        value: toBaseline("execPid"),
        bound: "at most",
        limit: 0.9,
        digits: 3,
      },
      {
        what: `${NAMES.execSync}: p50 of Deno.Command output()'s`,
        value: toBaseline("execSync"),
        bound: "at most",
        limit: 0.75,
        digits: 3,
      },
    ],
  };
}

async function measured(what: string, program: string, rounds: number) {
  const { ready, skipped } = await usable(casesOf(program, STARTS));
  const samples = await interleave(ready, rounds);
  const table: Table = {
    title: `Library, ${what}: start to end in µs, ${rounds} rounds`,
    columns: [...TIMES, ...BASELINES.map(({ column }) => ({ name: column, digits: 2 }))],
    rows: rowsOf(ready.map(({ name }) => name), samples, BASELINES),
    skipped,
  };
  return { table, median: (start: Start) => median(samples.get(NAMES[start])) };
}

function unmeasured(what: string, why: string): Table {
  return { title: `Library, ${what}`, columns: [], rows: [], skipped: [{ name: what, why }] };
}
