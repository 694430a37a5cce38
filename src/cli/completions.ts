/** `minicontainer completions SHELL`: a script that completes commands, options, containers and programs' own arguments. */

import { bash } from "./completions/bash.ts";
import { fish } from "./completions/fish.ts";
import { runVerb, type Verb, verbs } from "./completions/verbs.ts";
import { zsh } from "./completions/zsh.ts";
import { EXPLAIN_OPTIONS } from "./explain.ts";
import { type Option, UsageError } from "./options.ts";
import { print } from "./report.ts";

/** What a script is made of. */
export interface Known {
  /** What may stand first, beside a program. */
  commands: { name: string; help: string }[];
  /** The plain command's. */
  options: readonly Option[];
  /** The commands for containers that are there. */
  verbs: Verb[];
  run: Verb;
}

const SHELLS: Record<string, (known: Known) => string> = { bash, zsh, fish };

const COMMANDS = [
  { name: "explain", help: "show what would be done" },
  { name: "check", help: "tell what works on this host" },
  { name: "completions", help: "print a completion script" },
];

const GENERAL: readonly Option[] = [
  { name: "help", short: "h", help: "print the help" },
  { name: "version", short: "V", help: "print the version" },
];

/** Prints a shell's script. */
export async function completionsCommand(args: string[]): Promise<number> {
  const known = Object.keys(SHELLS).join(", ");
  if (args.length !== 1) throw new UsageError(`completions needs the name of a shell: ${known}`);
  if (!Object.hasOwn(SHELLS, args[0])) throw new UsageError(`there are no completions for ${args[0]}: only ${known}`);
  const [forContainers, run] = [await verbs(), await runVerb()];
  const commands = [...COMMANDS, ...[run, ...forContainers].map(({ name, help }) => ({ name, help }))];
  print(SHELLS[args[0]]({ commands, options: [...EXPLAIN_OPTIONS, ...GENERAL], verbs: forContainers, run }));
  return 0;
}
