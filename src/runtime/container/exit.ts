/** How a container ended that has a monitor. */

import { callLife } from "../../native/life.ts";
import type { ContainerStats } from "../../spec/stats.ts";
import { exitCodeOfNote, type ExitNote } from "../../spec/monitor.ts";
import { type ContainerExit, rfc3339 } from "../../spec/state.ts";
import { signalName } from "../signals.ts";
import type { Found } from "./store.ts";

/** What was noted down, in callers' words. */
export async function exitOf({ state }: Pick<Found, "state">, note: ExitNote): Promise<ContainerExit> {
  return {
    exitCode: exitCodeOfNote(note),
    signal: note.code === 1 ? null : { number: note.status, name: signalName(note.status) },
    oomKilled: state.monitor?.settled?.oomKilled ?? await isOutOfMemory(state.cgroup),
    finished: rfc3339([note.seconds, note.nanoseconds]),
  };
}

/** Whether a process of a cgroup was killed because memory was out, as far as that can be seen still. */
export async function isOutOfMemory(cgroup: unknown): Promise<boolean> {
  if (cgroup === undefined) return false;
  const { memory } = await callLife<ContainerStats>("cgroup.stats", { cgroup }).catch((): ContainerStats => ({}));
  return (memory?.oomKills ?? 0) > 0;
}
