/** Removing what has ended. */

import { NotFoundError, StateError } from "../../native/errors.ts";
import { deleteContainer } from "./delete.ts";
import { listContainers } from "./list.ts";
import { hostOf, look, type RootOptions } from "./store.ts";

/**
 * Removes the containers that were left to a monitor and have ended; others belong to the engine that made them.
 *
 * @returns their ids
 */
export async function pruneContainers(options: RootOptions = {}): Promise<string[]> {
  const { root } = hostOf(options);
  const removed: string[] = [];
  for (const { id, status } of await listContainers(options)) {
    if (status !== "stopped") continue;
    try {
      const { state: { monitor } } = await look({ root, id });
      if (monitor === undefined || monitor.settled?.restarts) continue;
      await deleteContainer({ root, id });
      removed.push(id);
    } catch (error) {
      // Somebody was quicker.
      if (!(error instanceof NotFoundError || error instanceof StateError)) throw error;
    }
  }
  return removed;
}
