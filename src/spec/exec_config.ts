/** What `namespaceExec` and its kin take, and the spec that it stands for. Pure: nothing here asks the system. */

import { SpecError } from "../native/errors.ts";
import { OCI_VERSION, type Spec, type SpecStdio } from "./types.ts";

/** Where a standard stream of the program comes from or goes to: a number is a descriptor of this process. */
export type Stdio = "inherit" | "null" | "piped" | number;

/** A program, and how it is isolated. */
export interface NamespaceExecConfig {
  /** What is executed: a path, or a name that is looked up in the program's PATH. */
  program: string;
  /** The arguments, the first of which the program sees as its own name; absent: `[program]`. */
  argv?: readonly string[];
  /**
   * The environment, as `NAME=value` or as an object; absent: this process's; given: exactly that. Of several entries
   * with one name the last counts.
   */
  envp?: readonly string[] | Readonly<Record<string, string>>;
  /** Tell on stderr what is done. */
  enableDebug?: boolean;
  /** The program is PID 1 of a PID namespace of its own; needs CAP_SYS_ADMIN. */
  enablePidNamespace?: boolean;
  /** The folder that the program starts in; absent: this process's. A relative `program` is looked for there. */
  cwd?: string;
  /** Default `"inherit"`. */
  stdin?: Stdio;
  /** Default `"inherit"`. */
  stdout?: Stdio;
  /** Default `"inherit"`. */
  stderr?: Stdio;
  /**
   * Milliseconds, above 0, after which the program is killed; later where the event loop is kept from turning, but in
   * `namespaceExecSync`, which looks at the clock itself.
   */
  timeoutMs?: number;
  /**
   * The program is killed when this process ends, however that happens. Default: where it has a PID namespace. The
   * kernel forgets it when the program executes one that is set-user-ID or has file capabilities.
   */
  killOnExit?: boolean;
  /** Kills the program when aborted; not for `namespaceExecSync`. */
  signal?: AbortSignal;
}

/**
 * The spec that a configuration stands for.
 *
 * @param config as callers give it, JavaScript's unchecked ones too
 * @returns the spec, to be planned
 * @throws {SpecError} where a field is of the wrong type; `path` names it
 */
export function specFromConfig(config: NamespaceExecConfig): Spec {
  if (typeof config !== "object" || config === null) throw new SpecError("", "the configuration must be an object");
  const program = text("program", config.program);
  if (program === "") throw new SpecError("program", "must name a program; it is empty");
  const args = config.argv === undefined ? [program] : texts("argv", config.argv);
  if (args.length === 0) throw new SpecError("argv", "must have at least one entry, the program's own name");
  const pidNamespace = flag("enablePidNamespace", config.enablePidNamespace) ?? false;
  const spec: Spec = {
    ociVersion: OCI_VERSION,
    process: { args, env: environment(config.envp) },
    minicontainer: {
      program,
      inheritEnv: config.envp === undefined,
      stdio: [stdio("stdin", config.stdin), stdio("stdout", config.stdout), stdio("stderr", config.stderr)],
      killOnExit: flag("killOnExit", config.killOnExit) ?? pidNamespace,
      debug: flag("enableDebug", config.enableDebug),
    },
  };
  if (config.cwd !== undefined) {
    spec.process.cwd = text("cwd", config.cwd);
    if (spec.process.cwd === "") throw new SpecError("cwd", "must name a folder; it is empty");
  }
  if (pidNamespace) spec.linux = { namespaces: [{ type: "pid" }] };
  if (config.timeoutMs !== undefined) spec.minicontainer!.timeoutMs = milliseconds("timeoutMs", config.timeoutMs);
  return spec;
}

const FIELD_OF_SPEC = [
  ["process.args", "argv"],
  ["process.env", "envp"],
  ["process.cwd", "cwd"],
  ["minicontainer.stdio[0]", "stdin"],
  ["minicontainer.stdio[1]", "stdout"],
  ["minicontainer.stdio[2]", "stderr"],
  ["minicontainer.", ""],
];

/** Makes a call on the spec of a configuration; a {@linkcode SpecError} names the configuration's field. */
export function inTermsOfConfig<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const { path } = error;
    const [field, name] = FIELD_OF_SPEC.find(([field]) => path.startsWith(field)) ?? ["", ""];
    throw new SpecError(name + path.slice(field.length), error.message.slice(`${path}: `.length));
  }
}

function text(path: string, value: unknown): string {
  if (typeof value !== "string") throw new SpecError(path, `must be a string; it is ${kindOf(value)}`);
  const place = value.indexOf("\0");
  if (place !== -1) throw new SpecError(path, `must not contain a NUL character; there is one at ${place}`);
  if (!value.isWellFormed()) throw new SpecError(path, "must be well-formed; it has half of a surrogate pair");
  return value;
}

function texts(path: string, value: unknown): string[] {
  if (!Array.isArray(value)) throw new SpecError(path, `must be an array of strings; it is ${kindOf(value)}`);
  // Not `map`, which passes over holes.
  return Array.from(value, (entry, index) => text(`${path}[${index}]`, entry));
}

function flag(path: string, value: unknown): boolean | undefined {
  if (value !== undefined && typeof value !== "boolean") {
    throw new SpecError(path, `must be true or false; it is ${kindOf(value)}`);
  }
  return value;
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
  const shown = typeof value === "object" ? kindOf(value) : JSON.stringify(value);
  throw new SpecError(path, `must be "inherit", "null", "piped" or a descriptor's number; it is ${shown}`);
}

/** A hundred years: as the native side has it. */
const LONGEST_MS = 100 * 365 * 86_400_000;

function milliseconds(path: string, value: unknown): number {
  if (typeof value === "number" && value > 0 && value <= LONGEST_MS) return value;
  throw new SpecError(path, `must be a number of milliseconds above 0, at most 100 years; it is ${String(value)}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
