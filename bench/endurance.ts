/** What very many starts leave behind. Run as a script, this module is the process that starts. */

import { usable } from "./measure.ts";
import { Peer, serve } from "./peer.ts";
import type { Part } from "./report.ts";
import { casesOf, type Start } from "./starts.ts";

/** What keeps V8 from growing by itself: no code compiled anew once it is hot, little garbage between collections. */
const V8_FLAGS = ["--expose-gc", "--no-opt", "--no-maglev", "--no-sparkplug", "--max-semi-space-size=1"];
const RUNS_PER_COLLECTION = 100;

/** They take turns. */
const STARTS: Start[] = ["exec", "execPid", "execPiped", "execSync", "execSyncPid", "spawn", "spawnPid"];

/** What the process has. */
interface Holding {
  rssMib: number;
  descriptors: number;
  zombies: number;
}

/** Measures what a process has more of after `runs` starts than after the first `settled` of them. */
export async function endurance(runs: number, settled: number): Promise<Part> {
  await using peer = new Peer<number, Holding>(import.meta.url, [], { v8Flags: V8_FLAGS });
  const before = await peer.ask(settled);
  const after = await peer.ask(runs - settled);
  const since = `${runs} runs, after the first ${settled}`;
  const [grown, opened] = [after.rssMib - before.rssMib, after.descriptors - before.descriptors];
  return {
    tables: [{
      title: `What is left after ${runs} runs of ours, every kind in turn`,
      columns: [{ name: "RSS in MiB", digits: 1 }, { name: "descriptors", digits: 0 }, { name: "zombies", digits: 0 }],
      rows: [before, after].map(({ rssMib, descriptors, zombies }, at) => ({
        name: `after ${at === 0 ? settled : runs}`,
        values: [rssMib, descriptors, zombies],
      })),
      skipped: [],
    }],
    figures: [
      { what: `${since}: growth of RSS`, value: grown, bound: "at most", limit: 2, digits: 1, unit: "MiB" },
      { what: `${since}: more descriptors`, value: opened, bound: "at most", limit: 0, digits: 0 },
      { what: `${since}: zombies`, value: after.zombies, bound: "at most", limit: 0, digits: 0 },
    ],
  };
}

function collectGarbage() {
  (globalThis as { gc?: () => void }).gc?.();
}

/** What this process has, garbage apart. */
function holding(): Holding {
  collectGarbage();
  return {
    rssMib: Deno.memoryUsage().rss / 2 ** 20,
    descriptors: [...Deno.readDirSync("/proc/self/fd")].length,
    zombies: [...Deno.readDirSync("/proc")].filter(({ name }) => isZombieOfOurs(name)).length,
  };
}

/** Source: proc_pid_stat(5); the name in brackets may hold anything. */
function isZombieOfOurs(pid: string): boolean {
  if (!/^\d+$/.test(pid)) return false;
  try {
    const [state, parent] = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
    return state === "Z" && Number(parent) === Deno.pid;
  } catch {
    return false; // it is gone
  }
}

if (import.meta.main) {
  const { ready } = await usable(casesOf("/bin/true", STARTS));
  await serve<number, Holding>(async (runs) => {
    for (let run = 0; run < runs; run++) {
      await ready[run % ready.length].run();
      if (run % RUNS_PER_COLLECTION === 0) collectGarbage();
    }
    return holding();
  });
}
