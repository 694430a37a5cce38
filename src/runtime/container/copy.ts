/** Copying files into a container and out of it. */

import { StateError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** How files are copied. */
export interface CopyOptions {
  /** A link is copied as what it leads to; of a folder's own links none is. */
  followLink?: boolean;
}

/** One side of a copy: a path of the host's, or of a container's root. */
export interface CopySide {
  path: string;
  /** Absent: the host. */
  container?: Place;
}

/**
 * Copies a file, a link, or a folder with all that is in it.
 *
 * @returns what was left out, a sentence each
 * @throws {StateError} where a container has no root filesystem of its own
 * @throws {SystemError} where a path cannot be read or written; what was copied by then stays
 */
export async function copyFiles(from: CopySide, to: CopySide, { followLink }: CopyOptions = {}): Promise<string[]> {
  const request = { from: await asked(from), to: await asked(to), followLink };
  const { leftOut } = await callLife<{ leftOut: string[] }>("copy", request);
  return leftOut;
}

async function asked({ path, container }: CopySide) {
  return { path, ...(container && { container: await filesOf(container) }) };
}

/** Where the files of a container are: in the root of its process, or where that root was made from. */
async function filesOf(place: Place) {
  const found = await look(place);
  const { folder, state: { pid, startTime, bundle, rootfs } } = found;
  const status = await statusNow(found);
  const name = JSON.stringify(place.id);
  if (status === "creating") throw new StateError(`cannot copy files of ${name}: it is being made`, "created", status);
  if (rootfs === undefined) {
    throw new StateError(`cannot copy files of ${name}: it has no root filesystem of its own`, "a root", "none");
  }
  return { id: place.id, folder, bundle, ...(status !== "stopped" && { process: { pid, startTime } }) };
}
