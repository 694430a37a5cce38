/**
 * The same starts from a process that holds much memory and from one that does not, which take turns. Run as a script,
 * this module is such a process.
 */

import { add, interleave, median, type Samples, shuffled, usable } from "./measure.ts";
import { Peer, serve } from "./peer.ts";
import type { Part, Row, Skipped } from "./report.ts";
import { casesOf, NAMES, type Start } from "./starts.ts";

const OURS: Start[] = ["execPid", "execSyncPid", "spawnPid"];
const STARTS: Start[] = [...OURS, "output", "status", "unshare"];
const LARGE_MIB = 512;
/** So few that both see the same of what else the machine does. */
const ROUNDS_PER_TURN = 2;

interface Turn {
  rssMib: number;
  samples: [string, number[]][];
  skipped: Skipped[];
}

/** Measures the ways to start with a small and with a large heap. */
export async function heap(rounds: number): Promise<Part> {
  const v8Flags = [`--max-old-space-size=${LARGE_MIB * 2}`];
  await using small = new Peer<number, Turn>(import.meta.url, ["0"], { v8Flags });
  await using large = new Peer<number, Turn>(import.meta.url, [String(LARGE_MIB)], { v8Flags });
  const [one, other] = [small, large].map((peer) => ({ peer, rssMib: 0, samples: new Map() as Samples }));
  let skipped: Skipped[] = [];
  for (let done = 0; done < rounds; done += ROUNDS_PER_TURN) {
    for (const side of shuffled([one, other])) {
      const turn = await side.peer.ask(ROUNDS_PER_TURN);
      for (const [name, times] of turn.samples) add(side.samples, name, ...times);
      side.rssMib = turn.rssMib;
      skipped = turn.skipped;
    }
  }
  const names = STARTS.map((start) => NAMES[start]).filter((name) => one.samples.has(name));
  const rows: Row[] = names.map((name) => {
    const [before, after] = [one, other].map(({ samples }) => median(samples.get(name)));
    return { name, values: [before, after, after / before] };
  });
  const ours = rows.filter(({ name }) => OURS.some((start) => NAMES[start] === name));
  return {
    tables: [{
      title: `Library, /bin/true, with ${LARGE_MIB} MiB on the heap: p50 in µs, ${rounds} rounds`,
      columns: [
        { name: `RSS ${one.rssMib} MiB`, digits: 0 },
        { name: `RSS ${other.rssMib} MiB`, digits: 0 },
        { name: "ratio", digits: 2 },
      ],
      rows,
      skipped,
    }],
    figures: [{
      what: `ours at worst: p50 with ${LARGE_MIB} MiB on the heap, of that without`,
      value: ours.length === 0 ? NaN : Math.max(...ours.map(({ values }) => values[2])),
      bound: "at most",
      limit: 1.25,
      digits: 3,
    }],
  };
}

/** Lists of numbers on V8's own heap, a MiB each, every page of it written to. */
function hold(mebibytes: number): number[][] {
  return Array.from({ length: mebibytes }, () => new Array<number>(1 << 17).fill(0.5));
}

if (import.meta.main) {
  const held = hold(Number(Deno.args[0]));
  const { ready, skipped } = await usable(casesOf("/bin/true", STARTS));
  await serve<number, Turn>(async (rounds) => {
    const samples = await interleave(ready, rounds);
    // Names the lists, so that they are in use until the end.
    if (held.length !== Number(Deno.args[0])) throw new Error("the heap is not what it was");
    return { rssMib: Math.round(Deno.memoryUsage().rss / 2 ** 20), samples: [...samples], skipped };
  });
}
