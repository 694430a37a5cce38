/** `list`: the containers of a root. */

import { listContainers } from "../../runtime/container/list.ts";
import type { ContainerState } from "../../spec/state.ts";
import { print } from "../report.ts";
import type { Command } from "./main.ts";
import { nothingLeft, oneOf } from "./options.ts";

/** The command. */
export const list: Command = {
  help: "list the containers",
  operands: "",
  count: 0,
  options: [
    { name: "format", short: "f", value: "table|json", help: "how; default: table" },
    { name: "quiet", short: "q", help: "print their IDs alone" },
  ],
  async run(args, globals) {
    nothingLeft("list", args.rest);
    const format = oneOf("format", args.text("format"), ["table", "json"]) ?? "table";
    const states = await listContainers(globals);
    if (args.flag("quiet")) print(states.map(({ id }) => `${id}\n`).join(""));
    else if (format === "json") print(`${JSON.stringify(states)}\n`);
    else print(tableOf(states));
    return 0;
  },
};

/** The states under a header, in columns. */
export function tableOf(states: ContainerState[]): string {
  const lines = states.map((
    { id, pid, status, bundle, created, owner },
  ) => [id, `${pid}`, status, bundle, created, owner]);
  const rows = [["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"], ...lines];
  const widths = rows[0].map((_, column) => Math.max(LEAST_WIDTH, ...rows.map((row) => row[column].length + 3)));
  const line = (row: string[]) => row.map((text, column) => text.padEnd(widths[column])).join("").trimEnd();
  return rows.map((row) => `${line(row)}\n`).join("");
}

/** As runc's. */
const LEAST_WIDTH = 12;
