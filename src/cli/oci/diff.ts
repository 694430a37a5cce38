/** `diff ID`: what was changed in a container's overlay. */

import { containerChanges } from "../../runtime/container/changes.ts";
import { placeOf } from "../../runtime/container/store.ts";
import { print, say } from "../report.ts";
import type { Command } from "./main.ts";
import { onlyId } from "./options.ts";

/** The command. */
export const diff: Command = {
  help: "list what was changed in a container's overlay: A added, C changed, D deleted",
  operands: "ID",
  count: 1,
  options: [{ name: "json", help: "as a list of path and kind" }],
  async run(args, globals) {
    const { changes, degraded } = await containerChanges(placeOf(onlyId("diff", args), globals));
    const lines = changes.map(({ path, kind }) => `${kind[0].toUpperCase()} ${shown(path)}\n`);
    print(args.flag("json") ? `${JSON.stringify(changes, null, 2)}\n` : lines.join(""));
    degraded.forEach(say);
    return 0;
  },
};

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A name may hold what would move a terminal's cursor; it is written as `--diff` writes it. */
function shown(path: string): string {
  return path.replaceAll(/\p{Cc}/gu, (each) => NAMED[each] ?? `\\u{${each.codePointAt(0)!.toString(16)}}`);
}
