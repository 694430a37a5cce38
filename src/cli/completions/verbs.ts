/** What completions know of the commands. */

import type { Command } from "../oci/main.ts";
import { commandNamed } from "../oci/main.ts";
import type { Option } from "../options.ts";

/** What is not an option of a command's: containers, a container and then a program, two paths, nothing. */
export type Operands = "ids" | "program" | "paths" | "none";

/** A command whose options and containers are completed. */
export interface Verb {
  name: string;
  help: string;
  options: readonly Option[];
  operands: Operands;
}

/** Those for people; the others are for engines, which type without mistakes. */
const NAMES = [
  ...["exec", "list", "logs", "attach", "wait", "start", "stop", "kill", "pause", "resume", "rm", "inspect", "top"],
  ...["stats", "update", "rename", "prune", "cp", "diff"],
];

/** The commands but for those that run a program of the host's. */
export function verbs(): Promise<Verb[]> {
  return Promise.all(NAMES.map(async (name) => verb(name, await commandNamed(name, []))));
}

/** `run` of options, whose program is completed as that of the plain command is. */
export async function runVerb(): Promise<Verb> {
  return verb("run", await commandNamed("run", ["--rootfs"]));
}

function verb(name: string, { help, options, operands }: Command): Verb {
  return { name, help, options, operands: kindOf(operands) };
}

function kindOf(operands: string): Operands {
  if (operands.includes("PROGRAM")) return "program";
  if (operands.includes("SOURCE")) return "paths";
  return /^\[?(ID|OLD)\b/.test(operands) ? "ids" : "none";
}

/** The words that options are given by. */
export function words(options: readonly Option[]): string[] {
  return options.flatMap(({ name, short }) => [...(short === undefined ? [] : [`-${short}`]), `--${name}`]);
}

/** Those of the options whose value is a word of its own, and is completed so. */
export function withValue(options: readonly Option[], completes?: Option["completes"]): string[] {
  return words(options.filter((option) => option.value && !option.optional && option.completes === completes));
}
