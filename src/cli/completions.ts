/** `minicontainer completions SHELL`: a script that completes the options, and then the program's own arguments. */

import { EXPLAIN_OPTIONS } from "./explain.ts";
import { type Option, UsageError } from "./options.ts";
import { print } from "./report.ts";
import { RUN_OPTIONS } from "./run_options.ts";

const SHELLS: Record<string, () => string> = { bash, zsh, fish };

const COMMANDS = [
  { name: "explain", help: "show what would be done" },
  { name: "check", help: "tell what works on this host" },
  { name: "completions", help: "print a completion script" },
  { name: "run", help: "make a container, and start it" },
  { name: "exec", help: "run a further program in a container" },
  { name: "list", help: "list the containers" },
  { name: "logs", help: "print what a container has written" },
  { name: "attach", help: "take part in what a container reads and writes" },
  { name: "wait", help: "wait for the end of containers" },
  { name: "stop", help: "have containers end" },
  { name: "rm", help: "remove containers" },
  { name: "inspect", help: "print all that is known of containers" },
  { name: "top", help: "list the processes of a container" },
  { name: "stats", help: "print what containers use" },
  { name: "rename", help: "give a container another name" },
  { name: "prune", help: "remove the containers that have ended" },
];

const GENERAL: readonly Option[] = [
  { name: "help", short: "h", help: "print the help" },
  { name: "version", short: "V", help: "print the version" },
];

/** Prints a shell's script. */
export function completionsCommand(args: string[]): number {
  const known = Object.keys(SHELLS).join(", ");
  if (args.length !== 1) throw new UsageError(`completions needs the name of a shell: ${known}`);
  if (!Object.hasOwn(SHELLS, args[0])) throw new UsageError(`there are no completions for ${args[0]}: only ${known}`);
  print(SHELLS[args[0]]());
  return 0;
}

function words(options: readonly Option[]): string[] {
  return options.flatMap(({ name, short }) => [...(short === undefined ? [] : [`-${short}`]), `--${name}`]);
}

function withValue(completes?: Option["completes"]): string {
  const matching = RUN_OPTIONS.filter((option) => option.value && !option.optional && option.completes === completes);
  return words(matching).join("|");
}

function bash(): string {
  return `# Completes minicontainer: source <(minicontainer completions bash)
_minicontainer() {
  local i word
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case $word in
      check) [[ $i -eq 1 ]] && { COMPREPLY=($(compgen -W '--json' -- "\${COMP_WORDS[COMP_CWORD]}")); return; } ;;
      explain) [[ $i -eq 1 ]] || { _command_offset $i; return; } ;;
      completions) [[ $i -eq 1 ]] && { COMPREPLY=($(compgen -W 'bash zsh fish' -- "\${COMP_WORDS[COMP_CWORD]}")); return; } ;;
      --) _command_offset $((i + 1)); return ;;
      ${[withValue(), withValue("file"), withValue("folder")].join("|")}) ((i++)) ;;
      -*) ;;
      *) _command_offset $i; return ;;
    esac
  done
  word=\${COMP_WORDS[COMP_CWORD]}
  case \${COMP_WORDS[COMP_CWORD - 1]} in
    ${withValue("file")}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    ${withValue("folder")}) COMPREPLY=($(compgen -d -- "$word")); return ;;
    ${withValue()}) return ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W '${words([...EXPLAIN_OPTIONS, ...GENERAL]).join(" ")}' -- "$word"))
  else
    COMPREPLY=($(compgen -c -- "$word") $([[ $COMP_CWORD -eq 1 ]] && compgen -W '${
    COMMANDS.map(({ name }) => name).join(" ")
  }' -- "$word"))
  fi
}
complete -F _minicontainer minicontainer
`;
}

function zsh(): string {
  const specs = [...EXPLAIN_OPTIONS, ...GENERAL].flatMap((option) => {
    const { name, short, value, optional, many, help, completes } = option;
    const action = { file: "_files", folder: "_files -/" }[completes ?? "file"];
    const argument = value === undefined
      ? ""
      : `${optional ? "::" : ":"}${value}:${completes === undefined ? "" : action}`;
    const attached = optional ? "=-" : "";
    const described = `${attached}[${help.replaceAll("'", "'\\''").replaceAll(":", "\\:")}]${argument}`;
    return [`--${name}`, ...(short === undefined ? [] : [`-${short}`])].map((word) =>
      `  '${many ? "*" : ""}${word}${described}' \\`
    );
  });
  return `#compdef minicontainer
# Completes minicontainer: minicontainer completions zsh > "\${fpath[1]}/_minicontainer"
_arguments -S \\
${specs.join("\n")}
  '1:program:_command_names -e' \\
  '*::arguments:_normal'
`;
}

function fish(): string {
  const lines = [...EXPLAIN_OPTIONS, ...GENERAL].map(({ name, short, value, optional, help, completes }) => {
    const argument = value === undefined || optional ? "" : completes === undefined ? " -x" : " -r";
    const action = completes === "folder" ? " -a '(__fish_complete_directories)'" : "";
    const letter = short === undefined ? "" : ` -s ${short}`;
    return `complete -c minicontainer -n __fish_is_first_token${letter} -l ${name}${argument}${action} -d '${
      help.replaceAll("'", "\\'")
    }'`;
  });
  const commands = COMMANDS.map(({ name, help }) =>
    `complete -c minicontainer -n __fish_is_first_token -a ${name} -d '${help}'`
  );
  return `# Completes minicontainer: minicontainer completions fish | source
${[...lines, ...commands].join("\n")}
complete -c minicontainer -x -a '(__fish_complete_subcommand)'
`;
}
