/**
 * Many programs, one wait. SIGCHLD says that one has ended, and which, the library's epoll knows; while somebody waits
 * for a pipe, one nonblocking call waits for all pipes at once. So at most one thread of Deno's pool is ever taken, and
 * none for programs without pipes.
 *
 * What keeps the event loop alive is a timer (a signal listener does not) and that call; for the pipes of programs that
 * shall not keep it alive a timer that does not either takes the call's place.
 */

import { callForJson, callForRecord, encodeForCall, type Ended, readRecords, type Told } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { adoptSymbols, reactorSymbols } from "../native/symbols.ts";
import type { Spec } from "../spec/types.ts";

/** The least of what errno(3) names that is needed here; the same on every Linux that the library is built for. */
const EBADF = 9;
const EAGAIN = 11;
const EPIPE = 32;

/** Room for a thousand ends; what does not fit comes with the next call. */
const EVENT_BYTES = 64 * 1024;

/** Should something else in this process take SIGCHLD's handler away, ends are told as late as this. */
const HEARTBEAT_MS = 1000;

/** How often pipes are looked at that must not keep the event loop alive. */
const UNREFERENCED_PIPES_MS = 10;

/** The latest that a timer can be set to. */
const LATEST_TIMER_MS = 2 ** 31 - 1;

/** What is waited for, as `ENDS` and `PIPES` in `rust/runtime/src/reactor.rs`. */
const ENDS = 1;
const PIPES = 2;

/** The number by which a program's listener stands among its streams, as in `rust/runtime/src/reactor.rs`. */
export const LISTENER = 5;

/** And what tells of its cgroup. */
export const CGROUP = 6;

type Timer = ReturnType<typeof setInterval>;
type Library = ReturnType<typeof openLibrary<typeof reactorSymbols>>;

/** What a program's owner holds. */
export interface Program {
  /** Names it in the reactor's calls. */
  readonly token: number;
  /** Its number as the host sees it. */
  readonly pid: number;
  /** Its end. */
  readonly end: Promise<Ended>;
  /** Whether its filter asks about calls. */
  readonly asks: boolean;
  /** What could not be had in full, a sentence each. */
  readonly degraded: readonly string[];
}

type Started = Omit<Program, "token" | "end">;

/** A program that the reactor tells of. */
interface Watched {
  isReferenced: boolean;
  hasEnded: boolean;
  end: PromiseWithResolvers<Ended>;
  /** After how long the library kills it. */
  timeoutMs?: number;
  /** Has the library look whether the program's time is up. */
  timer?: Timer;
  /** The streams that are pipes and not closed, the listener among them, and who waits until one is ready. */
  streams: Map<number, PromiseWithResolvers<void> | undefined>;
}

/** Programs that are waited for together. */
export class Reactor {
  readonly #library: Library = openLibrary(reactorSymbols);
  /** Names this reactor in the library's calls. */
  readonly number: number;
  readonly #programs = new Map<number, Watched>();
  /** What the call on another thread writes to. */
  readonly #pipeEvents: Uint8Array<ArrayBuffer> = new Uint8Array(EVENT_BYTES);
  /** What calls on this thread write to. */
  readonly #events: Uint8Array<ArrayBuffer> = new Uint8Array(EVENT_BYTES);
  #nextToken = 1;
  #running = 0;
  #referenced = 0;
  #waitsForPipes = false;
  #isInPipeWait = false;
  #isListening = false;
  #heartbeat?: Timer;
  #pipeTimer?: Timer;
  /** How many pipes are waited for, of programs that keep the event loop alive and of others. */
  readonly #waitingForPipes = { referenced: 0, unreferenced: 0 };

