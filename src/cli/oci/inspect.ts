/** `inspect ID…`: all that is known of containers. */

import { type ContainerDetails, inspectContainer } from "../../runtime/container/inspect.ts";
import { print } from "../report.ts";
import { forEach, places } from "./ids.ts";
import type { Command } from "./main.ts";

/** The command. */
export const inspect: Command = {
  help: "print all that is known of containers, as a list in JSON",
  operands: "ID...",
  count: 1,
  options: [],
  async run(args, globals) {
    const found: ContainerDetails[] = [];
    const code = await forEach(await places("inspect", args, globals), async (place) => {
      found.push(await inspectContainer(place));
    });
    print(`${JSON.stringify(found, null, 2)}\n`);
    return code;
  },
};
