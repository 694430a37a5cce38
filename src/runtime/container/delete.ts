/** Removing a container, and what was made for it. */

import { callLife } from "../../native/life.ts";
import { mustAllow } from "../../spec/status.ts";
import { runHooks } from "./hooks.ts";
import { statusNow } from "./state.ts";
import { type Locked, type Place, withLock } from "./store.ts";

/** How a container is removed. */
export interface DeleteOptions {
  /** One that is not stopped is killed first. */
  force?: boolean;
}

/**
 * Removes a container that is stopped; what fails at that does not keep the rest from being removed.
 *
 * @returns what failed and is no error: that of poststop hooks
 * @throws {StateError} where it is not stopped, without `force`
 * @throws {NotFoundError} where there is none
 */
export function deleteContainer(place: Place, { force = false }: DeleteOptions = {}): Promise<string[]> {
  return withLock(place, async (locked) => {
    const status = statusNow(locked);
    if (!force) mustAllow("delete", place.id, status);
    const { pid, startTime, cgroup, mounted, monitor } = locked.state;
    const isLast = monitor === undefined && !locked.state.hooks.includes("poststop");
    await callLife("end", { pid, startTime, cgroup, mounted, removes: isLast ? locked.handle : undefined });
    if (isLast) return [];
    // What writes to the folder must have done so.
    if (monitor !== undefined) await callLife("wait.end", { ...place, process: { pid, startTime } });
    const warnings = monitor?.settled === undefined ? await poststop(locked) : [];
    await callLife("store.remove", { handle: locked.handle });
    return warnings;
  });
}

async function poststop(locked: Locked): Promise<string[]> {
  return locked.state.hooks.includes("poststop") ? await runHooks(locked, "poststop", "stopped") : [];
}
