/** `start ID`: has a container's program executed, or executed once more. */

import { startContainer } from "../../runtime/container/start.ts";
import { placeOf } from "../../runtime/container/store.ts";
import type { Command } from "./main.ts";
import { onlyId } from "./options.ts";

/** The command. */
export const start: Command = {
  help: "start a container that was created, or one that was run from options and has ended",
  operands: "ID",
  count: 1,
  options: [],
  async run(args, globals) {
    await startContainer(placeOf(onlyId("start", args), globals), Deno.mainModule);
    return 0;
  },
};
