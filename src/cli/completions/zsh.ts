/** Completions for zsh. */

import type { Known } from "../completions.ts";
import type { Option } from "../options.ts";
import type { Operands, Verb } from "./verbs.ts";

const REST: Record<Operands, string> = {
  ids: "  '*:container:_minicontainer_ids'",
  program: "  '1:container:_minicontainer_ids' \\\n  '*::program:_normal'",
  paths: "  '*:file or container:_minicontainer_paths'",
  none: "",
};

/** The script. */
export function zsh({ commands, options, verbs, run }: Known): string {
  const names = commands.map(({ name, help }) => `  '${name}:${quoted(help)}'`);
  return `#compdef minicontainer
# Completes minicontainer: minicontainer completions zsh > "\${fpath[1]}/_minicontainer"
_minicontainer_ids() {
  local -a ids
  ids=(\${(f)"$(_call_program ids minicontainer list --quiet 2>/dev/null)"})
  compadd "$@" -a ids
}
_minicontainer_paths() {
  _files
  local -a ids
  ids=(\${(f)"$(_call_program ids minicontainer list --quiet 2>/dev/null)"})
  compadd -S : -a ids
}
_minicontainer_first() {
  local -a names=(
${names.join("\n")}
  )
  _describe command names
  _command_names -e
}
if (( CURRENT > 2 )); then
  case $words[2] in
${verbs.map(lines).join("\n")}
  run)
    shift words; (( CURRENT-- ))
    _arguments -S \\
${run.options.flatMap(specs).join("\n")}
  '1:program:_command_names -e' \\
  '*::arguments:_normal'
    return ;;
  esac
fi
_arguments -S \\
${options.flatMap(specs).join("\n")}
  '1:program:_minicontainer_first' \\
  '*::arguments:_normal'
`;
}

function lines({ name, options, operands }: Verb): string {
  const all = [...options.flatMap(specs), ...(REST[operands] === "" ? [] : [REST[operands]])].join("\n");
  return `  ${name})
    shift words; (( CURRENT-- ))
    _arguments -S${all === "" ? "" : ` \\\n${all.replace(/ \\$/, "")}`}
    return ;;`;
}

function specs({ name, short, value, optional, many, help, completes }: Option): string[] {
  const action = { file: "_files", folder: "_files -/" }[completes ?? "file"];
  const argument = value === undefined
    ? ""
    : `${optional ? "::" : ":"}${quoted(value)}:${completes === undefined ? "" : action}`;
  const attached = optional ? "=-" : "";
  const described = `${attached}[${quoted(help)}]${argument}`;
  return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])].map((word) =>
    `  '${many ? "*" : ""}${word}${described}' \\`
  );
}

function quoted(text: string): string {
  return text.replaceAll("'", "'\\''").replaceAll(":", "\\:").replaceAll("[", "\\[").replaceAll("]", "\\]");
}
