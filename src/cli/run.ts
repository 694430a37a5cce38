/** `minicontainer [OPTIONS] PROGRAM [ARGUMENTS]…`: runs a program in the foreground. */

import { SpecError } from "../native/errors.ts";
import { exitCodeOf } from "../native/call.ts";
import { runSpec } from "../runtime/run.ts";
import type { OCI_VERSION, Spec } from "../spec/types.ts";
import { type Parsed, parseOptions, UsageError } from "./options.ts";
import { RUN_OPTIONS } from "./run_options.ts";

/** The options that need none of what makes a container, which is then not loaded. */
const PLAIN = ["pid", "env", "env-file", "clear-env", "cwd", "timeout", "no-kill-on-exit", "debug"];

/** Written out, for its module would be loaded for it alone. */
const OCI_VERSION_OF_PLAIN: typeof OCI_VERSION = "1.2.0";

/** Runs the program of a command line; its exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseOptions(RUN_OPTIONS, args);
  const spec = await specFromOptions(parsed);
  const ended = await inTermsOfOptions(parsed, () => runSpec(spec));
  // Where nothing is to be told, the library has ended this process.
  (await import("./ended.ts")).tellEnd(parsed, ended);
  return exitCodeOf(ended);
}

/**
 * The spec that options stand for.
 *
 * @throws {UsageError} where there is no program, or an option's value is wrong
 * @throws {SpecError} where options contradict each other
 */
export async function specFromOptions(parsed: Parsed): Promise<Spec> {
  if (parsed.rest.length === 0) throw new UsageError("no program given");
  const spec = programOf(parsed);
  const isPlain = parsed.text("pid") === undefined && parsed.given.every((name) => PLAIN.includes(name));
  if (!isPlain) return (await import("./isolation.ts")).isolateByOptions(spec, parsed);
  if (!parsed.flag("pid")) return spec;
  const killOnExit = spec.minicontainer?.killOnExit ?? true;
  return { ...spec, linux: { namespaces: [{ type: "pid" }] }, minicontainer: { ...spec.minicontainer, killOnExit } };
}

/** Makes a call on the spec that options stand for; a {@linkcode SpecError} names the field that they set. */
export async function inTermsOfOptions<T>(parsed: Parsed, call: () => T | Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const { inTermsOfConfig } = await import("../spec/field_names.ts");
    const { isolationFromOptions } = await import("./isolation.ts");
    const [program] = parsed.rest;
    return inTermsOfConfig({ program, ...isolationFromOptions(parsed) }, () => {
      throw error;
    });
  }
}

/** The spec of the program alone. */
function programOf(parsed: Parsed): Spec {
  const timeout = parsed.text("timeout");
  return {
    ociVersion: OCI_VERSION_OF_PLAIN,
    process: { args: parsed.rest, env: parsed.texts("env"), cwd: folder(parsed.text("cwd")) },
    minicontainer: {
      inheritEnv: !parsed.flag("clear-env"),
      envFiles: parsed.texts("env-file"),
      killOnExit: parsed.flag("no-kill-on-exit") ? false : undefined,
      timeoutMs: timeout === undefined ? undefined : milliseconds(timeout),
      debug: parsed.flag("debug"),
      foreground: true,
      // To come back to here costs a millisecond.
      exits: !parsed.flag("stats"),
    },
  };
}

function folder(cwd: string | undefined): string | undefined {
  if (cwd === "") throw new UsageError("--cwd needs a folder; it is empty");
  return cwd;
}

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time of an option's. */
export function milliseconds(time: string, option = "timeout"): number {
  const [, number, unit] = /^(\d+|\d*\.\d+)(ms|s|m|h|d)?$/.exec(time) ?? [];
  const result = Number(number) * UNIT_MS[unit ?? "s"];
  if (result > 0) return result;
  throw new UsageError(`--${option} must be a time above 0, such as 5, 0.5s, 200ms, 2m or 1h; it is ${quote(time)}`);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
