/** `rm ID…` and `prune`: removing containers. */

import { NotFoundError } from "../../native/errors.ts";
import { deleteContainer } from "../../runtime/container/delete.ts";
import { pruneContainers } from "../../runtime/container/prune.ts";
import { print } from "../report.ts";
import { forEach, places } from "./ids.ts";
import { warn } from "./log.ts";
import type { Command } from "./main.ts";
import { nothingLeft } from "./options.ts";

/** The command. */
export const rm: Command = {
  help: "remove containers that are stopped",
  operands: "ID...",
  count: 1,
  options: [{ name: "force", short: "f", help: "kill them first; one that is not there is no error" }],
  async run(args, globals) {
    const force = args.flag("force");
    return await forEach(await places("rm", args, globals), async (place) => {
      try {
        await warn(globals, await deleteContainer(place, { force }));
      } catch (error) {
        if (!(force && error instanceof NotFoundError)) throw error;
      }
    });
  },
};

/** The command. */
export const prune: Command = {
  help: "remove all containers that were run from options and have ended, and print their IDs",
  operands: "",
  count: 0,
  options: [],
  async run(args, globals) {
    nothingLeft("prune", args.rest);
    print((await pruneContainers(globals)).map((id) => `${id}\n`).join(""));
    return 0;
  },
};
