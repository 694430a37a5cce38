/** Thawing a container. */

import { callLife } from "../../native/life.ts";
import { mustAllow } from "../../spec/status.ts";
import { cgroupOf } from "./cgroup.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** Has a frozen container go on. @throws {StateError} where it is not paused */
export async function resumeContainer(place: Place) {
  const found = await look(place);
  mustAllow("resume", place.id, statusNow(found));
  await callLife("cgroup.resume", { cgroup: cgroupOf("resume", found) });
}
