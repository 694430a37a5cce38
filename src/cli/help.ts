/** `minicontainer --help`, made from the tables of options. */

import { type Option, RUN_OPTIONS } from "./options.ts";
import { print } from "./report.ts";

/** Prints the help. */
export function helpCommand(): number {
  print(`Runs a program, isolated as asked.

Usage:
  minicontainer [OPTIONS] [--] PROGRAM [ARGUMENTS]...
  minicontainer explain [--json] [OPTIONS] [--] PROGRAM [ARGUMENTS]...
  minicontainer check [--json]
  minicontainer completions bash|zsh|fish
  minicontainer --help | --version

The first argument that is not an option is the program; what follows it is the program's own.

Options:
${optionLines(RUN_OPTIONS)}

Commands:
  explain       show what would be done, system call by system call, and do nothing
  check         try what works on this host; 0 where this user can make a plain container, 1 where not
  completions   print a script that completes minicontainer's options in a shell

Exit codes: the program's own; 128+N where signal N ended it; 127 where it was not found, 126 where it was found but
cannot be executed, 125 for a failure of minicontainer itself.

Example:
  minicontainer --pid /bin/sh -c 'echo $$'
`);
  return 0;
}

function optionLines(table: readonly Option[]): string {
  const names = table.map(({ name, short, value }) =>
    `  ${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`
  );
  const width = Math.max(...names.map((name) => name.length)) + 2;
  return names.map((name, index) => name.padEnd(width) + table[index].help).join("\n");
}
