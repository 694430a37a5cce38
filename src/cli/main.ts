/** From the command line to an exit code. What a command does not need is not loaded: each module costs start-up time. */

import { run } from "./run.ts";

/**
 * Runs one command line.
 *
 * @param args without the command's own name
 * @param command does every command beside that of running a program; absent: a module that can does
 * @returns the exit code: the program's, or 125 for a failure of ours, 126 or 127 where it could not be executed
 */
export async function main(args: string[], command?: (args: string[]) => Promise<number>): Promise<number> {
  try {
    if (isCommand(args)) {
      return command === undefined ? (await import("./become.ts")).becomeBin(args) : await command(args);
    }
    switch (args[0]) {
      case "--help":
      case "-h":
      case "help":
        return (await import("./help.ts")).helpCommand();
      case "--version":
      case "-V":
        return (await import("./help.ts")).versionCommand();
      default:
        return await run(args);
    }
  } catch (error) {
    return (await import("./report.ts")).fail(error);
  }
}

/** An OCI runtime's commands, and ours; a program of one of these names stands behind `--`. */
const COMMANDS = new Set([
  ..."explain check completions".split(" "),
  ..."create start state kill delete run exec pause resume ps list events update spec features".split(" "),
  ..."logs attach wait stop rm inspect top rename prune stats cp diff settle".split(" "),
]);

/** What stands before them. */
const OCI_OPTIONS = /^--(?:(root|log|log-format|cgroup-manager|rootless)|debug|systemd-cgroup)(=|$)/;

/** Whether a command line is one of these: options that an OCI runtime has before them, and then one of them. */
export function isCommand(args: string[]): boolean {
  for (let index = 0; index < args.length; index++) {
    const option = OCI_OPTIONS.exec(args[index]);
    if (option === null) return COMMANDS.has(args[index]);
    const [, hasValue, attached] = option;
    if (hasValue !== undefined && attached === "") index++;
  }
  return false;
}
