/** `minicontainer [OPTIONS] PROGRAM [ARGUMENTS]…`: runs a program in the foreground. */

import { exitCodeOf } from "../native/record.ts";
import { runSpec } from "../runtime/run.ts";
import { OCI_VERSION, type Spec } from "../spec/types.ts";
import { type Parsed, parseOptions, RUN_OPTIONS, UsageError } from "./options.ts";

/** Runs the program of a command line; its exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseOptions(RUN_OPTIONS, args);
  const ended = await runSpec(specFromOptions(parsed));
  if (ended.outOfTime) {
    const { say } = await import("./report.ts");
    say(`the program was killed: its time was up (--timeout ${parsed.text("timeout")})`);
  }
  return exitCodeOf(ended);
}

/**
 * The spec that options stand for.
 *
 * @throws {UsageError} where there is no program, or an option's value is wrong
 */
export function specFromOptions(parsed: Parsed): Spec {
  if (parsed.rest.length === 0) throw new UsageError("no program given");
  const pidNamespace = parsed.flag("pid");
  const timeout = parsed.text("timeout");
  return {
    ociVersion: OCI_VERSION,
    process: { args: parsed.rest, env: parsed.texts("env"), cwd: folder(parsed.text("cwd")) },
    linux: pidNamespace ? { namespaces: [{ type: "pid" }] } : undefined,
    minicontainer: {
      inheritEnv: !parsed.flag("clear-env"),
      envFiles: parsed.texts("env-file"),
      killOnExit: pidNamespace && !parsed.flag("no-kill-on-exit"),
      timeoutMs: timeout === undefined ? undefined : milliseconds(timeout),
      debug: parsed.flag("debug"),
      foreground: true,
    },
  };
}

function folder(cwd: string | undefined): string | undefined {
  if (cwd === "") throw new UsageError("--cwd needs a folder; it is empty");
  return cwd;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function milliseconds(time: string): number {
  const [, number, unit] = /^(\d+|\d*\.\d+)(ms|s|m|h|d)?$/.exec(time) ?? [];
  const result = Number(number) * UNIT_MS[unit ?? "s"];
  if (result > 0) return result;
  throw new UsageError(`--timeout must be a time above 0, such as 5, 0.5s, 200ms, 2m or 1h; it is ${quote(time)}`);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
