/** What a container uses. */

import { callLife } from "../../native/life.ts";
import { type ContainerStats, withoutNulls } from "../../spec/stats.ts";
import { mustAllow } from "../../spec/status.ts";
import { cgroupOf } from "./cgroup.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** What a container uses now. @throws {StateError} where it is stopped */
export async function containerStats(place: Place): Promise<ContainerStats> {
  const found = await look(place);
  mustAllow("stats", place.id, statusNow(found));
  return withoutNulls(
    await callLife<ContainerStats>("cgroup.stats", { cgroup: cgroupOf("take the figures of", found) }),
  );
}
