/** The options as a table, from which parsing, help and completions are made. */

import { parseArgs } from "@std/cli/parse-args";

/** One option. */
export interface Option {
  /** Without the dashes. */
  name: string;
  /** One letter. */
  short?: string;
  /** What its value is called in the help; absent where it has none. */
  value?: string;
  /** Whether it may stand several times; the values are kept in order. */
  many?: boolean;
  /** One line, lower-case. */
  help: string;
  /** What completes its value. */
  completes?: "file" | "folder";
}

/** How a program is run. */
export const RUN_OPTIONS = [
  { name: "pid", help: "give the program a PID namespace of its own, in which it is PID 1 (root)" },
  { name: "env", short: "e", value: "NAME=VALUE", many: true, help: "set a variable; may stand several times" },
  {
    name: "env-file",
    value: "FILE",
    many: true,
    help: "set the variables of a file of NAME=VALUE lines; --env wins",
    completes: "file",
  },
  { name: "clear-env", help: "do not hand on the caller's environment" },
  { name: "cwd", value: "DIR", help: "start the program in DIR", completes: "folder" },
  { name: "timeout", value: "TIME", help: "kill the program after TIME: 5, 0.5s, 200ms, 2m, 1h" },
  { name: "no-kill-on-exit", help: "leave the program of a PID namespace running when minicontainer is killed" },
  { name: "debug", help: "tell on stderr what is done" },
] as const satisfies readonly Option[];

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override name = "UsageError";
  /** What the command ends with. */
  readonly exitCode = 125;
  /** The option that was not known, and what is known. */
  readonly unknown?: { given: string; known: string[] };

  /** @param message what is wrong @param unknown the option that was not known, to suggest another */
  constructor(message: string, unknown?: { given: string; known: string[] }) {
    super(message);
    this.unknown = unknown;
  }
}

/** What stood before the program, by option, and the program with its arguments. */
export interface Parsed {
  /** The options with a value, the last of each. */
  text(name: string): string | undefined;
  /** The values of an option that may stand several times. */
  texts(name: string): string[];
  /** Whether an option without a value was given. */
  flag(name: string): boolean;
  /** The program and its arguments, untouched. */
  rest: string[];
}

/**
 * Takes a command line apart. The first argument that is no option ends the options, as `--` does.
 *
 * @throws {UsageError} for an option that is not in the table, or lacks its value
 */
export function parseOptions(table: readonly Option[], args: string[]): Parsed {
  const { head, rest } = split(table, args);
  const parsed = parseArgs(head, {
    boolean: table.filter((option) => !option.value).map(({ name }) => name),
    string: table.filter((option) => option.value).map(({ name }) => name),
    collect: table.filter((option) => option.many).map(({ name }) => name),
    alias: Object.fromEntries(table.flatMap(({ name, short }) => short === undefined ? [] : [[short, name]])),
    unknown: (given) => refuseUnknown(given, table),
  }) as Record<string, unknown>;
  return {
    text: (name) => parsed[name] as string | undefined,
    texts: (name) => (parsed[name] as string[] | undefined) ?? [],
    flag: (name) => parsed[name] === true,
    rest,
  };
}

/**
 * Where the program begins: the parser would take the program's own `--` away, so it does not get to see it. An option and
 * its value become one word, for the parser takes no value that begins with a dash.
 */
function split(table: readonly Option[], args: string[]): { head: string[]; rest: string[] } {
  const head: string[] = [];
  let index = 0;
  for (; index < args.length; index++) {
    const argument = args[index];
    if (argument === "-" || !argument.startsWith("-")) break;
    if (argument === "--") return { head, rest: args.slice(index + 1) };
    const option = find(table, argument);
    if (option?.value === undefined || argument.includes("=")) {
      head.push(argument);
      continue;
    }
    if (++index === args.length) throw new UsageError(`${argument} needs a value: ${argument} ${option.value}`);
    head.push(`--${option.name}=${args[index]}`);
  }
  return { head, rest: args.slice(index) };
}

function find(table: readonly Option[], argument: string): Option | undefined {
  const isLong = argument.startsWith("--");
  const end = argument.indexOf("=");
  const name = argument.slice(isLong ? 2 : 1, end === -1 ? undefined : end);
  return table.find((option) => isLong ? option.name === name : option.short === name);
}

function refuseUnknown(given: string, table: readonly Option[]): never {
  const option = given.split("=", 1)[0];
  throw new UsageError(`unknown option ${option}`, { given: option, known: table.map(({ name }) => `--${name}`) });
}
