/** `minicontainer explain [--json] [OPTIONS] PROGRAM…`: what would be done. */

import { explainSpec, type PlannedStep } from "../runtime/explain.ts";
import { type Option, parseOptions, RUN_OPTIONS } from "./options.ts";
import { print } from "./report.ts";
import { specFromOptions } from "./run.ts";

/** The options of `explain`: those of a run, and its own. */
export const EXPLAIN_OPTIONS: readonly Option[] = [
  { name: "json", help: "print the steps as JSON" },
  ...RUN_OPTIONS,
];

/** Prints the plan of a command line. */
export function explainCommand(args: string[]): number {
  const parsed = parseOptions(EXPLAIN_OPTIONS, args);
  const steps = explainSpec(specFromOptions(parsed));
  print(parsed.flag("json") ? `${JSON.stringify(steps, null, 2)}\n` : steps.map(lines).join(""));
  return 0;
}

function lines({ side, syscall, arguments: given, why, manPage }: PlannedStep, index: number): string {
  const number = String(index + 1).padStart(3);
  return `${number}  ${side}  ${syscall}(${given.join(", ")})\n${" ".repeat(13)}${why}  [${manPage}]\n`;
}
