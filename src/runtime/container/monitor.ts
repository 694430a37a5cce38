/** What a container's monitor is told, and the command that it executes in the end. */

import { UnsupportedError } from "../../native/errors.ts";
import { callLifeHere } from "../../native/life.ts";
import { present } from "../../spec/check.ts";
import { type Making, type MonitorConfig, type Monitored, monitored } from "../../spec/monitor.ts";
import type { KeptState } from "../../spec/state.ts";
import { hasTerminal } from "../../spec/terminal.ts";
import type { Spec } from "../../spec/types.ts";
import type { Place } from "./store.ts";

/** What is kept of a container that is to have a monitor. */
export function newMonitored(config: true | MonitorConfig, spec: Partial<Spec>, options: Making): Monitored {
  const { noPivot, noNewKeyring, cgroupManager } = options;
  const making = present({ noPivot, noNewKeyring, cgroupManager });
  const terminal = hasTerminal({ process: { args: [] }, ...spec } as Spec);
  return { ...monitored(config, terminal, crypto.randomUUID()), making };
}

/** A monitor in the library's words. */
export function monitorOf({ root, id }: Place, state: KeptState, module?: string): unknown {
  if (state.monitor === undefined) return undefined;
  const { token, logBytes, logs, hasStdin } = state.monitor;
  const command = [...ownCommand(module), "--root", root, "settle", id, token];
  return { logBytes, logs, hasStdin, command };
}

/** The words that start our command, by absolute paths and with what Deno needs of the environment: a monitor has none. */
function ownCommand(module?: string): string[] {
  if (Deno.build.standalone) {
    if (module !== undefined) return [Deno.execPath()];
    throw new UnsupportedError("monitor", "needs the files of the module, which a compiled program has inside");
  }
  const { variables } = callLifeHere<{ variables: string[] }>("environment", { names: ["DENO_DIR", "HOME"] });
  const flags = ["--no-prompt", "--quiet", "--no-config", "--no-lock", "--allow-ffi", "--allow-run"];
  // The package of npm has it in JavaScript.
  const [suffix] = /\.\w+$/.exec(import.meta.url) ?? [".ts"];
  const start = module ?? new URL(`../../../bin${suffix}`, import.meta.url).href;
  return ["/usr/bin/env", ...variables, "DENO_NO_UPDATE_CHECK=1", Deno.execPath(), "run", ...flags, start];
}
