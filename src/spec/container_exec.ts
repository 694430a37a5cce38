/** A further program in a container: what callers give, and the spec that it stands for. Pure. */

import { SpecError } from "../native/errors.ts";
import { flag, ifGiven, list, name, plain, present, texts, whole } from "./check.ts";
import type { CommandConfig, RunConfig } from "./exec_config.ts";
import type { TerminalSize } from "./isolation_config.ts";
import { programOf, runOf } from "./program.ts";
import { terminalSize, withTerminalStreams } from "./terminal.ts";
import { OCI_VERSION, type Process, type Spec } from "./types.ts";

/** A further program in a container. What is absent is as the container's own program has it. */
export type ContainerExecConfig = ContainerProgramConfig | ContainerProcessConfig;

/** What any of them may have. */
export interface CommonExecConfig extends RunConfig {
  /** Do so in a paused container as well, where the program waits until that goes on. */
  ignorePaused?: boolean;
}

/** A program, and what differs from the container's own. */
export interface ContainerProgramConfig extends CommandConfig, CommonExecConfig {
  /** `USER[:GROUP]`, names of the container's or numbers. */
  user?: string;
  /** Groups beside those that it would have. */
  additionalGids?: readonly number[];
  /** Capabilities beside those that the container's program has. */
  capAdd?: readonly string[];
  /** It gains no privileges by executing others. */
  noNewPrivileges?: boolean;
  /** It gets a terminal of its own; its streams are that then, `stdin` and `stdout` of what this returns. */
  terminal?: boolean | TerminalSize;
  /** A whole process says all that the other fields do. */
  process?: undefined;
}

/** A whole process, with nothing of the container's own program's. */
export interface ContainerProcessConfig extends CommonExecConfig {
  /** OCI's `process`. */
  process: Process;
}

/** What of a container's program is handed on to another one in it. */
export interface ExecExtras {
  /** `process` says only what differs. */
  asItsProgram: boolean;
  capabilities?: string[];
  additionalGids?: number[];
}

const LARGEST_ID = 2 ** 32 - 2;

/** @throws {SpecError} where a field is wrong; `path` names it */
export function specOfExec(config: ContainerExecConfig): { spec: Spec; extras: ExecExtras } {
  if (typeof config !== "object" || config === null) throw new SpecError("", "the configuration must be an object");
  if (config.process !== undefined) {
    const process = plain<Process>("process", config.process);
    const spec = { ociVersion: OCI_VERSION, process, minicontainer: runOf(config) };
    return { spec: withTerminalStreams(spec, config), extras: { asItsProgram: false } };
  }
  const { process, minicontainer } = programOf(config);
  const size = typeof config.terminal === "object" ? terminalSize("terminal", config.terminal) : undefined;
  const terminal = size !== undefined || flag("terminal", config.terminal);
  const spec: Spec = {
    ociVersion: OCI_VERSION,
    process: present({
      ...process,
      terminal,
      consoleSize: size && { height: size.rows, width: size.columns },
      noNewPrivileges: flag("noNewPrivileges", config.noNewPrivileges),
    }),
    minicontainer: present({
      ...minicontainer,
      // The container's environment, and not this process's, is what variables are laid over.
      inheritEnv: false,
      runAs: ifGiven("user", config.user, (path, value) => name(path, value, "a user")),
    }),
  };
  const extras = present({
    asItsProgram: true,
    capabilities: ifGiven("capAdd", config.capAdd, texts),
    additionalGids: ifGiven("additionalGids", config.additionalGids, gids),
  });
  return { spec: withTerminalStreams(spec, config), extras };
}

function gids(path: string, value: unknown): number[] {
  return list(path, value, (each, gid) => whole(each, gid, 0, LARGEST_ID));
}
