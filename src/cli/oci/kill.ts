/** `kill ID [SIGNAL]`: sends a container a signal. */

import { killContainer } from "../../runtime/container/kill.ts";
import { placeOf } from "../../runtime/container/store.ts";
import type { Command } from "./main.ts";
import { nothingLeft, onlyId } from "./options.ts";

/** The command. */
export const kill: Command = {
  help: "send a container a signal; default: SIGTERM",
  operands: "ID [SIGNAL]",
  count: 2,
  options: [{ name: "all", short: "a", help: "to all of its processes" }],
  async run(args, globals) {
    nothingLeft("kill", args.rest);
    const place = placeOf(onlyId("kill", args), globals);
    await killContainer(place, args.positional[1] ?? "SIGTERM", { all: args.flag("all") });
    return 0;
  },
};
