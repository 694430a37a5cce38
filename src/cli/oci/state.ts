/** `state ID`: what a container is. */

import { containerState } from "../../runtime/container/state.ts";
import { placeOf } from "../../runtime/container/store.ts";
import { print } from "../report.ts";
import type { Command } from "./main.ts";
import { onlyId } from "./options.ts";

/** The command. */
export const state: Command = {
  help: "print the state of a container as JSON",
  operands: "ID",
  count: 1,
  options: [],
  async run(args, globals) {
    const told = await containerState(placeOf(onlyId("state", args), globals));
    print(`${JSON.stringify(told, null, 2)}\n`);
    return 0;
  },
};
