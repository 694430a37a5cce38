/** Programs that are waited for. */

import { SpecError } from "../native/errors.ts";
import type { Ended } from "../native/call.ts";
import { type Runnable, specFromConfig } from "../spec/exec_config.ts";
import { inTermsOfConfig } from "../spec/field_names.ts";
import { hasTerminal } from "../spec/terminal.ts";
import type { Spec } from "../spec/types.ts";
import { endWithChanges, tellsChanges, withChangesSync } from "./changes.ts";
import { Reactor, sharedReactor } from "./reactor.ts";
import { type NamespaceExecResult, resultFromEnd } from "./result.ts";
import { authorize, runSpecSync } from "./run.ts";
import { checkSignal } from "./spawn.ts";
import { Collected, endInput, OutputLimit, readAll, readNow } from "./streams.ts";

const SIGKILL = 9;

/**
 * Runs a program, isolated as asked, and waits for its end without blocking the event loop.
 *
 * Starts through `clone(2)` in this process; a PID namespace needs CAP_SYS_ADMIN.
 * Source: clone(2), pid_namespaces(7); OCI runtime-spec 1.2 `process`.
 *
 * @param config what to run; `timeoutMs` in ms; with `stdout` or `stderr` `"piped"` the result has what was written;
 * so it has with a `terminal`, whose input is at its end at once
 * @returns how it ended: `exitStatus` (0..255) or `signal` is set, `exitCode` (0..255) always
 * @throws {SpecError} before anything is done; `path` names the field
 * @throws {SystemError} after undoing what was done; `operation`, `errno`, `step`
 * @throws the reason of `config.signal`, once the program is killed and reaped
 * @example PID 1
 * ```ts ignore
 * const { exitCode } = await namespaceExec({
 *   program: "/bin/sh",
 *   argv: ["sh", "-c", "exit 42"],
 *   enablePidNamespace: true,
 * });
 * ```
 */
export async function namespaceExec(config: Runnable): Promise<NamespaceExecResult> {
  const spec = specFromConfig(config);
  refusePipedStdin(spec);
  const { signal } = config;
  checkSignal(signal);
  signal?.throwIfAborted();
  const reactor = sharedReactor();
  const program = inTermsOfConfig(config, () => reactor.spawnToEnd(authorize(spec)));
  const { token } = program;
  const end = endWithChanges(reactor, program, spec);
  const abort = () => reactor.signal(token, SIGKILL);
  signal?.addEventListener("abort", abort);
  try {
    const piped = pipedOutputs(spec);
    const limit = new OutputLimit(config.outputBytes, abort);
    if (hasTerminal(spec)) endInput(reactor, token);
    const read = (stream: 1 | 2) => readAll(reactor, token, stream, limit);
    const [ended, ...outputs] = await Promise.all([end, ...piped.map(read)]);
    signal?.throwIfAborted();
    return withOutputs(ended, limit, (stream) => outputs[piped.indexOf(stream)]);
  } catch (error) {
    return inTermsOfConfig(config, () => {
      throw error;
    });
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * As {@linkcode namespaceExec}, but blocks this thread until the program ends, as Deno's own `…Sync` do.
 *
 * @param config what to run; `signal` must be absent
 * @returns how it ended
 * @throws {SpecError} before anything is done; `path` names the field
 * @throws {SystemError} after undoing what was done; `operation`, `errno`, `step`
 * @example Exit status
 * ```ts
 * const { exitCode } = namespaceExecSync({ program: "/bin/sh", argv: ["sh", "-c", "exit 42"] });
 * console.assert(exitCode === 42);
 * ```
 */
export function namespaceExecSync(config: Runnable): NamespaceExecResult {
  const spec = specFromConfig(config);
  refusePipedStdin(spec);
  if (config.signal !== undefined) {
    throw new SpecError("signal", "cannot abort a call that blocks the thread; use timeoutMs, or namespaceExec");
  }
  const piped = pipedOutputs(spec);
  return inTermsOfConfig(
    config,
    () =>
      piped.length > 0 || tellsChanges(spec)
        ? captureSync(authorize(spec), piped, config.outputBytes)
        : resultFromEnd(runSpecSync(spec)),
  );
}

/**
 * Does what is left to do after a program has ended: nothing, for nothing is. It exists for those who come from the C
 * interface, where a result has to be given back.
 *
 * @param _result what `namespaceExec` returned
 */
export function namespaceCleanup(_result: NamespaceExecResult) {}

/** One that no other thread waits in, so that this one may. */
let reactorForSync: Reactor | undefined;

function captureSync(spec: Spec, piped: (1 | 2)[], outputBytes?: number): NamespaceExecResult {
  const reactor = reactorForSync ??= new Reactor();
  let running = 0;
  const limit = new OutputLimit(outputBytes, () => reactor.signal(running, SIGKILL));
  const outputs = new Map(piped.map((stream) => [stream, new Collected(limit)]));
  const open = new Set(piped);
  let hasInput = hasTerminal(spec);
  const ended = reactor.runSync(spec, (token) => {
    running = token;
    if (hasInput) endInput(reactor, token);
    hasInput = false;
    for (const [stream, collected] of outputs) {
      if (open.has(stream) && readNow(reactor, token, stream, collected)) open.delete(stream);
    }
    return open.size === 0;
  });
  const told = tellsChanges(spec) ? withChangesSync(reactor, running, ended) : ended;
  return withOutputs(told, limit, (stream) => outputs.get(stream)?.bytes());
}

function pipedOutputs({ minicontainer }: Spec): (1 | 2)[] {
  const piped: (1 | 2)[] = [];
  const stdio = minicontainer?.stdio;
  if (stdio?.[1] === "piped") piped.push(1);
  if (stdio?.[2] === "piped") piped.push(2);
  return piped;
}

function withOutputs(
  ended: Ended,
  limit: OutputLimit,
  output: (stream: 1 | 2) => Uint8Array<ArrayBuffer> | undefined,
): NamespaceExecResult {
  const [stdout, stderr] = [output(1), output(2)];
  const result = resultFromEnd(ended);
  const wasKilledFor = limit.isExceeded && result.signal?.number === SIGKILL && result.endedBy === null;
  return {
    ...result,
    ...(wasKilledFor && { endedBy: "output" as const }),
    ...(stdout && { stdout }),
    ...(stderr && { stderr }),
  };
}

function refusePipedStdin(spec: Spec) {
  if (spec.minicontainer?.stdio?.[0] === "piped" && !hasTerminal(spec)) {
    throw new SpecError("stdin", 'cannot be "piped" where nobody can write to it; use namespaceSpawn');
  }
}
