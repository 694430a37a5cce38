/** Completions for fish. */

import type { Known } from "../completions.ts";
import type { Option } from "../options.ts";
import type { Operands, Verb } from "./verbs.ts";

const IDS = "minicontainer list --quiet 2>/dev/null";

const REST: Record<Operands, string | undefined> = {
  ids: `-f -a '(${IDS})'`,
  program: `-a '(${IDS}) (__fish_complete_subcommand)'`,
  paths: `-F -a '(${IDS} | string replace -r \\$ :)'`,
  none: undefined,
};

/** The script. */
export function fish({ commands, options, verbs, run }: Known): string {
  const names = commands.map(({ name, help }) =>
    `complete -c minicontainer -n __fish_is_first_token -a ${name} -d '${quoted(help)}'`
  );
  const plain = options.map((option) => line("__fish_is_first_token", option));
  return `# Completes minicontainer: minicontainer completions fish | source
${[...plain, ...names, ...[...verbs, run].flatMap(lines)].join("\n")}
complete -c minicontainer -n 'not __fish_seen_subcommand_from ${
    verbs.map(({ name }) => name).join(" ")
  }' -x -a '(__fish_complete_subcommand)'
`;
}

function lines({ name, options, operands }: Verb): string[] {
  const condition = `'__fish_seen_subcommand_from ${name}'`;
  const rest = name === "run" ? undefined : REST[operands];
  return [
    ...options.map((option) => line(condition, option)),
    ...(rest === undefined ? [] : [`complete -c minicontainer -n ${condition} ${rest}`]),
  ];
}

function line(condition: string, { name, short, value, optional, help, completes }: Option): string {
  const argument = value === undefined || optional ? "" : completes === undefined ? " -x" : " -r";
  const action = completes === "folder" ? " -a '(__fish_complete_directories)'" : "";
  const letter = short === undefined ? "" : ` -s ${short}`;
  return `complete -c minicontainer -n ${condition}${letter} -l ${name}${argument}${action} -d '${quoted(help)}'`;
}

function quoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
