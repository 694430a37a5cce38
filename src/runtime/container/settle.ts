/** What follows a container's end: what its monitor executes our command for. */

import { NotFoundError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { nextStart } from "../../spec/monitor.ts";
import { cleanUp, startAnew } from "./anew.ts";
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
    await withLock(place, (locked) => restart(place, locked, { token, module, inARow: next.inARow }));
  } catch (error) {
    // Somebody was quicker.
    if (!(error instanceof NotFoundError)) throw error;
  }
}

async function settleLocked(locked: Locked, token: string) {
  const { handle, state, exit } = locked;
  const { monitor } = state;
  if (monitor?.token !== token || exit === null || isAlive(state)) return undefined;
  const next = nextStart(monitor, exit);
  await cleanUp({ locked, monitor }, next !== undefined);
  if (!monitor.remove) return next;
  await callLife("store.remove", { handle });
  return undefined;
}

async function restart(
  place: Place,
  locked: Locked,
  { token, module, inARow }: { token: string; module: string; inARow: number },
) {
  const { handle, state } = locked;
  const { monitor } = state;
  if (monitor?.token !== token || monitor.isStopAsked) return;
  try {
    await startAnew(place, { locked, monitor }, { module, inARow, restarts: monitor.restarts + 1 });
  } catch (error) {
    const warnings = [...monitor.warnings ?? [], `cannot be started anew: ${(error as Error).message}`];
    const settled = { ...monitor, settled: { restarts: false }, warnings };
    await callLife("store.save", { handle, state: { ...state, monitor: settled } });
  }
}
