/** Freezing a container. */

import { callLife } from "../../native/life.ts";
import { mustAllow } from "../../spec/status.ts";
import { cgroupOf } from "./cgroup.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** Freezes every process of a container. @throws {StateError} where none runs */
export async function pauseContainer(place: Place) {
  const found = await look(place);
  mustAllow("pause", place.id, statusNow(found));
  await callLife("cgroup.pause", { cgroup: cgroupOf("pause", found) });
}
