/** `settle ID TOKEN`: what a container's monitor executes at its end; nobody else calls it. */

import { settle } from "../../runtime/container/settle.ts";
import { listContainers } from "../../runtime/container/list.ts";
import { hostOf, look, type Place } from "../../runtime/container/store.ts";
import type { Command } from "./main.ts";
import type { Globals } from "./options.ts";

/** The command. */
export const settleCommand: Command = {
  help: "do what follows a container's end; for monitors",
  operands: "ID TOKEN",
  count: 2,
  options: [],
  async run({ positional: [id, token] }, globals) {
    const place = await find(id, token, globals);
    if (place !== undefined) await settle(place, token, Deno.mainModule);
    return 0;
  },
};

/** The container may have been renamed meanwhile, and another have its name. */
async function find(id: string, token: string, globals: Globals): Promise<Place | undefined> {
  const { root } = hostOf(globals);
  const others = (await listContainers(globals)).map((state) => state.id).filter((other) => other !== id);
  for (const place of [id, ...others].map((id) => ({ root, id }))) {
    const found = await look(place).catch(() => undefined);
    if (found?.state.monitor?.token === token) return place;
  }
  return undefined;
}
