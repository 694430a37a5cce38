/** Starting a container that waits. */

import { SpecError, StateError, SystemError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { rfc3339, stateOf } from "../../spec/state.ts";
import { mustAllow } from "../../spec/status.ts";
import { runHooks } from "./hooks.ts";
import { statusNow } from "./state.ts";
import { hostOf, type Locked, type Place, withLock } from "./store.ts";

/**
 * Has a container's program executed; of one that was left to a monitor and has ended, once more, by a process that is made
 * as the first one was.
 *
 * @param module the command's own, which a new monitor executes
 * @throws {StateError} where it is not `created`, nor has ended so, or is removed at its end
 * @throws {SpecError} where its configuration has no `process`
 * @throws {SystemError} where the program cannot be executed, or a poststart hook fails; it is stopped then
 */
export function startContainer(place: Place, module?: string): Promise<void> {
  return withLock(place, async (locked) => {
    const status = statusNow(locked);
    const { monitor, hasProcess } = locked.state;
    const isAgain = status === "stopped" && monitor !== undefined && !monitor.remove;
    if (!isAgain) mustAllow("start", place.id, status);
    if (!hasProcess) throw new SpecError("process", "must be given, for a container to be started");
    if (!isAgain) return await startLocked(locked);
    const { startAgain } = await import("./anew.ts");
    await startAgain(place, { locked, monitor }, module);
  });
}

/** The same of one that is locked, and waits. */
export async function startLocked(locked: Locked) {
  const { handle, state } = locked;
  const { monitor } = state;
  if (monitor !== undefined) {
    const { now } = hostOf({ root: "/" });
    await callLife("store.save", { handle, state: { ...state, monitor: { ...monitor, started: rfc3339(now) } } });
  }
  await execute(locked);
  await poststart(locked);
}

async function execute({ handle, state }: Locked) {
  try {
    const { pid, startTime } = state;
    await callLife("start", { handle, process: { pid, startTime }, state: stateOf(state, "created") });
  } catch (error) {
    if (!(error instanceof SystemError && error.code === "ESRCH")) {
      // A hook has failed, while the container still waits; or its program could not be executed, and it has ended.
      await kill(state);
      throw error;
    }
    throw new StateError(`cannot start ${JSON.stringify(state.id)}: it does not wait any more`, "created", "stopped");
  }
}

/** Where one fails, what was started is ended: a container that nobody was told of is none. */
async function poststart(locked: Locked) {
  if (!locked.state.hooks.includes("poststart")) return;
  try {
    await runHooks(locked, "poststart", "running");
  } catch (error) {
    await kill(locked.state);
    throw error;
  }
}

async function kill({ pid, startTime, cgroup }: Locked["state"]) {
  try {
    await callLife("signal", { pid, startTime, cgroup, signal: 9, all: true });
  } catch (error) {
    if (!(error instanceof SystemError && error.code === "ESRCH")) throw error;
  }
}
