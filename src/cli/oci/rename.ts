/** `rename OLD NEW`: another name for a container. */

import { renameContainer } from "../../runtime/container/rename.ts";
import { placeOf } from "../../runtime/container/store.ts";
import { UsageError } from "../options.ts";
import type { Command } from "./main.ts";
import { nothingLeft } from "./options.ts";

/** The command. */
export const rename: Command = {
  help: "give a container another name",
  operands: "OLD NEW",
  count: 2,
  options: [],
  async run({ positional: [old, id], rest }, globals) {
    if (id === undefined) throw new UsageError("rename needs the ID of a container, and another for it");
    nothingLeft("rename", rest);
    await renameContainer(placeOf(old, globals), id);
    return 0;
  },
};
