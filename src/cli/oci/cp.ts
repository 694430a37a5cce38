/** `cp SOURCE TARGET`: files into a container, out of one, or from one to another. */

import { copyFiles, type CopySide } from "../../runtime/container/copy.ts";
import { placeOf } from "../../runtime/container/store.ts";
import { UsageError } from "../options.ts";
import { say } from "../report.ts";
import type { Command } from "./main.ts";
import { type Globals, nothingLeft } from "./options.ts";

/** The command. */
export const cp: Command = {
  help: "copy files and folders into a container, or out of one; ID: stands before a path of its own",
  operands: "[ID:]SOURCE [ID:]TARGET",
  count: 2,
  options: [{ name: "follow-link", short: "L", help: "copy what SOURCE leads to, where it is a link" }],
  async run(args, globals) {
    const { positional: [source, target], rest } = args;
    if (target === undefined) throw new UsageError("cp needs a source and a target, as in cp ./file ID:/tmp");
    nothingLeft("cp", rest);
    const [from, to] = [await side(source, globals), await side(target, globals)];
    if (from.container === undefined && to.container === undefined) {
      throw new UsageError("cp needs the ID of a container before one of the paths, as in cp ./file ID:/tmp");
    }
    const leftOut = await copyFiles(from, to, { followLink: args.flag("follow-link") });
    leftOut.forEach(say);
    return 0;
  },
};

/** A colon behind what begins with `/` or `.` is the path's own. */
async function side(text: string, globals: Globals): Promise<CopySide> {
  if (text === "-") throw new UsageError('cp copies no tar stream, which is what "-" asks for; a file is named ./-');
  const [, id, path] = /^([^/.:][^/:]*):(.*)$/s.exec(text) ?? [];
  if (id === undefined) return { path: text };
  if (path === "") throw new UsageError(`${JSON.stringify(text)} needs a path behind the colon`);
  return { path, container: await placeOf(id, globals) };
}
