/** What was changed in a container's overlay. */

import { callLife } from "../../native/life.ts";
import type { FileChange } from "../../native/call.ts";
import { filesOf } from "./files.ts";
import type { Place } from "./store.ts";

/** What was changed in a container's root filesystem. */
export interface ContainerChanges {
  /** By path. */
  changes: FileChange[];
  /** What could not be looked at, a sentence each; mostly nothing. */
  degraded: string[];
}

/**
 * What was added, changed and deleted in a container's overlay so far.
 *
 * @throws {StateError} where it has no root filesystem of its own
 * @throws {SystemError} where it has no overlay, or that was in memory and the container has ended
 */
export async function containerChanges(place: Place): Promise<ContainerChanges> {
  return await callLife("changes", await filesOf(place));
}
