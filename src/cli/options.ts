/** Taking a command line apart by a table of options, from which help and completions are made as well. */

/** One option. */
export interface Option {
  /** Without the dashes. */
  name: string;
  /** One letter. */
  short?: string;
  /** What its value is called in the help; absent where it has none. */
  value?: string;
  /** Whether it may stand without its value, which must then be attached: `--name` or `--name=value`. */
  optional?: boolean;
  /** Whether it may stand several times; the values are kept in order. */
  many?: boolean;
  /** One line, lower-case. */
  help: string;
  /** What completes its value. */
  completes?: "file" | "folder";
}

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
  /** The value of an option, the last one; nothing where it was given without. */
  text(name: string): string | undefined;
  /** The values of an option that may stand several times. */
  texts(name: string): string[];
  /** Whether an option was given. */
  flag(name: string): boolean;
  /** The options that were given, in the order of their first. */
  given: string[];
  /** The program and its arguments, untouched. */
  rest: string[];
}

/**
 * Takes a command line apart: `--name`, `--name value`, `--name=value`, `-n value`, `-nvalue`. The first argument that is
 * no option ends the options, as `--` does, and belongs with all that follows to the program.
 *
 * @throws {UsageError} for an option that is not in the table, or lacks its value, or has one that it does not take
 */
export function parseOptions(table: readonly Option[], args: string[]): Parsed {
  const given = new Map<string, (string | undefined)[]>();
  let index = 0;
  for (; index < args.length; index++) {
    const argument = args[index];
    if (argument === "-" || !argument.startsWith("-")) break;
    if (argument === "--") {
      index++;
      break;
    }
    const { word, attached } = takeApart(argument);
    const option = table.find(({ name, short }) => word === `--${name}` || word === `-${short}`);
    if (option === undefined) {
      throw new UsageError(`unknown option ${word}`, { given: word, known: table.map(({ name }) => `--${name}`) });
    }
    const values = given.get(option.name) ?? [];
    given.set(option.name, values);
    if (option.value === undefined) {
      if (attached !== undefined) throw new UsageError(`${word} takes no value`);
      continue;
    }
    if (option.optional) {
      if (attached === "") throw new UsageError(`${word}= needs a value: ${word}=${option.value}, or ${word} alone`);
      values.push(attached);
      continue;
    }
    const value = attached ?? args[++index];
    if (value === undefined) throw new UsageError(`${word} needs a value: ${word} ${option.value}`);
    values.push(value);
  }
  return {
    text: (name) => given.get(name)?.at(-1),
    texts: (name) => given.get(name)?.filter((value) => value !== undefined) ?? [],
    flag: (name) => given.has(name),
    given: [...given.keys()],
    rest: args.slice(index),
  };
}

/** An option's word, and the value that stands in the same argument. */
function takeApart(argument: string): { word: string; attached?: string } {
  if (!argument.startsWith("--")) return { word: argument.slice(0, 2), attached: argument.slice(2) || undefined };
  const end = argument.indexOf("=");
  return end === -1 ? { word: argument } : { word: argument.slice(0, end), attached: argument.slice(end + 1) };
}
