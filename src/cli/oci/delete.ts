/** `delete ID`: removes a container. */

import { NotFoundError } from "../../native/errors.ts";
import { deleteContainer } from "../../runtime/container/delete.ts";
import { placeOf } from "../../runtime/container/store.ts";
import { warn } from "./log.ts";
import type { Command } from "./main.ts";
import { onlyId } from "./options.ts";

/** The command. */
export const remove: Command = {
  help: "remove a container that is stopped",
  operands: "ID",
  count: 1,
  options: [{ name: "force", short: "f", help: "kill it first; one that is not there is no error" }],
  async run(args, globals) {
    const force = args.flag("force");
    try {
      const place = placeOf(onlyId("delete", args), globals);
      await warn(globals, await deleteContainer(place, { force }));
    } catch (error) {
      if (!(force && error instanceof NotFoundError)) throw error;
    }
    return 0;
  },
};
