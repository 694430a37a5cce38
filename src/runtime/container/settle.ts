/** What follows a container's end: what its monitor executes our command for. */

import { NotFoundError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { nextStart } from "../../spec/monitor.ts";
import type { KeptState } from "../../spec/state.ts";
import { makeProcess } from "./create.ts";
import { isOutOfMemory } from "./exit.ts";
import { runHooks } from "./hooks.ts";
import { startLocked } from "./start.ts";
import { isAlive, type Locked, type Place, withLock } from "./store.ts";

/**
 * Removes what was made for a container that has ended, and the container itself, or starts it anew after a pause, as it
 * was made to; nothing where that was done, or it is another by now.
 *
 * @param token which making of the container has ended
 * @param module the command's own
 */
export async function settle(place: Place, token: string, module: string) {
  try {
    const next = await withLock(place, (locked) => settleLocked(locked, token));
    if (next === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, next.pauseMs));
    await withLock(place, (locked) => startAnew(place, locked, { token, module, inARow: next.inARow }));
  } catch (error) {
    // Somebody was quicker.
    if (!(error instanceof NotFoundError)) throw error;
  }
}

async function settleLocked(locked: Locked, token: string) {
  const { handle, state, exit } = locked;
  const { pid, startTime, cgroup, mounted, monitor } = state;
  if (monitor?.token !== token || exit === null || isAlive(state)) return undefined;
  const next = nextStart(monitor, exit);
  const oomKilled = await isOutOfMemory(cgroup);
  await callLife("end", { pid, startTime, cgroup, mounted });
  const warnings = state.hooks.includes("poststop") ? await runHooks(locked, "poststop", "stopped") : [];
  if (monitor.remove) {
    await callLife("store.remove", { handle });
    return undefined;
  }
  const settled = { oomKilled, restarts: next !== undefined };
  await save(handle, { ...state, monitor: { ...monitor, settled, ...(warnings.length > 0 && { warnings }) } });
  return next;
}

async function startAnew(
  { root }: Place,
  { handle, folder, state }: Locked,
  { token, module, inARow }: { token: string; module: string; inARow: number },
) {
  const { monitor } = state;
  if (monitor?.token !== token || monitor.isStopAsked) return;
  const { settled: _ended, warnings: _then, started: _before, ...kept } = monitor;
  const again = { ...kept, token: crypto.randomUUID(), inARow, restarts: monitor.restarts + 1 };
  try {
    const { text } = await callLife<{ text: string }>("file.read", { path: `${folder}/config.json` });
    const unmade = { root, handle, state: { ...state, monitor: again } };
    const made = await makeProcess(unmade, text, { ...monitor.making, module });
    await startLocked({ handle, folder, state: made.state, waits: true, exit: null });
  } catch (error) {
    const warnings = [...monitor.warnings ?? [], `cannot be started anew: ${(error as Error).message}`];
    const settled = { oomKilled: monitor.settled?.oomKilled ?? false, restarts: false };
    await save(handle, { ...state, monitor: { ...monitor, settled, warnings } });
  }
}

async function save(handle: number, state: KeptState) {
  await callLife("store.save", { handle, state });
}
