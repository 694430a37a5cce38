/** A container's cgroup, where it has one. */

import { UnsupportedError } from "../../native/errors.ts";
import type { Found } from "./store.ts";

/** @throws {UnsupportedError} where the container has no cgroup of its own */
export function cgroupOf(verb: string, { state }: Pick<Found, "state">): unknown {
  if (state.cgroup !== undefined) return state.cgroup;
  throw new UnsupportedError(`cannot ${verb} ${JSON.stringify(state.id)}`, "it has no cgroup of its own");
}
