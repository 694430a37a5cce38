/** Hooks that are executed when a container has been started or deleted; the library executes the others. */

import { callLife } from "../../native/life.ts";
import { stateOf } from "../../spec/state.ts";
import type { ContainerStatus } from "../../spec/status.ts";
import type { Locked } from "./store.ts";

/**
 * Executes one list of hooks; what failed, where the others go on after that.
 *
 * @throws {SystemError} of the first that fails, where they do not
 */
export async function runHooks(
  { handle, state }: Locked,
  stage: "poststart" | "poststop",
  status: ContainerStatus,
): Promise<string[]> {
  const process = status === "stopped" ? undefined : { pid: state.pid, startTime: state.startTime };
  const { warnings } = await callLife<{ warnings: string[] }>("hooks", {
    handle,
    stage,
    process,
    state: stateOf(state, status),
    goesOn: stage === "poststop",
  });
  return warnings;
}
