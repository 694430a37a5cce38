/** Making the process of a container anew that has ended. */

import { callLife } from "../../native/life.ts";
import type { Monitored } from "../../spec/monitor.ts";
import { makeProcess } from "./create.ts";
import { runHooks } from "./hooks.ts";
import { startLocked } from "./start.ts";
import type { Locked, Place } from "./store.ts";

/** A container that had a monitor. */
export interface WithMonitor {
  locked: Locked;
  monitor: Monitored;
}

/** Removes what was made for a container that has ended, and notes that down. */
export async function cleanUp({ locked, monitor }: WithMonitor, restarts: boolean): Promise<WithMonitor> {
  const { handle, state } = locked;
  const { pid, startTime, cgroup, mounted } = state;
  await callLife("end", { pid, startTime, cgroup, mounted });
  const warnings = state.hooks.includes("poststop") ? await runHooks(locked, "poststop", "stopped") : [];
  const settled = { ...monitor, settled: { restarts }, ...(warnings.length > 0 && { warnings }) };
  // One that is removed has nothing noted down.
  if (!monitor.remove) await callLife("store.save", { handle, state: { ...state, monitor: settled } });
  return { locked: { ...locked, state: { ...state, monitor: settled } }, monitor: settled };
}

/** Makes its process of what was kept, and has that execute the program; `counts` are those of such starts. */
export async function startAnew(
  { root }: Place,
  { locked: { handle, folder, state }, monitor }: WithMonitor,
  { module, ...counts }: Partial<Pick<Monitored, "inARow" | "restarts">> & { module?: string },
) {
  const { settled: _ended, warnings: _then, started: _before, isStopAsked: _asked, ...kept } = monitor;
  const again = { ...kept, token: crypto.randomUUID(), ...counts };
  const { text } = await callLife<{ text: string }>("file.read", { path: `${folder}/config.json` });
  const unmade = { root, handle, state: { ...state, monitor: again } };
  const made = await makeProcess(unmade, text, { ...monitor.making, module });
  await startLocked({ handle, folder, state: made.state, waits: true, exit: null });
}

/** The same because somebody asks for it: what follows its end is done first, where it was not. */
export async function startAgain(place: Place, found: WithMonitor, module?: string) {
  const { pid, startTime } = found.locked.state;
  // What the monitor before writes to the folder must have been written.
  await callLife("wait.end", { ...place, process: { pid, startTime } });
  const ended = found.monitor.settled === undefined ? await cleanUp(found, false) : found;
  await startAnew(place, ended, { inARow: 0, module });
}
