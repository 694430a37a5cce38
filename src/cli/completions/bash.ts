/** Completions for bash. */

import { GLOBAL_OPTIONS } from "../oci/options.ts";
import { RUN_OPTIONS } from "../run_options.ts";
import type { Known } from "../completions.ts";
import { type Verb, withValue, words } from "./verbs.ts";

/** The script. */
export function bash({ commands, options, verbs, run }: Known): string {
  const all = [...RUN_OPTIONS, ...run.options];
  const [values, files, folders] = [undefined, "file" as const, "folder" as const].map((kind) =>
    [...new Set(withValue(all, kind))].join("|")
  );
  const globalValues = words(GLOBAL_OPTIONS.filter(({ value }) => value !== undefined)).join("|");
  const globalFlags = words(GLOBAL_OPTIONS.filter(({ value }) => value === undefined)).join("|");
  return `# Completes minicontainer: source <(minicontainer completions bash)

# What is left of a command's line; $1: where the command stands; $2: what it takes; $3: its options; $4, $5, $6: those of
# them that have a value, a file's name, a folder's.
_minicontainer_command() {
  local i word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]}
  if [[ $2 == program ]]; then
    for ((i = $1 + 1; i < COMP_CWORD; i++)); do
      if [[ " $4 $5 $6 " == *" \${COMP_WORDS[i]} "* ]]; then ((i++)); continue; fi
      [[ \${COMP_WORDS[i]} == -* ]] || { _command_offset $((i + 1)); return; }
    done
  fi
  if [[ " $4 " == *" $before "* ]]; then return; fi
  if [[ " $5 " == *" $before "* ]]; then COMPREPLY=($(compgen -f -- "$word")); return; fi
  if [[ " $6 " == *" $before "* ]]; then COMPREPLY=($(compgen -d -- "$word")); return; fi
  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$3" -- "$word")); return; fi
  [[ $2 == none ]] && return
  # What stands before the command says where containers are kept.
  local ids=$("\${COMP_WORDS[@]:0:$1}" list --quiet 2>/dev/null)
  if [[ $2 == paths ]]; then
    COMPREPLY=($(compgen -f -- "$word") $(compgen -S : -W "$ids" -- "$word"))
    compopt -o nospace 2>/dev/null
  else
    COMPREPLY=($(compgen -W "$ids" -- "$word"))
  fi
}

_minicontainer() {
  local i word own=1 options='${words(options).join(" ")}'
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $own ]]; then
      case $word in
        ${globalValues}) ((i++)); continue ;;
        ${globalFlags}) continue ;;
        check) COMPREPLY=($(compgen -W '--json' -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;
        completions) COMPREPLY=($(compgen -W 'bash zsh fish' -- "\${COMP_WORDS[COMP_CWORD]}")); return ;;
        explain) own=; continue ;;
        run) own=; options='${words(run.options).join(" ")}'; continue ;;
${verbs.map(line).join("\n")}
      esac
    fi
    own=
    case $word in
      --) _command_offset $((i + 1)); return ;;
      ${[values, files, folders].join("|")}) ((i++)) ;;
      -*) ;;
      *) _command_offset $i; return ;;
    esac
  done
  word=\${COMP_WORDS[COMP_CWORD]}
  case \${COMP_WORDS[COMP_CWORD - 1]} in
    ${files}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    ${folders}) COMPREPLY=($(compgen -d -- "$word")); return ;;
    ${values}) return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  else
    COMPREPLY=($(compgen -c -- "$word") $([[ $own ]] && compgen -W '${
    commands.map(({ name }) => name).join(" ")
  }' -- "$word"))
  fi
}
complete -F _minicontainer minicontainer
`;
}

function line({ name, options, operands }: Verb): string {
  const lists = [words(options), withValue(options), withValue(options, "file"), withValue(options, "folder")];
  const quoted = lists.map((list) => `'${list.join(" ")}'`).join(" ");
  return `        ${name}) _minicontainer_command $i ${operands} ${quoted}; return ;;`;
}
