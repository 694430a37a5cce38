/** What is told of a container. */

import { callLifeHere } from "../../native/life.ts";
import { type ContainerState, stateOf } from "../../spec/state.ts";
import { type ContainerStatus, statusOf } from "../../spec/status.ts";
import { exitOf } from "./exit.ts";
import { type Found, isAlive, look, type Place } from "./store.ts";

/** What is told of one goes by. */
type Seen = Pick<Found, "state" | "waits" | "exit">;

/** A container's state, as it is now. @throws {NotFoundError} where there is none */
export async function containerState(place: Place): Promise<ContainerState> {
  return stateOfFound(await look(place));
}

/** The same of one that was looked at. */
export function stateOfFound(found: Seen): ContainerState {
  const status = statusNow(found);
  const state = stateOf(found.state, status);
  return status === "stopped" && found.exit !== null ? { ...state, exit: exitOf(found.exit) } : state;
}

/** The status of a container that was looked at. */
export function statusNow({ state, waits }: Pick<Found, "state" | "waits">): ContainerStatus {
  if (state.phase === "creating") return "creating";
  const alive = isAlive(state);
  const isFrozen = alive && state.cgroup !== undefined && frozen(state.cgroup);
  return statusOf({ phase: waits ? "created" : "started", isAlive: alive, isFrozen });
}

function frozen(cgroup: unknown): boolean {
  return callLifeHere<{ frozen: boolean }>("cgroup.state", { cgroup }).frozen;
}
