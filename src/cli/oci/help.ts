/** `minicontainer COMMAND --help`. */

import type { Option } from "../options.ts";
import { print } from "../report.ts";
import type { Command } from "./main.ts";
import { GLOBAL_OPTIONS } from "./options.ts";

/** Prints what a command takes. */
export function commandHelp(name: string, { help, operands, options }: Command): number {
  const usage = ["minicontainer [GLOBAL OPTIONS]", name, ...(options.length > 0 ? ["[OPTIONS]"] : []), operands];
  const own = options.length > 0 ? `\nOptions:\n${lines(options)}` : "";
  print(`${help[0].toUpperCase()}${help.slice(1)}.

Usage:
  ${usage.join(" ").trimEnd()}
${own}
Global options:
${lines(GLOBAL_OPTIONS)}`);
  return 0;
}

const NAME_WIDTH = 38;

function lines(options: readonly Option[]): string {
  return options.map(({ name, short, value, optional, help }) => {
    const argument = value === undefined ? "" : optional ? `[=${value}]` : ` ${value}`;
    const words = `  ${short === undefined ? "    " : `-${short}, `}--${name}${argument}`;
    const isLong = words.length > NAME_WIDTH - 2;
    return `${isLong ? `${words}\n${" ".repeat(NAME_WIDTH)}` : words.padEnd(NAME_WIDTH)}${help}\n`;
  }).join("");
}
