/** How a container ended that has a monitor. */

import { callLife } from "../../native/life.ts";
import type { ContainerStats } from "../../spec/stats.ts";
import { exitCodeOfNote, type ExitNote } from "../../spec/monitor.ts";
import { type ContainerExit, rfc3339 } from "../../spec/state.ts";
import { signalName } from "../signals.ts";
import { type Found, look, type Place } from "./store.ts";

/** What was noted down, in callers' words. */
export async function exitOf(place: Place, { state }: Pick<Found, "state">, note: ExitNote): Promise<ContainerExit> {
  return {
    exitCode: exitCodeOfNote(note),
    signal: note.code === 1 ? null : { number: note.status, name: signalName(note.status) },
    oomKilled: noted(state) ?? await isOutOfMemory(state.cgroup) ?? await notedSince(place) ?? false,
    finished: rfc3339([note.seconds, note.nanoseconds]),
  };
}

/** Whether a process of a cgroup was killed because memory was out; nothing where that cannot be seen any more. */
export async function isOutOfMemory(cgroup: unknown): Promise<boolean | undefined> {
  if (cgroup === undefined) return false;
  const { memory } = await callLife<ContainerStats>("cgroup.stats", { cgroup }).catch((): ContainerStats => ({}));
  return memory?.oomKills === undefined ? undefined : memory.oomKills > 0;
}

function noted({ monitor }: Found["state"]): boolean | undefined {
  return monitor?.settled?.oomKilled ?? monitor?.oomKilled;
}

/** What was noted down before the cgroup was removed, of which we were too late to ask. */
async function notedSince(place: Place): Promise<boolean | undefined> {
  const found = await look(place).catch(() => undefined);
  return found && noted(found.state);
}
