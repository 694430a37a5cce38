/** The processes of a container. */

import { callLife } from "../../native/life.ts";
import { mustAllow } from "../../spec/status.ts";
import { cgroupOf } from "./cgroup.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** The numbers of its processes as the host sees them. @throws {StateError} where none runs */
export async function containerProcesses(place: Place): Promise<number[]> {
  const found = await look(place);
  mustAllow("ps", place.id, statusNow(found));
  return callLife("cgroup.procs", { cgroup: cgroupOf("list the processes of", found) });
}
