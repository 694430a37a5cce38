/** What happens to a container. */

import { StateError } from "../../native/errors.ts";
import type { ContainerStats } from "../../spec/stats.ts";
import { containerStats } from "./stats.ts";
import type { Place } from "./store.ts";

/** Something that happened, or was due. */
export type ContainerEvent = { type: "stats"; stats: ContainerStats } | { type: "oom" };

/** How events are told. */
export interface EventsOptions {
  /** Milliseconds between looks; default 5000. */
  intervalMs?: number;
  /** Ends the events. */
  signal?: AbortSignal;
}

/** The events of a container, until it has ended, or the signal is aborted. */
export async function* containerEvents(
  place: Place,
  { intervalMs = 5000, signal }: EventsOptions = {},
): AsyncGenerator<ContainerEvent, void, undefined> {
  let kills: number | undefined;
  while (!signal?.aborted) {
    let stats: ContainerStats;
    try {
      stats = await containerStats(place);
    } catch (error) {
      if (error instanceof StateError && kills !== undefined) return;
      throw error;
    }
    const oomKills = stats.memory?.oomKills ?? 0;
    if (kills !== undefined && oomKills > kills) yield { type: "oom" };
    kills = oomKills;
    yield { type: "stats", stats };
    await pause(intervalMs, signal);
  }
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}
