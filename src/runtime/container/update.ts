/** Changing what a container may use. */

import { callLife } from "../../native/life.ts";
import { readObject } from "../../spec/config_json.ts";
import { mustAllow } from "../../spec/status.ts";
import { cgroupOf } from "./cgroup.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/**
 * Changes the limits of a container that has not ended: those that are given.
 *
 * @param resources the JSON of OCI's `linux.resources`
 * @throws {StateError} where it is stopped
 * @throws {SpecError} where a value is wrong; `path` names the field
 * @throws {SystemError} where the kernel refuses
 */
export async function updateContainer(place: Place, resources: string) {
  readObject(resources, "the resources");
  const found = await look(place);
  mustAllow("update", place.id, statusNow(found));
  await callLife("cgroup.update", { cgroup: cgroupOf("update", found) }, { resources });
}
