/** What is told of a container. */

import { callLife } from "../../native/life.ts";
import { type ContainerState, stateOf } from "../../spec/state.ts";
import { type ContainerStatus, statusOf } from "../../spec/status.ts";
import { type Found, isAlive, look, type Place } from "./store.ts";

/** A container's state, as it is now. @throws {NotFoundError} where there is none */
export async function containerState(place: Place): Promise<ContainerState> {
  const found = await look(place);
  return stateOf(found.state, await statusNow(found));
}

/** The status of a container that was looked at. */
export async function statusNow({ state, waits }: Omit<Found, "folder">): Promise<ContainerStatus> {
  if (state.phase === "creating") return "creating";
  const alive = await isAlive(state);
  const isFrozen = alive && state.cgroup !== undefined && await frozen(state.cgroup);
  return statusOf({ phase: waits ? "created" : "started", isAlive: alive, isFrozen });
}

async function frozen(cgroup: unknown): Promise<boolean> {
  const { frozen } = await callLife<{ frozen: boolean }>("cgroup.state", { cgroup });
  return frozen;
}
