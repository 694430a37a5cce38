/** From the command line to an exit code. What a command does not need is not loaded: each module costs start-up time. */

import { run } from "./run.ts";

/**
 * Runs one command line.
 *
 * @param args without the command's own name
 * @param oci does what an OCI runtime's command line asks for; absent: a module that can does
 * @returns the exit code: the program's, or 125 for a failure of ours, 126 or 127 where it could not be executed
 */
export async function main(args: string[], oci?: (args: string[]) => Promise<number>): Promise<number> {
  try {
    if (isOci(args)) return oci === undefined ? (await import("./become.ts")).becomeBin(args) : await oci(args);
    switch (args[0]) {
      case "explain":
        return await (await import("./explain.ts")).explainCommand(args.slice(1));
      case "check":
        return (await import("./check.ts")).checkCommand(args.slice(1));
      case "completions":
        return (await import("./completions.ts")).completionsCommand(args.slice(1));
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

/** The commands about containers, an OCI runtime's and ours; a program of one of these names stands behind `--`. */
const OCI_COMMANDS = new Set([
  ..."create start state kill delete run exec pause resume ps list events update spec features".split(" "),
  ..."logs attach wait stop rm inspect top rename prune stats settle".split(" "),
]);

/** What stands before them. */
const OCI_OPTIONS = /^--(?:(root|log|log-format|cgroup-manager|rootless)|debug|systemd-cgroup)(=|$)/;

/** Whether a command line is one of an OCI runtime's: options that those have, and then one of their commands. */
export function isOci(args: string[]): boolean {
  for (let index = 0; index < args.length; index++) {
    const option = OCI_OPTIONS.exec(args[index]);
    if (option === null) return OCI_COMMANDS.has(args[index]);
    const [, hasValue, attached] = option;
    if (hasValue !== undefined && attached === "") index++;
  }
  return false;
}
