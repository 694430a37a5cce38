/** `minicontainer explain [--json] [OPTIONS] PROGRAM…`: what would be done. */

import { explainSpec, type PlannedStep } from "../runtime/run.ts";
import { type Option, parseOptions } from "./options.ts";
import { print } from "./report.ts";
import { inTermsOfOptions, specFromOptions } from "./run.ts";
import { RUN_OPTIONS } from "./run_options.ts";

/** The options of `explain`: those of a run, and its own. */
export const EXPLAIN_OPTIONS: readonly Option[] = [
  { name: "json", help: "print the steps as JSON" },
  ...RUN_OPTIONS,
];

/** Prints the plan of a command line. */
export async function explainCommand(args: string[]): Promise<number> {
  const parsed = parseOptions(EXPLAIN_OPTIONS, args);
  const spec = await specFromOptions(parsed);
  const steps = await inTermsOfOptions(parsed, () => explainSpec(spec));
  print(parsed.flag("json") ? `${JSON.stringify(steps, null, 2)}\n` : steps.map(lines).join(""));
  return 0;
}

function lines({ side, syscall, arguments: given, why, manPage }: PlannedStep, index: number): string {
  const number = String(index + 1).padStart(3);
  return `${number}  ${side}  ${syscall}(${given.join(", ")})\n${" ".repeat(13)}${why}  [${manPage}]\n`;
}
