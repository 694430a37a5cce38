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
  /** A container is made of its options, which it takes apart by itself: all are in `rest`. */
  whole?: boolean;
  options: readonly Option[];
  /** What it ends with where it fails; default 1. */
  failure?: number | ((error: unknown) => number);
  /** Does it; what it ends with. */
  run(args: Arguments, globals: Globals): Promise<number>;
}

/** Loads a command by its name; `args` tell which of two `run` is. */
export async function commandNamed(name: string, args: string[]): Promise<Command> {
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
      return takesOptions(args) ? (await import("./run_detached.ts")).runDetached : (await import("./run.ts")).run;
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
    case "logs":
      return (await import("./logs.ts")).logs;
    case "attach":
      return (await import("./attach.ts")).attach;
    case "wait":
      return (await import("./stop.ts")).wait;
    case "stop":
      return (await import("./stop.ts")).stop;
    case "rm":
      return (await import("./rm.ts")).rm;
    case "prune":
      return (await import("./rm.ts")).prune;
    case "inspect":
      return (await import("./inspect.ts")).inspect;
    case "top":
      return (await import("./ps.ts")).ps;
    case "rename":
      return (await import("./rename.ts")).rename;
    case "cp":
      return (await import("./cp.ts")).cp;
    case "diff":
      return (await import("./diff.ts")).diff;
    case "stats":
      return (await import("./stats.ts")).stats;
    case "settle":
      return (await import("./settle.ts")).settleCommand;
  }
  throw new UsageError(`there is no command ${name}`);
}

/** Whether `run` is to make a container of options, and not of a bundle. */
function takesOptions(args: string[]): boolean {
  return args.some((word) => word === "--rootfs" || word.startsWith("--rootfs="));
}

/**
 * Runs one command line.
 *
 * @param args without the program's own name, and with a command behind the options that any command may have
 * @returns the exit code
 */
export async function oci(args: string[]): Promise<number> {
  let globals: Globals = { logFormat: "text", debug: false };
  let command: Command | undefined;
  try {
    const before = takeApart(GLOBAL_OPTIONS, args, 1, true);
    globals = globalsOf(before);
    const [name] = before.positional;
    command = await commandNamed(name, before.rest);
    if (asksForHelp(command, before.rest)) return await help(name, command);
    if (globals.debug) await log(globals, "debug", `${name} ${before.rest.join(" ")}`);
    const given = command.whole
      ? takeApart([], ["--", ...before.rest], 0)
      : takeApart(command.options, before.rest, command.count, command.ends);
    return await command.run(given, globals);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return 128 + 13;
    // A bundle's field is its own, whatever option of another command has its name.
    const message = error instanceof SpecError && !command?.whole ? error.message : words(error);
    say(message);
    await log(globals, "error", message);
    const { failure = 1 } = command ?? {};
    return typeof failure === "number" ? failure : failure(error);
  }
}

/** Whether a command is to explain itself; what follows the operands of one that `ends` there is another's. */
function asksForHelp({ ends, whole }: Command, args: string[]): boolean {
  return !whole && (ends ? args.slice(0, 1) : args).some((word) => word === "--help" || word === "-h");
}

async function help(name: string, command: Command): Promise<number> {
  return (await import("./help.ts")).commandHelp(name, command);
}
