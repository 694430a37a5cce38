/** `run ID`: makes a container, starts it, and removes it at its end. */

import { deleteContainer } from "../../runtime/container/delete.ts";
import { startAwaited } from "../../runtime/container/handed.ts";
import { startContainer } from "../../runtime/container/start.ts";
import { waitInForeground } from "../../runtime/container/wait.ts";
import { CREATE_OPTIONS, createBy } from "./create.ts";
import { warn } from "./log.ts";
import type { Command } from "./main.ts";

/** The command. */
export const run: Command = {
  help:
    "create a container, start it, and delete it at its end; of options, and not of a bundle: run --rootfs . --help",
  operands: "ID",
  count: 1,
  options: [
    ...CREATE_OPTIONS,
    { name: "detach", short: "d", help: "leave it to itself once it is started" },
    { name: "keep", help: "do not delete it at its end" },
    { name: "no-subreaper", help: "of no effect: what the container leaves is never taken over" },
  ],
  async run(args, globals) {
    const detach = args.flag("detach");
    const hasOwnTerminal = !detach && args.text("console-socket") === undefined;
    const { place, state } = await createBy("run", args, globals, hasOwnTerminal);
    const remove = async () => warn(globals, await deleteContainer(place, { force: true }));
    let code: number | undefined;
    try {
      const isReady = (await startAwaited(place, () => startContainer(place)))();
      if (detach) {
        await isReady;
        return 0;
      }
      code = await waitInForeground(state);
    } catch (error) {
      await remove();
      throw error;
    }
    if (!args.flag("keep")) await remove();
    return code ?? 1;
  },
};
