/** `minicontainer --help`, made from the tables of options, and `minicontainer --version`. */

import config from "../../deno.json" with { type: "json" };
import { OCI_VERSION } from "../spec/types.ts";
import type { Option } from "./options.ts";
import { print } from "./report.ts";
import { OPTION_GROUPS } from "./run_options.ts";

/** Prints the help. */
export function helpCommand(): number {
  print(`Runs a program, isolated as asked.

Usage:
  minicontainer [OPTIONS] [--] PROGRAM [ARGUMENTS]...
  minicontainer explain [--json] [OPTIONS] [--] PROGRAM [ARGUMENTS]...
  minicontainer check [--json]
  minicontainer [--root DIR] [--log FILE] [--log-format text|json] COMMAND ...
  minicontainer completions bash|zsh|fish
  minicontainer --help | --version

The first argument that is not an option is the program; what follows it is the program's own.

${OPTION_GROUPS.map(({ title, options }) => `${title}:\n${optionLines(options)}\n`).join("\n")}
Namespaces can be joined instead, as in --net=/proc/1/ns/net.

Commands:
  explain       show what would be done, system call by system call, and do nothing
  check         try what works on this host; 0 where this user can make a plain container, 1 where not
  completions   print a script that completes minicontainer's options in a shell

Commands of an OCI runtime, for Podman, containerd, Docker and Kubernetes (COMMAND --help tells the rest of each):
  create start state kill delete run exec pause resume ps list events update spec features

Commands for containers that are left to themselves:
  run [-dit] --rootfs DIR [OPTIONS] PROGRAM...   make one of options; -d prints its ID (run --rootfs . --help)
  logs attach wait stop rm inspect top stats rename prune cp diff
A program that has the name of one stands behind --, as in minicontainer -- ps.

Exit codes: the program's own; 128+N where signal N ended it; 127 where it was not found, 126 where it was found but
cannot be executed, 125 for a failure of minicontainer itself.

Examples:
  minicontainer --pid /bin/sh -c 'echo $$'
  minicontainer --all --rootfs ./alpine --overlay -v ./src:/src:ro /bin/sh
`);
  return 0;
}

/** What fits beside its help; a longer option has a line of its own. */
const NAME_WIDTH = 32;

function optionLines(table: readonly Option[]): string {
  return table.map(({ name, short, value, optional, help }) => {
    const argument = value === undefined ? "" : optional ? `[=${value}]` : ` ${value}`;
    const words = `  ${short === undefined ? "    " : `-${short}, `}--${name}${argument}`;
    const isLong = words.length > NAME_WIDTH - 2;
    return `${isLong ? `${words}\n${" ".repeat(NAME_WIDTH)}` : words.padEnd(NAME_WIDTH)}${help}`;
  }).join("\n");
}

/** Prints the version. */
export function versionCommand(): number {
  // As Docker and containerd read it of a runtime.
  print(`minicontainer version ${config.version}\nspec: ${OCI_VERSION}\n`);
  return 0;
}
