/** Programs that run beside this one. */

import { SpecError, StateError } from "../native/errors.ts";
import { type Runnable, specFromConfig } from "../spec/exec_config.ts";
import { inTermsOfConfig } from "../spec/field_names.ts";
import type { TerminalSize } from "../spec/isolation_config.ts";
import type { Limits } from "../spec/resources.ts";
import type { ContainerStats } from "../spec/stats.ts";
import { hasTerminal, terminalSize } from "../spec/terminal.ts";
import type { Spec } from "../spec/types.ts";
import { Cgroup, type CgroupEvent, hasCgroup } from "./cgroup.ts";
import { Notifications, type SeccompNotification } from "./notifications.ts";
import { endWithChanges } from "./changes.ts";
import { authorize } from "./run.ts";
import { type Program, type Reactor, sharedReactor } from "./reactor.ts";
import { type NamespaceExecResult, resultFromEnd } from "./result.ts";
import { signalNumber } from "./signals.ts";
import { readableStream, readAll, writableStream } from "./streams.ts";

/** A {@linkcode NamespaceExecResult} with all that the program wrote. */
export interface NamespaceOutput extends NamespaceExecResult {
  /** What it wrote to stdout. */
  stdout: Uint8Array<ArrayBuffer>;
  /** What it wrote to stderr. */
  stderr: Uint8Array<ArrayBuffer>;
}

const SIGKILL = 9;

/**
 * A program that runs, as `Deno.ChildProcess` is one.
 *
 * @example Killed at the end of the block, if it has not ended by then
 * ```ts ignore
 * await using program = namespaceSpawn({ program: "sleep", argv: ["sleep", "60"], enablePidNamespace: true });
 * ```
 */
export class NamespaceProcess implements AsyncDisposable {
  /** The program's number as the host sees it. */
  readonly pid: number;
  /** What it was to have and could not be had in full, a sentence each; mostly none. */
  readonly degraded: readonly string[];
  /** How it ended, once it has. */
  readonly status: Promise<NamespaceExecResult>;
  readonly #reactor: Reactor;
  readonly #token: number;
  readonly #stdin?: WritableStream<Uint8Array<ArrayBuffer>>;
  readonly #stdout?: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #stderr?: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #hasTerminal: boolean;
  readonly #notifications?: Notifications;
  readonly #cgroup?: Cgroup;
  #hasEnded = false;

  /** @ignore Made by {@linkcode namespaceSpawn}. */
  constructor(reactor: Reactor, program: Program, spec: Spec, signal?: AbortSignal) {
    this.pid = program.pid;
    this.degraded = program.degraded;
    this.#reactor = reactor;
    this.#token = program.token;
    const [stdin, stdout, stderr] = spec.minicontainer?.stdio ?? [];
    this.#hasTerminal = hasTerminal(spec);
    if (stdin === "piped") this.#stdin = writableStream(reactor, program, this.#hasTerminal);
    if (stdout === "piped") this.#stdout = readableStream(reactor, program, 1);
    if (stderr === "piped") this.#stderr = readableStream(reactor, program, 2);
    if (program.asks) {
      const notifications = this.#notifications = new Notifications(reactor, program.token);
      const close = () => notifications.close();
      program.end.then(close, close);
    }
    if (hasCgroup(spec)) this.#cgroup = new Cgroup(reactor, program);
    const abort = () => reactor.signal(program.token, SIGKILL);
    signal?.addEventListener("abort", abort);
    this.status = endWithChanges(reactor, program, spec).then((ended) => {
      this.#hasEnded = true;
      signal?.removeEventListener("abort", abort);
      return resultFromEnd(ended);
    });
  }

