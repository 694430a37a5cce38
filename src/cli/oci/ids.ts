/** Commands that are about several containers. */

import { type Place, placeOf } from "../../runtime/container/store.ts";
import { UsageError } from "../options.ts";
import { say, words } from "../report.ts";
import type { Arguments, Globals } from "./options.ts";

/** Where the containers of a command line are. @throws {UsageError} where it names none */
export function places(command: string, { positional, rest }: Arguments, globals: Globals): Promise<Place[]> {
  const ids = [...positional, ...rest];
  if (ids.length === 0) throw new UsageError(`${command} needs the ID of a container`);
  return Promise.all(ids.map((id) => placeOf(id, globals)));
}

/** Does something with each of them, also where it failed with another; 1 where it did. */
export async function forEach(places: Place[], deed: (place: Place) => Promise<void>): Promise<number> {
  let code = 0;
  for (const place of places) {
    try {
      await deed(place);
    } catch (error) {
      if (error instanceof Deno.errors.BrokenPipe) throw error;
      say(words(error));
      code = 1;
    }
  }
  return code;
}
