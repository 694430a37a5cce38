/** Another name for a container. */

import { StateError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { checkId } from "../../spec/state.ts";
import { type Place, withLock } from "./store.ts";

/**
 * Gives a container another id.
 *
 * @throws {SpecError} where it is no id
 * @throws {StateError} where another container has it
 * @throws {NotFoundError} where there is none
 */
export async function renameContainer(place: Place, id: string): Promise<void> {
  checkId(id);
  await withLock(place, async ({ handle, state }) => {
    try {
      await callLife("store.rename", { handle, id, state: { ...state, id } });
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
      throw new StateError(`container ${JSON.stringify(id)} already exists`, "absent", "present");
    }
  });
}
