/** Cases that a process beside this one runs, where crun works too; what it sends back. */

import { withoutHybridCgroup } from "../scripts/support.ts";
import { type Case, interleave, type Samples, usable } from "./measure.ts";
import { Peer, serve } from "./peer.ts";
import type { Skipped } from "./report.ts";

/** What was measured. */
export interface Timed {
  /** The cases that could be run. */
  names: string[];
  samples: Samples;
  skipped: Skipped[];
}

type Sent = Omit<Timed, "samples"> & { samples: [string, number[]][] };

/** Has a module, which calls {@linkcode serveTimed}, measure so many rounds; it finds `folder` in `Deno.args`. */
export async function timed(script: string, rounds: number, folder: string): Promise<Timed> {
  await using peer = new Peer<number, Sent>(script, [folder], { wrapper: await withoutHybridCgroup() });
  const sent = await peer.ask(rounds);
  return { ...sent, samples: new Map(sent.samples) };
}

/** The other side: measures what it is asked for. */
export async function serveTimed(measured: (rounds: number) => Promise<Timed>) {
  await serve<number, Sent>(async (rounds) => {
    const answer = await measured(rounds);
    return { ...answer, samples: [...answer.samples] };
  });
}

/** Measures those of the cases that can be run, in turns. */
export async function measuredCases(cases: Case[], rounds: number): Promise<Timed> {
  const { ready, skipped } = await usable(cases);
  return { names: ready.map(({ name }) => name), samples: await interleave(ready, rounds), skipped };
}
