/** The command line of an OCI runtime: `minicontainer [GLOBAL OPTIONS] COMMAND …`. */

import { SpecError } from "../../native/errors.ts";
import { type Option, UsageError } from "../options.ts";
import { say, words } from "../report.ts";
import { log } from "./log.ts";
import { type Arguments, GLOBAL_OPTIONS, type Globals, globalsOf, takeApart } from "./options.ts";

/** A command. */
export interface Command {
  /** What it does, in a line. */
  help: string;
  /** What stands behind the options, as in `ID`. */
  operands: string;
  /** How many of these are its own; what follows belongs to somebody else where `ends`. */
  count: number;
  ends?: boolean;
  options: readonly Option[];
  /** What it ends with where it fails; default 1. */
  failure?: number;
  /** Does it; what it ends with. */
  run(args: Arguments, globals: Globals): Promise<number>;
}

/** Loads a command by its name. */
async function load(name: string): Promise<Command> {
  switch (name) {
    case "create":
      return (await import("./create.ts")).create;
    case "start":
      return (await import("./start.ts")).start;
    case "state":
      return (await import("./state.ts")).state;
    case "kill":
      return (await import("./kill.ts")).kill;
    case "delete":
      return (await import("./delete.ts")).remove;
    case "run":
      return (await import("./run.ts")).run;
    case "exec":
      return (await import("./exec.ts")).exec;
    case "pause":
      return (await import("./pause.ts")).pause;
    case "resume":
      return (await import("./pause.ts")).resume;
    case "ps":
      return (await import("./ps.ts")).ps;
    case "list":
      return (await import("./list.ts")).list;
    case "events":
      return (await import("./events.ts")).events;
    case "update":
      return (await import("./update.ts")).update;
    case "spec":
      return (await import("./spec.ts")).spec;
    case "features":
      return (await import("./features.ts")).features;
  }
  throw new UsageError(`there is no command ${name}`);
}

/**
 * Runs one command line.
 *
 * @param args without the program's own name, and with a command behind the options that any command may have
 * @returns the exit code
 */
export async function oci(args: string[]): Promise<number> {
  let globals: Globals = { logFormat: "text", debug: false };
  let failure = 1;
  try {
    const before = takeApart(GLOBAL_OPTIONS, args, 1, true);
    globals = globalsOf(before);
    const [name] = before.positional;
    const command = await load(name);
    failure = command.failure ?? failure;
    if (before.rest.some((word) => word === "--help" || word === "-h") && !command.ends) {
      return await help(name, command);
    }
    if (globals.debug) await log(globals, "debug", `${name} ${before.rest.join(" ")}`);
    const given = takeApart(command.options, before.rest, command.count, command.ends);
    return await command.run(given, globals);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 128 + 13;
    // A configuration's field is its own, whatever option of another command has its name.
    const message = error instanceof SpecError ? error.message : words(error);
    say(message);
    await log(globals, "error", message);
    return failure;
  }
}

async function help(name: string, command: Command): Promise<number> {
  return (await import("./help.ts")).commandHelp(name, command);
}
