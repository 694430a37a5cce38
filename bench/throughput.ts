/** Many programs as fast as they can be started. */

import { add, type Case, median, reasonOf, type Samples, shuffled, usable } from "./measure.ts";
import type { Figure, Part, Skipped, Table } from "./report.ts";
import { writeSmallestProgram } from "./smallest_program.ts";
import { casesOf, NAMES, type Start } from "./starts.ts";

const STARTS: Start[] = ["spawnPid", "execPid", "unshare", "output", "status"];
const OURS: Start = "spawnPid";
const FEW = 8;

/** Measures how many programs each way gets done in a second, of the kind that they are and of the smallest. */
export async function throughput(rounds: number, programs: number, folder: string): Promise<Part> {
  const usual = await measured("/bin/true", "/bin/true", rounds, programs);
  const smallest = writeSmallestProgram(folder);
  const other = smallest === undefined
    ? []
    : [(await measured("the smallest program", smallest, rounds, programs)).table];
  return { tables: [usual.table, ...other], figures: usual.figures };
}

/** Starts `programs` of them all at once, and then a few at a time. */
async function measured(what: string, program: string, rounds: number, programs: number) {
  const { ready, skipped } = await usable(casesOf(program, STARTS));
  const atOnce: Samples = new Map();
  const fewAtATime: Samples = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const one of shuffled(ready)) {
      await measure(one, programs, programs, atOnce, skipped);
      await measure(one, programs, FEW, fewAtATime, skipped);
    }
  }
  const columns = [{ how: "all at once", rates: atOnce }, { how: `${FEW} at a time`, rates: fewAtATime }];
  const ofUnshare = (rates: Samples, name: string) => median(rates.get(name)) / median(rates.get(NAMES.unshare));
  const table: Table = {
    title: `Programs per second, ${programs} of ${what}: median of ${rounds}`,
    columns: columns.flatMap(({ how }) => [{ name: how, digits: 0 }, { name: "of unshare's", digits: 2 }]),
    rows: ready.map(({ name }) => ({
      name,
      values: columns.flatMap(({ rates }) => [median(rates.get(name)), ofUnshare(rates, name)]),
    })),
    skipped,
  };
  const figures = columns.map(({ how, rates }): Figure => ({
    what: `${programs} ${NAMES[OURS]}, ${how}: rate of Deno.Command of unshare's`,
    value: ofUnshare(rates, NAMES[OURS]),
    bound: "at least",
    limit: 2,
    digits: 3,
  }));
  return { table, figures };
}

async function measure(one: Case, programs: number, atOnce: number, rates: Samples, skipped: Skipped[]) {
  const name = `${one.name}, ${atOnce} at once`;
  if (skipped.some((before) => before.name === name)) return;
  const start = performance.now();
  try {
    await runMany(one, programs, atOnce);
    add(rates, one.name, programs / (performance.now() - start) * 1000);
  } catch (error) {
    // A limit on processes shows only with many of them.
    skipped.push({ name, why: reasonOf(error) });
  }
}

/** Runs `programs` of them, each of `atOnce` turns after its last; throws once all have ended if one failed. */
export async function runMany({ run }: Case, programs: number, atOnce: number) {
  let left = programs;
  const takeTurns = async () => {
    while (left-- > 0) await run();
  };
  const turns = await Promise.allSettled(Array.from({ length: atOnce }, takeTurns));
  for (const turn of turns) {
    if (turn.status === "rejected") throw turn.reason;
  }
}
