/** Sending signals to a container. */

import { callLife } from "../../native/life.ts";
import { mustAllow } from "../../spec/status.ts";
import { signalNumber } from "../signals.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** How a signal is sent. */
export interface KillOptions {
  /** To every process of the container, not to its first alone. */
  all?: boolean;
}

/**
 * Sends a container's first process a signal.
 *
 * @throws {StateError} where it has none, for it is stopped or being created
 * @throws {SpecError} where there is no such signal
 */
export async function killContainer(place: Place, signal: string | number, { all = false }: KillOptions = {}) {
  const number = signalNumber(signal);
  const found = await look(place);
  const { pid, startTime, cgroup } = found.state;
  // What a stopped container has left running is in its cgroup still.
  const status = statusNow(found);
  if (!(all && status === "stopped")) mustAllow("kill", place.id, status);
  await callLife("signal", { pid, startTime, cgroup, signal: number, all });
}
