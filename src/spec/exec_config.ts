/** What `namespaceExec` and its kin take, and the spec that it stands for. Pure: nothing here asks the system. */

import { SpecError } from "../native/errors.ts";
import { flag, ifGiven, list, object, plain, present } from "./check.ts";
import { isolate } from "./container.ts";
import type { IsolationConfig } from "./isolation_config.ts";
import { isNew } from "./namespaces.ts";
import { programOf, runOf } from "./program.ts";
import { remember, repeatedSpec } from "./repeated.ts";
import { withTerminalStreams } from "./terminal.ts";
import type { Namespace, Spec } from "./types.ts";

/** Where a standard stream of the program comes from or goes to: a number is a descriptor of this process. */
export type Stdio = "inherit" | "null" | "piped" | number;

/** What can be run: a program and how it is isolated, or a whole spec. */
export type Runnable = NamespaceExecConfig | NamespaceSpecConfig;

/** How a program is run, whatever it is. */
export interface RunConfig {
  /** Tell on stderr what is done. */
  enableDebug?: boolean;
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
   * Bytes that it may write to the streams that are `"piped"`, together: the result has so many, and what writes more is
   * killed. Not for `namespaceSpawn`, where whoever reads decides.
   */
  outputBytes?: number;
  /**
   * The program is killed when this process ends, however that happens. Default: where it has a PID namespace. The
   * kernel forgets it when the program executes one that is set-user-ID or has file capabilities.
   */
  killOnExit?: boolean;
  /** Kills the program when aborted; not for `namespaceExecSync`. */
  signal?: AbortSignal;
}

/** What runs. */
export interface CommandConfig {
  /** What is executed: a path, or a name that is looked up in the program's PATH. */
  program: string;
  /** The arguments, the first of which the program sees as its own name; absent: `[program]`. */
  argv?: readonly string[];
  /**
   * The environment, as `NAME=value` or as an object; absent: this process's, but with a `rootfs` a short one of its
   * own; given: exactly that. Of several entries with one name the last counts.
   */
  envp?: readonly string[] | Readonly<Record<string, string>>;
  /**
   * The folder that the program starts in; absent: this process's, but with a `rootfs` `/`. A relative `program` is
   * looked for there.
   */
  cwd?: string;
}

/** A program, and how it is isolated. */
export interface NamespaceExecConfig extends CommandConfig, IsolationConfig, RunConfig {
  /** A whole spec says all that the other fields do. */
  spec?: undefined;
}

/** A whole spec, beside which only what OCI does not say may stand. */
export interface NamespaceSpecConfig extends Absent<CommandConfig & IsolationConfig>, RunConfig {
  /** OCI's `config.json`; paths in it are those that this process sees, not relative to a bundle. */
  spec: Spec;
}

/** The fields of `T`, none of which may stand there. */
export type Absent<T> = { [Field in keyof T]?: undefined };

/**
 * The spec that a configuration stands for.
 *
 * @param config as callers give it, JavaScript's unchecked ones too
 * @returns the spec, to be planned
 * @throws {SpecError} where a field is of the wrong type; `path` names it
 */
export function specFromConfig(config: Runnable): Spec {
  if (typeof config !== "object" || config === null) throw new SpecError("", "the configuration must be an object");
  if (config.spec !== undefined) return withTerminalStreams(specFromSpec(config), config);
  const repeated = repeatedSpec(config);
  if (repeated !== undefined) return repeated;
  if (isPlain(config)) return remember(config, withPidNamespace(programOf(config), config.enablePidNamespace));
  return remember(config, withTerminalStreams(isolate(programOf(config), config), config));
}

/** The fields that isolate nothing, and the one that isolates only PIDs. */
const PLAIN_FIELDS = new Set([
  ...["program", "argv", "envp", "cwd", "enableDebug", "stdin", "stdout", "stderr", "timeoutMs", "killOnExit"],
  ...["signal", "enablePidNamespace", "outputBytes"],
]);

/** Whether there is nothing to do for {@linkcode isolate}, which takes a fortieth of a plain program's start. */
function isPlain(config: NamespaceExecConfig): boolean {
  for (const field in config) {
    if (!PLAIN_FIELDS.has(field) && config[field as keyof NamespaceExecConfig] !== undefined) return false;
  }
  return true;
}

/** The same as {@linkcode isolate} makes of it. */
function withPidNamespace(spec: Spec, enable: unknown): Spec {
  const hasNamespace = flag("enablePidNamespace", enable) ?? false;
  spec.minicontainer!.killOnExit ??= hasNamespace;
  if (hasNamespace) spec.linux = { namespaces: [{ type: "pid" }] };
  return spec;
}

/** Those that may stand beside a spec. */
const RUN_FIELDS = [
  "spec",
  "enableDebug",
  "stdin",
  "stdout",
  "stderr",
  "timeoutMs",
  "killOnExit",
  "signal",
  "outputBytes",
];

/** A copy of a spec, and over it what stands beside it. */
function specFromSpec(config: NamespaceSpecConfig): Spec {
  const other = Object.entries(config).find(([field, value]) => value !== undefined && !RUN_FIELDS.includes(field));
  if (other !== undefined) throw new SpecError(other[0], "cannot stand beside spec, which says it itself");
  const spec = plain<Spec>("spec", config.spec);
  const extras = object("spec.minicontainer", spec.minicontainer ?? {});
  const run = runOf(config);
  const isStdioGiven = [config.stdin, config.stdout, config.stderr].some((stream) => stream !== undefined);
  if (!isStdioGiven && extras.stdio !== undefined) delete run.stdio;
  const namespaces = ifGiven(
    "spec.linux.namespaces",
    spec.linux?.namespaces,
    (path, value) => list(path, value, object),
  );
  const hasPidNamespace = isNew((namespaces ?? []) as unknown as Namespace[], "pid");
  return { ...spec, minicontainer: present({ killOnExit: hasPidNamespace, ...extras, ...run }) };
}
