/** What would be done, as data. */

import { callForJson, encodeSpec } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { explainSymbols } from "../native/symbols.ts";
import { type Runnable, specFromConfig } from "../spec/exec_config.ts";
import { inTermsOfConfig } from "../spec/field_names.ts";
import type { Spec } from "../spec/types.ts";

/** One step of a plan. */
export interface PlannedStep {
  /** Who does it: this process, or the child that becomes the program. */
  side: "parent" | "child";
  /** The system call. */
  syscall: string;
  /** Its arguments, as strace would show them. */
  arguments: string[];
  /** What it is for. */
  why: string;
  /** Where the kernel's promise stands, as in `clone(2)`. */
  manPage: string;
}

/**
 * What running `config` would do, step by step; nothing of it is done.
 *
 * @param config what would be run
 * @returns the steps in order
 * @throws {SpecError} where the configuration could not be run; `path` names the field
 * @example The system calls
 * ```ts
 * const steps = explain({ program: "/bin/true", enablePidNamespace: true });
 * console.assert(steps.some(({ syscall }) => syscall === "clone"));
 * console.assert(steps.some(({ side, syscall }) => side === "child" && syscall === "execve"));
 * ```
 */
export function explain(config: Runnable): PlannedStep[] {
  const spec = specFromConfig(config);
  return inTermsOfConfig(config, () => explainSpec(spec));
}

/** As {@linkcode explain}, of a spec. */
export function explainSpec(spec: Spec): PlannedStep[] {
  const { minicontainer_explain } = openLibrary(explainSymbols);
  const bytes = encodeSpec(spec);
  return callForJson((record, length) => minicontainer_explain(bytes, bytes.byteLength, record, length));
}