  /** Its input, or what is typed on its terminal. @throws {TypeError} where `stdin` was not `"piped"` */
  get stdin(): WritableStream<Uint8Array<ArrayBuffer>> {
    return piped("stdin", this.#stdin);
  }

  /** Its output, or what its terminal shows. @throws {TypeError} where `stdout` was not `"piped"` */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return piped("stdout", this.#stdout);
  }

  /** Its error output. @throws {TypeError} where `stderr` was not `"piped"` */
  get stderr(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return piped("stderr", this.#stderr);
  }

  /**
   * Its system calls that wait for an answer, in their order, where its filter has `SCMP_ACT_NOTIFY`: `allow()`,
   * `deny()` or `succeed()` each; what is not answered when the next one is asked for is denied with EPERM.
   *
   * They can be gone through once, until the program ends or the loop is left: then the calls that wait, and all later
   * ones of what the program has left running, fail with ENOSYS. They do so, too, where this property is not read in the
   * turn of the event loop that starts the program: nobody would answer.
   *
   * @throws {TypeError} where the filter asks about nothing
   * @throws {StateError} where it is read for the first time after that turn
   * @example Let the program believe that it has made a folder
   * ```ts
   * const names = ["mkdir", "mkdirat"];
   * const syscalls = [{ names, action: "SCMP_ACT_NOTIFY" as const }];
   * await using program = namespaceSpawn({
   *   program: "mkdir",
   *   argv: ["mkdir", "/no-such/folder"],
   *   noNewPrivileges: true,
   *   seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls },
   * });
   * for await (const call of program.notifications) {
   *   console.assert(call.readString(call.syscall === "mkdir" ? 0 : 1) === "/no-such/folder");
   *   call.succeed();
   * }
   * console.assert((await program.status).exitCode === 0);
   * ```
   */
  get notifications(): AsyncIterableIterator<SeccompNotification> {
    if (this.#notifications === undefined) {
      throw new TypeError("Cannot get 'notifications': no rule of the filter has the action SCMP_ACT_NOTIFY");
    }
    this.#notifications.claim();
    return this.#notifications.calls;
  }

  /**
   * Waits for its end, and for all that it writes to the streams that are `"piped"`; a piped stdin that is not being
   * written to is closed.
   *
   * @throws {TypeError} where a piped stream is being read already
   */
  async output(): Promise<NamespaceOutput> {
    if (this.#stdin !== undefined && !this.#stdin.locked) await this.#stdin.close().catch(() => {});
    const [result, stdout, stderr] = await Promise.all([
      this.status,
      this.#all(1, this.#stdout),
      this.#all(2, this.#stderr),
    ]);
    return { ...result, stdout, stderr };
  }

  /**
   * Sends it a signal. One that PID 1 of a namespace has no handler for, and that the kernel would drop, does what it
   * would have done to any other program.
   *
   * @param signal a name or a number; default `"SIGTERM"`
   * @throws {StateError} where it has ended
   * @throws {SpecError} where there is no such signal
   */
  kill(signal: string | number = "SIGTERM") {
    const number = signalNumber(signal);
    if (this.#hasEnded || !this.#reactor.signal(this.#token, number)) {
      throw new StateError(`cannot send ${signal} to process ${this.pid}: it has ended`, "running", "ended");
    }
  }

  /**
   * Sets the size of its terminal, of which its foreground learns by SIGWINCH; where it has ended, nothing happens.
   *
   * @param size in characters
   * @throws {TypeError} where it has no terminal
   * @throws {SpecError} where that is no size
   */
  resize(size: TerminalSize) {
    const { rows, columns } = terminalSize("size", size);
    if (!this.#hasTerminal) throw new TypeError("Cannot resize: the program has no 'terminal'");
    this.#reactor.resize(this.#token, rows, columns);
  }

  /** Lets the event loop go on for as long as it runs: so from the start. */
  ref() {
    this.#reactor.setReferenced(this.#token, true);
  }

  /** Lets this process end before it does. */
  unref() {
    this.#reactor.setReferenced(this.#token, false);
  }

  /**
   * What it and all that it started use, now and so far; with `intervalMs` again and again, as long as it runs.
   *
   * @param options `intervalMs` in ms, above 0
   * @throws {TypeError} where it was started without `limits`
   * @throws {StateError} where it has ended
   * @example As long as it runs
   * ```ts ignore
   * for await (const { memory } of program.stats({ intervalMs: 1000 })) console.log(memory?.currentBytes);
   * ```
   */
  stats(): Promise<ContainerStats>;
  /** As long as it runs. */
  stats(options: { intervalMs: number }): AsyncIterableIterator<ContainerStats>;
  stats(options?: { intervalMs: number }): Promise<ContainerStats> | AsyncIterableIterator<ContainerStats> {
    return options === undefined ? this.#limited.stats() : this.#limited.statsEvery(options.intervalMs);
  }

  /**
   * Changes limits while it runs: those that are given, and no others.
   *
   * @param limits as in the configuration; nothing that says where its cgroup is
   * @throws {TypeError} where it was started without `limits`
   * @throws {SpecError} where that is no limit
   * @throws {UnsupportedError} where its cgroup lacks the controller
   * @throws {SystemError} where the kernel refuses
   * @throws {StateError} where it has ended
   */
  async update(limits: Limits) {
    await this.#limited.update(limits);
  }

  /**
   * Stops it and all that it started, and comes back when all stand still. @throws as {@linkcode NamespaceProcess.update}
   */
  async pause() {
    await this.#limited.pause();
  }

  /** Lets it go on. @throws as {@linkcode NamespaceProcess.update} */
  async resume() {
    await this.#limited.resume();
  }

  /**
   * What happens to it: a process of it was killed because memory was out, all of it was stopped, it goes on, it ended,
   * which is the last.
   *
   * @throws {TypeError} where it was started without `limits`
   */
  events(): AsyncIterableIterator<CgroupEvent> {
    return this.#limited.events();
  }

  get #limited(): Cgroup {
    if (this.#cgroup === undefined) throw new TypeError("Cannot look at its cgroup: it was started without 'limits'");
    return this.#cgroup;
  }

  /** Kills it, if it has not ended, and closes its streams. */
  async [Symbol.asyncDispose]() {
    if (!this.#hasEnded) this.#reactor.signal(this.#token, SIGKILL);
    this.ref();
    await this.status;
    for (const stream of [0, 1, 2]) this.#reactor.close(this.#token, stream);
  }

  #all(stream: 1 | 2, readable?: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Uint8Array<ArrayBuffer>> {
    if (readable === undefined) return Promise.resolve(new Uint8Array());
    // Holds the stream, as reading it would.
    readable.getReader();
    return readAll(this.#reactor, this.#token, stream);
  }
}

/**
 * Starts a program, isolated as asked, and returns at once.
 *
 * It is started by `clone(2)` in this process and has been executed when this returns.
 *
 * @param config what to run; see {@linkcode NamespaceExecConfig}
 * @returns the running program; dispose of it, or await its `status`
 * @throws {SpecError} before anything is done; `path` names the field
 * @throws {SystemError} after undoing what was done; `operation`, `errno`, `step`
 * @example Talk to a program
 * ```ts
 * const program = namespaceSpawn({ program: "cat", stdin: "piped", stdout: "piped" });
 * const writer = program.stdin.getWriter();
 * await writer.write(new TextEncoder().encode("hello"));
 * await writer.close();
 * const { stdout } = await program.output();
 * console.assert(new TextDecoder().decode(stdout) === "hello");
 * ```
 */
export function namespaceSpawn(config: Runnable): NamespaceProcess {
  const spec = specFromConfig(config);
  checkSignal(config.signal);
  config.signal?.throwIfAborted();
  const reactor = sharedReactor();
  const program = inTermsOfConfig(config, () => reactor.spawn(authorize(spec), true));
  return new NamespaceProcess(reactor, program, spec, config.signal);
}

/** @throws {SpecError} where `signal` is given and no AbortSignal */
export function checkSignal(signal: unknown) {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new SpecError("signal", `must be an AbortSignal; it is a ${typeof signal}`);
  }
}

function piped<T>(name: string, stream: T | undefined): T {
  if (stream === undefined) throw new TypeError(`Cannot get '${name}': '${name}' is not piped`);
  return stream;
}
