/** What the command tells of a program's end. */

import type { Ended } from "../native/call.ts";
import { resultFromEnd } from "../runtime/result.ts";
import type { Parsed } from "./options.ts";
import { say } from "./report.ts";

/** Tells on stderr which limit ended it, and with `--stats` what it used. */
export function tellEnd(parsed: Parsed, ended: Ended) {
  const { endedBy, oomKilled, usage } = resultFromEnd(ended);
  if (endedBy === "timeout") say(`the program was killed: its time was up (--timeout ${parsed.text("timeout")})`);
  if (endedBy === "cpuTime") {
    say(`the program was killed: its time on processors was up (--cpu-time ${parsed.text("cpu-time")})`);
  }
  if (endedBy === "output") {
    say(`the program was killed: it wrote more than it may (--output-size ${parsed.text("output-size")})`);
  }
  const limit = parsed.text("memory");
  const memory = `memory was out${limit === undefined ? "" : ` (--memory ${limit})`}`;
  if (endedBy === "oom") say(`the program was killed: ${memory}`);
  else if (oomKilled) say(`a process of the program's was killed: ${memory}`);
  if (ended.used?.left !== undefined) say(ended.used.left);
  if (!parsed.flag("stats")) return;
  for (const [name, value] of Object.entries(usage)) {
    if (typeof value === "number") say(`${name}: ${value}`);
    if (typeof value === "object") say(`${name}: ${JSON.stringify(value)}`);
  }
}
