/** A program's own terminal, as the library has it. */

import { SpecError } from "../native/errors.ts";
import { object, whole } from "./check.ts";
import type { RunConfig } from "./exec_config.ts";
import type { TerminalSize } from "./isolation_config.ts";
import type { Spec } from "./types.ts";

/** What the kernel keeps of a size has 16 bits. */
const LARGEST_SIZE = 65535;

/** Whether a spec's program gets a terminal, whatever this process's own streams are. */
export function hasTerminal({ process, minicontainer }: Spec): boolean {
  return process.terminal === true || minicontainer?.tty === "always";
}

/**
 * A spec whose program's streams are its terminal, where it has one: what is written to it and what it shows, as two
 * pipes would be.
 *
 * @throws {SpecError} where `config` wants a stream to be something else
 */
export function withTerminalStreams(spec: Spec, config: RunConfig): Spec {
  if (!hasTerminal(spec)) return spec;
  for (const stream of ["stdin", "stdout", "stderr"] as const) {
    const isTerminals = config[stream] === undefined || (config[stream] === "piped" && stream !== "stderr");
    if (!isTerminals) throw new SpecError(stream, "cannot be set where the program has a terminal, which it then is");
  }
  return { ...spec, minicontainer: { ...spec.minicontainer, stdio: ["piped", "piped", "inherit"] } };
}

/** @throws {SpecError} where `value` is no size of a terminal */
export function terminalSize(path: string, value: unknown): TerminalSize {
  const { rows, columns } = object(path, value);
  return {
    rows: whole(`${path}.rows`, rows, 1, LARGEST_SIZE),
    columns: whole(`${path}.columns`, columns, 1, LARGEST_SIZE),
  };
}
