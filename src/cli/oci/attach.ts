/** `attach ID`: takes part in what a container reads and writes. */

import { attachToContainer } from "../../runtime/container/attach.ts";
import { look, placeOf } from "../../runtime/container/store.ts";
import type { Command } from "./main.ts";
import { onlyId } from "./options.ts";
import { DETACH_OPTIONS, detachKeys, holdTerminal } from "./terminal.ts";

/** The command. */
export const attach: Command = {
  help: "show what a container writes, and have it read what is typed, until its end or ctrl-p ctrl-q",
  operands: "ID",
  count: 1,
  failure: 125,
  options: [{ name: "no-stdin", help: "let it read nothing" }, ...DETACH_OPTIONS],
  async run(args, globals) {
    const place = placeOf(onlyId("attach", args), globals);
    const keys = detachKeys(args.text("detach-keys"));
    const { state: { monitor } } = await look(place);
    const attachment = await attachToContainer(place);
    return await holdTerminal(place, attachment, {
      isTerminal: monitor?.hasTerminal ?? false,
      takesInput: (monitor?.hasStdin ?? false) && !args.flag("no-stdin"),
      keys,
    });
  },
};
