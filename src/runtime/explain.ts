/** What would be done, as data. */

import { type Runnable, specFromConfig } from "../spec/exec_config.ts";
import { inTermsOfConfig } from "../spec/field_names.ts";
import { explainSpec, type PlannedStep } from "./run.ts";

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
