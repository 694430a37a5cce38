/** What runs, and what it gets: the fields of a configuration that isolate nothing. */

import { SpecError } from "../native/errors.ts";
import { flag, ifGiven, kindOf, name, present, shown, text, texts, whole } from "./check.ts";
import type { NamespaceExecConfig, RunConfig } from "./exec_config.ts";
import { type Extras, OCI_VERSION, type Spec, type SpecStdio } from "./types.ts";

/** The spec of a program with nothing isolated. */
export function programOf(config: NamespaceExecConfig): Spec {
  const program = name("program", config.program, "a program");
  return {
    ociVersion: OCI_VERSION,
    process: present({
      args: argumentsOf(config),
      env: environment(config.envp),
      cwd: ifGiven("cwd", config.cwd, (path, value) => name(path, value, "a folder")),
    }),
    minicontainer: { program, inheritEnv: config.envp === undefined, ...runOf(config) },
  };
}

/** @throws {SpecError} where a program cannot have them */
export function argumentsOf({ program, argv }: Pick<NamespaceExecConfig, "program" | "argv">): string[] {
  if (argv === undefined) return [program];
  const args = texts("argv", argv);
  if (args.length === 0) throw new SpecError("argv", "must have at least one entry, the program's own name");
  return args;
}

/** How a program is run, whatever it is. */
export function runOf(config: RunConfig): Extras {
  ifGiven("outputBytes", config.outputBytes, (path, value) => whole(path, value, 0, Number.MAX_SAFE_INTEGER));
  return present({
    stdio: [stdio("stdin", config.stdin), stdio("stdout", config.stdout), stdio("stderr", config.stderr)],
    killOnExit: flag("killOnExit", config.killOnExit),
    debug: flag("enableDebug", config.enableDebug),
    timeoutMs: ifGiven("timeoutMs", config.timeoutMs, milliseconds),
  });
}

function environment(value: NamespaceExecConfig["envp"]): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) {
    return texts("envp", value).map((entry, index) => {
      if (entry.indexOf("=") > 0) return entry;
      throw new SpecError(`envp[${index}]`, `must be NAME=value; it is ${JSON.stringify(entry)}`);
    });
  }
  if (typeof value !== "object" || value === null) {
    throw new SpecError("envp", `must be an array or an object of strings; it is ${kindOf(value)}`);
  }
  return Object.entries(value).map(([name, content]) => {
    if (name === "" || name.includes("=")) throw new SpecError("envp", `${JSON.stringify(name)} is no variable's name`);
    return `${text(`envp.${name}`, name)}=${text(`envp.${name}`, content)}`;
  });
}

function stdio(path: string, value: unknown): SpecStdio {
  if (value === undefined) return "inherit";
  if (value === "inherit" || value === "null" || value === "piped") return value;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31) {
    return { descriptor: value };
  }
  throw new SpecError(path, `must be "inherit", "null", "piped" or a descriptor's number; it is ${shown(value)}`);
}

/** A hundred years: as the native side has it. */
const LONGEST_MS = 100 * 365 * 86_400_000;

function milliseconds(path: string, value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= LONGEST_MS) return value;
  const given = typeof value === "object" ? kindOf(value) : String(value);
  throw new SpecError(path, `must be a number of milliseconds above 0, at most 100 years; it is ${given}`);
}
