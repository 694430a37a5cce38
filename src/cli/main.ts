/** From the command line to an exit code. What a command does not need is not loaded: each module costs start-up time. */

import { run } from "./run.ts";

/**
 * Runs one command line.
 *
 * @param args without the command's own name
 * @returns the exit code: the program's, or 125 for a failure of ours, 126 or 127 where it could not be executed
 */
export async function main(args: string[]): Promise<number> {
  try {
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
