/** Where the files of a container are. */

import { StateError } from "../../native/errors.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** In the library's words: in the root of its process, or, where it has ended, where that root was made from. */
export async function filesOf(place: Place) {
  const found = await look(place);
  const { folder, state: { pid, startTime, bundle, rootfs } } = found;
  const status = statusNow(found);
  const name = JSON.stringify(place.id);
  if (status === "creating") throw new StateError(`${name} has no files yet: it is being made`, "created", status);
  if (rootfs === undefined) throw new StateError(`${name} has no root filesystem of its own`, "a root", "none");
  return { id: place.id, folder, bundle, ...(status !== "stopped" && { process: { pid, startTime } }) };
}
