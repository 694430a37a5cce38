/** The command line of an OCI runtime: options before and after the ID. */

import type { CgroupManager } from "../../spec/types.ts";
import { type Option, UsageError } from "../options.ts";

/** What stood before the command. */
export interface Globals {
  /** The folder of the containers. */
  root?: string;
  /** The file that errors are written to as well. */
  log?: string;
  logFormat: "text" | "json";
  debug: boolean;
  cgroupManager?: CgroupManager;
  /** Absent: found out. */
  rootless?: boolean;
}

/** The options before the command. */
export const GLOBAL_OPTIONS: readonly Option[] = [
  { name: "root", value: "DIR", completes: "folder", help: "where containers are kept" },
  { name: "log", value: "FILE", completes: "file", help: "write what goes wrong to FILE as well" },
  { name: "log-format", value: "text|json", help: "how; default: text" },
  { name: "debug", help: "write what is done, too" },
  { name: "systemd-cgroup", help: "have systemd make cgroups" },
  { name: "cgroup-manager", value: "auto|cgroupfs|systemd|disabled", help: "who makes cgroups; a bundle's: cgroupfs" },
  { name: "rootless", value: "true|false|auto", help: "keep containers in the user's own folder; default: auto" },
];

/** A command line, taken apart. */
export interface Arguments {
  /** The value of an option, the last one. */
  text(name: string): string | undefined;
  /** The values of an option that may stand several times. */
  texts(name: string): string[];
  /** Whether an option without a value was given, and not as `--name=false`. */
  flag(name: string): boolean;
  /** What is no option: at most as many as were asked for. */
  positional: string[];
  /** What follows them. */
  rest: string[];
}

/**
 * Takes arguments apart: `--name`, `--name value`, `--name=value`, `-n value`, before, between and behind what is no
 * option, until `count` such were found, and then, unless `ends`, behind the last. `--` ends the options.
 *
 * @param table the options
 * @param args without the command
 * @param count how many that are no options belong to the command itself
 * @param ends whether all behind the last of these belongs to somebody else
 * @throws {UsageError} for an option that is not in the table, or lacks its value, or has one that it does not take
 */
export function takeApart(table: readonly Option[], args: string[], count: number, ends = false): Arguments {
  const given = new Map<string, string[]>();
  const positional: string[] = [];
  const rest: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index];
    if (ends && positional.length === count) {
      rest.push(...args.slice(index));
      break;
    }
    if (argument === "--") {
      for (const left of args.slice(index + 1)) (positional.length < count ? positional : rest).push(left);
      break;
    }
    if (argument === "-" || !argument.startsWith("-")) {
      (positional.length < count ? positional : rest).push(argument);
      continue;
    }
    const [, word, letter, , value] = /^(?:--([^=]+)|-([^-=]))(=(.*))?$/s.exec(argument) ?? [];
    const option = table.find(({ name, short }) => word === name || (letter !== undefined && letter === short));
    if (option === undefined) {
      const [shown] = argument.split("=", 1);
      throw new UsageError(`unknown option ${shown}`, { given: shown, known: table.map(({ name }) => `--${name}`) });
    }
    const values = given.get(option.name) ?? [];
    given.set(option.name, values);
    values.push(option.value === undefined ? truth(argument, value) : value ?? valueOf(option, args[++index]));
  }
  return {
    text: (name) => given.get(name)?.at(-1),
    texts: (name) => given.get(name) ?? [],
    flag: (name) => given.get(name)?.at(-1) === "true",
    positional,
    rest,
  };
}

function truth(argument: string, value: string | undefined): string {
  if (value === undefined || value === "true" || value === "false") return value ?? "true";
  throw new UsageError(`${argument.split("=", 1)[0]} takes no value but true or false`);
}

function valueOf(option: Option, value: string | undefined): string {
  if (value === undefined) throw new UsageError(`--${option.name} needs a value: --${option.name} ${option.value}`);
  return value;
}

/** The id that a command is about, and that nothing is left over. @throws {UsageError} */
export function onlyId(command: string, { positional, rest }: Arguments): string {
  if (positional.length === 0) throw new UsageError(`${command} needs the ID of a container`);
  nothingLeft(command, rest);
  return positional[0];
}

/** @throws {UsageError} where arguments are left over */
export function nothingLeft(command: string, rest: string[]) {
  if (rest.length > 0) throw new UsageError(`${command} takes no argument ${JSON.stringify(rest[0])}`);
}

/** A whole number of at least `least`, where an option is given. @throws {UsageError} */
export function count(name: string, text: string | undefined, least = 0): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
  throw new UsageError(`--${name} must be a whole number of at least ${least}; it is ${JSON.stringify(text)}`);
}

/** One of some words, where an option is given. @throws {UsageError} */
export function oneOf<T extends string>(name: string, text: string | undefined, words: readonly T[]): T | undefined {
  if (text === undefined || words.includes(text as T)) return text as T | undefined;
  throw new UsageError(`--${name} must be ${words.join(" or ")}; it is ${JSON.stringify(text)}`);
}

/** What stands before the command. @throws {UsageError} */
export function globalsOf(args: Arguments): Globals {
  const rootless = oneOf("rootless", args.text("rootless"), ["true", "false", "auto"]);
  const manager = oneOf("cgroup-manager", args.text("cgroup-manager"), ["auto", "cgroupfs", "systemd", "disabled"]);
  return {
    root: args.text("root"),
    log: args.text("log"),
    logFormat: oneOf("log-format", args.text("log-format"), ["text", "json"]) ?? "text",
    debug: args.flag("debug"),
    cgroupManager: args.flag("systemd-cgroup") ? "systemd" : manager,
    rootless: rootless === undefined || rootless === "auto" ? undefined : rootless === "true",
  };
}
