/** `start ID`: has a container's program executed, or executed once more. */

import { startAwaited } from "../../runtime/container/handed.ts";
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
    const place = placeOf(onlyId("start", args), globals);
    const isReady = await startAwaited(place, () => startContainer(place, Deno.mainModule));
    await isReady();
    return 0;
  },
};