  constructor() {
    this.number = callForJson<number>((record, length) => this.#library.minicontainer_open(record, length));
  }

  /**
   * Starts a program, and tells of its end once it has come.
   *
   * @param answers whether the caller answers the calls that its filter asks about
   */
  spawn(spec: Spec, answers = false): Program {
    const { token, watched } = this.#watch(spec);
    const start = () => this.#start(token, spec, this.#library.minicontainer_start, answers);
    return { token, end: watched.end.promise, ...this.#startWatched(token, watched, start) };
  }

  /**
   * As {@linkcode spawn}, where nobody asks for the PID. A container takes a millisecond to start, so where others are
   * under way another thread does it; for one alone the way there and back would only be longer. That it could not be
   * started is told by `end`.
   */
  spawnToEnd(spec: Spec): Pick<Program, "token" | "end"> {
    if (spec.root === undefined || this.#running === 0) return this.spawn(spec);
    const { token, watched } = this.#watch(spec);
    this.#startWatched(
      token,
      watched,
      () => this.#start(token, spec, this.#library.minicontainer_start_elsewhere, false),
    );
    return { token, end: watched.end.promise };
  }

  /** Tells of the end of a container's process that this process has made; it does not keep the event loop alive. */
  adopt(pid: number): Program {
    const { token, watched } = this.#watch({});
    watched.isReferenced = false;
    const { minicontainer_adopt } = openLibrary(adoptSymbols);
    const adopt = () =>
      startedIn(callForRecord((record, length) => minicontainer_adopt(this.number, token, pid, record, length)));
    return { token, end: watched.end.promise, ...this.#startWatched(token, watched, adopt) };
  }

  #watch(spec: Pick<Spec, "minicontainer">) {
    const token = this.#nextToken++;
    const watched: Watched = {
      isReferenced: true,
      hasEnded: false,
      end: Promise.withResolvers<Ended>(),
      timeoutMs: spec.minicontainer?.timeoutMs,
      streams: new Map(),
    };
    spec.minicontainer?.stdio?.forEach((source, stream) => {
      if (source === "piped") watched.streams.set(stream, undefined);
    });
    return { token, watched };
  }

  #startWatched(token: number, watched: Watched, start: () => Started): Started {
    const started = start();
    this.#programs.set(token, watched);
    if (started.asks) watched.streams.set(LISTENER, undefined);
    if (started.pid !== 0) this.#setTimer(watched);
    this.#count(1, watched.isReferenced ? 1 : 0);
    return started;
  }

  #setTimer(watched: Watched) {
    if (watched.timeoutMs === undefined) return;
    // Later by one, for the library's own timer to have rung.
    watched.timer = setTimeout(this.#collect, Math.min(Math.ceil(watched.timeoutMs) + 1, LATEST_TIMER_MS));
  }

  /**
   * Runs a program to its end on this thread.
   *
   * @param readPipes is called whenever there may be something to read; true once all pipes are at their ends
   */
  runSync(spec: Spec, readPipes: (token: number) => boolean): Ended {
    const token = this.#nextToken++;
    this.#start(token, spec, this.#library.minicontainer_start, false);
    let ended: Ended | undefined;
    while (!readPipes(token) || ended === undefined) {
      for (const { token: toldOf, told } of this.#waitHere(ENDS | PIPES, -1)) {
        if (told.kind === "failed") throw told.error;
        if (told.kind === "ended" && toldOf === token) ended = told;
      }
    }
    return ended;
  }

  /** Sends a program a signal; false where it has ended. */
  signal(token: number, signal: number): boolean {
    return this.#library.minicontainer_signal(this.number, token, signal) === 0;
  }

  /** Sets the size of a program's terminal. */
  resize(token: number, rows: number, columns: number) {
    this.#library.minicontainer_resize(this.number, token, rows, columns);
  }

  /** Whether the program keeps the event loop alive. */
  setReferenced(token: number, isReferenced: boolean) {
    const watched = this.#programs.get(token);
    if (watched === undefined || watched.hasEnded || watched.isReferenced === isReferenced) return;
    const waiting = [...watched.streams.values()].filter((waiter) => waiter !== undefined).length;
    this.#countPipes(watched, -waiting);
    watched.isReferenced = isReferenced;
    this.#countPipes(watched, waiting);
    if (watched.timer !== undefined) (isReferenced ? Deno.refTimer : Deno.unrefTimer)(watched.timer);
    this.#count(0, isReferenced ? 1 : -1);
  }

  /**
   * Reads once from a program's stdout (1) or stderr (2).
   *
   * @returns the bytes read, 0 at the end or where the stream is closed, or `undefined` where nothing is there yet
   */
  tryRead(token: number, stream: 1 | 2, buffer: Uint8Array<ArrayBuffer>): number | undefined {
    const result = this.#library.minicontainer_read(this.number, token, stream, buffer, buffer.byteLength);
    return result === -EBADF ? 0 : transferred(result);
  }

  /**
   * Writes once to a program's stdin.
   *
   * @returns the bytes taken, or `undefined` where none can be yet
   * @throws {Deno.errors.BrokenPipe} where the program has closed it
   */
  tryWrite(token: number, bytes: Uint8Array<ArrayBuffer>): number | undefined {
    return transferred(this.#library.minicontainer_write(this.number, token, bytes, bytes.byteLength));
  }

  /** Waits until a stream that could not be read or written can be. */
  ready(token: number, stream: number): Promise<void> {
    const watched = this.#programs.get(token);
    if (!watched?.streams.has(stream)) return Promise.resolve();
    let waiting = watched.streams.get(stream);
    if (waiting === undefined) {
      waiting = Promise.withResolvers<void>();
      watched.streams.set(stream, waiting);
      this.#countPipes(watched, 1);
    }
    return waiting.promise;
  }

  /** Lets what tells of a program's cgroup be waited for; false where the program has ended. */
  watchCgroup(token: number): boolean {
    const watched = this.#programs.get(token);
    if (watched === undefined || watched.hasEnded) return false;
    if (!watched.streams.has(CGROUP)) watched.streams.set(CGROUP, undefined);
    return true;
  }

  /** Closes our end of a program's stream, or its listener. */
  close(token: number, stream: number) {
    this.#library.minicontainer_close(this.number, token, stream);
    const watched = this.#programs.get(token);
    if (watched === undefined) return;
    this.#wakeWaiter(watched, stream);
    watched.streams.delete(stream);
    this.#forgetIfDone(token, watched);
  }

  #start(token: number, spec: Spec, call: Library["minicontainer_start"], answers: boolean): Started {
    const { bytes, length } = encodeForCall(spec);
    return startedIn(
      callForRecord((record, room) => call(this.number, token, answers, bytes, length, record, room)),
    );
  }

  /** Counts programs in and out, and listens for as long as there are any. */
  #count(running: number, referenced: number) {
    this.#running += running;
    this.#referenced += referenced;
    // A listener does not keep the event loop alive, a timer does.
    if (this.#referenced > 0) {
      this.#heartbeat ??= setInterval(this.#collect, HEARTBEAT_MS);
    } else {
      clearInterval(this.#heartbeat);
      this.#heartbeat = undefined;
    }
    if (this.#isListening === this.#running > 0) return;
    this.#isListening = !this.#isListening;
    if (this.#isListening) {
      Deno.addSignalListener("SIGCHLD", this.#collect);
      // The program runs already, beside this: its end may have gone by unheard.
      this.#collect();
    } else {
      Deno.removeSignalListener("SIGCHLD", this.#collect);
    }
  }

  readonly #collect = () => {
    // One signal may stand for many ends, and one call tells of some of them.
    for (let told = this.#waitHere(ENDS, 0); told.length > 0; told = this.#waitHere(ENDS, 0)) {
      for (const each of told) this.#tell(each.token, each.told);
    }
  };

  readonly #collectPipes = () => {
    for (const { token, told } of this.#waitHere(PIPES, 0)) this.#tell(token, told);
  };

  #waitHere(sources: number, timeoutMs: number) {
    const length = this.#library.minicontainer_wait(this.number, sources, timeoutMs, this.#events, EVENT_BYTES);
    return readRecords(this.#events, length);
  }

  /** Counts who waits for a program's pipes in and out, and waits for as long as there are any. */
  #countPipes({ isReferenced }: Watched, waiting: number) {
    this.#waitingForPipes[isReferenced ? "referenced" : "unreferenced"] += waiting;
    const { referenced, unreferenced } = this.#waitingForPipes;
    if (referenced > 0) this.#waitForPipes();
    else if (this.#isInPipeWait) this.#library.minicontainer_wake(this.number);
    if (referenced === 0 && unreferenced > 0) {
      this.#pipeTimer ??= setInterval(this.#collectPipes, UNREFERENCED_PIPES_MS);
      Deno.unrefTimer(this.#pipeTimer);
    } else {
      clearInterval(this.#pipeTimer);
      this.#pipeTimer = undefined;
    }
  }

  async #waitForPipes() {
    if (this.#waitsForPipes) return;
    this.#waitsForPipes = true;
    try {
      while (this.#waitingForPipes.referenced > 0) {
        this.#isInPipeWait = true;
        const length = await this.#library.wait_nonblocking(this.number, PIPES, -1, this.#pipeEvents, EVENT_BYTES);
        this.#isInPipeWait = false;
        for (const { token, told } of readRecords(this.#pipeEvents, length)) this.#tell(token, told);
      }
    } finally {
      this.#waitsForPipes = false;
    }
  }

  #tell(token: number, told: Told) {
    const watched = this.#programs.get(token);
    if (watched === undefined) {
      if (told.kind === "failed") throw told.error;
    } else if (told.kind === "ready") {
      this.#wakeWaiter(watched, told.stream);
    } else if (told.kind === "started") {
      this.#setTimer(watched);
    } else if (!watched.hasEnded) {
      watched.hasEnded = true;
      clearTimeout(watched.timer);
      this.#count(-1, watched.isReferenced ? -1 : 0);
      if (told.kind === "ended") watched.end.resolve(told);
      if (told.kind === "failed") {
        // It has no pipes, and who waits for one finds that out by trying.
        for (const stream of watched.streams.keys()) this.#wakeWaiter(watched, stream);
        watched.end.reject(told.error);
      }
      this.#forgetIfDone(token, watched);
    }
  }

  #wakeWaiter(watched: Watched, stream: number) {
    const waiting = watched.streams.get(stream);
    if (waiting === undefined) return;
    watched.streams.set(stream, undefined);
    this.#countPipes(watched, -1);
    waiting.resolve();
  }

  #forgetIfDone(token: number, watched: Watched) {
    if (watched.hasEnded && watched.streams.size === 0) this.#programs.delete(token);
  }
}

function startedIn(told: Exclude<Told, { kind: "failed" }>): Started {
  return told.kind === "started" ? told : { pid: -1, asks: false, degraded: [] };
}

function transferred(result: number): number | undefined {
  if (result >= 0) return result;
  if (result === -EAGAIN) return undefined;
  if (result === -EPIPE) throw new Deno.errors.BrokenPipe("the program has closed its stdin");
  throw new Deno.errors.BadResource(`the program's stream is closed (errno ${-result})`);
}

let shared: Reactor | undefined;

/** The reactor of this isolate. */
export function sharedReactor(): Reactor {
  return shared ??= new Reactor();
}
