/** `minicontainer check [--json]`: what works on this host. */

import { check, type HostProbe, type HostReport } from "../runtime/check.ts";
import { type Option, parseOptions, UsageError } from "./options.ts";
import { print } from "./report.ts";

const CHECK_OPTIONS: readonly Option[] = [{ name: "json", help: "print the report as JSON" }];

/** Prints the report; 0 where this user can make a plain container, 1 where not. */
export function checkCommand(args: string[]): number {
  const parsed = parseOptions(CHECK_OPTIONS, args);
  if (parsed.rest.length > 0) throw new UsageError(`check takes no argument: ${parsed.rest[0]}`);
  const report = check();
  print(parsed.flag("json") ? `${JSON.stringify(report, null, 2)}\n` : text(report));
  return report.works ? 0 : 1;
}

function text({ kernel, architecture, uid, works, probes }: HostReport): string {
  const width = Math.max(...probes.map(({ name }) => name.length));
  const groups = [...Map.groupBy(probes, ({ group }) => group)].map(([group, probes]) =>
    `\n${group}\n${probes.map((probe) => lines(probe, width)).join("")}`
  );
  const verdict = works ? "A plain container works here." : "A plain container does not work here: see above.";
  return `Linux ${kernel} on ${architecture}, as user ${uid}\n${groups.join("")}\n${verdict}\n`;
}

function lines({ name, works, detail, remedy }: HostProbe, width: number): string {
  const first = `  ${works ? "ok" : "no"}  ${name.padEnd(width)}  ${detail}\n`;
  return remedy === undefined ? first : `${first}${" ".repeat(width + 8)}${remedy}\n`;
}
