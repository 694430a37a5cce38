/**
 * Of Deno and the web what the command uses, as globals of a program that has the language alone. The rest of it is the
 * library's, as it is in Deno.
 */

import { host } from "./host.ts";
import { clearTimer, elsewhere, listen, needTimer, setTimer, turn, unlisten } from "./loop.ts";
import { Readable, Writable } from "./streams.ts";

class BrokenPipe extends Error {
  override name = "BrokenPipe";
}

class BadResource extends Error {
  override name = "BadResource";
}

class NotCapable extends Error {
  override name = "NotCapable";
}

class NotFound extends Error {
  override name = "NotFound";
}

/** `errno(3)`: what a stream may fail with. */
const EPIPE = 32;
const WORDS: Record<number, string> = {
  5: "input/output error",
  11: "resource temporarily unavailable",
  28: "no space left on device",
};

function failure(what: string, errno: number): Error {
  return new Error(`cannot ${what}: ${WORDS[errno] ?? `error number ${errno}`}`);
}

/** `signal(7)`: the numbers are the same on x86-64 and aarch64. */
const SIGNALS: Record<string, number> = {
  ...{ SIGHUP: 1, SIGINT: 2, SIGQUIT: 3, SIGUSR1: 10, SIGUSR2: 12 },
  ...{ SIGTERM: 15, SIGCHLD: 17, SIGWINCH: 28 },
};

function output(stream: number) {
  return {
    isTerminal: () => host.isTerminal(stream),
    writeSync(bytes: Uint8Array): number {
      const written = host.write(stream, bytes);
      if (written === -EPIPE) throw new BrokenPipe("Broken pipe (os error 32)");
      if (written < 0) throw failure(`write to ${stream === 1 ? "stdout" : "stderr"}`, -written);
      return written;
    },
  };
}

function bytesRead(result: number): number | null {
  if (result < 0) throw failure("read stdin", -result);
  return result === 0 ? null : result;
}

const stdin = {
  isTerminal: () => host.isTerminal(0),
  readSync: (bytes: Uint8Array) => bytesRead(host.readSync(0, bytes)),
  read: async (bytes: Uint8Array) => bytesRead(await elsewhere(bytes, (call) => host.beginRead(call, 0, bytes))),
  setRaw: (isRaw: boolean) => host.setRaw(isRaw),
};

function dlopen(_path: string, symbols: Deno.ForeignLibraryInterface) {
  const functions = Object.entries(symbols).map(([key, { name = key, ...symbol }]) => {
    const isNonblocking = "nonblocking" in symbol && symbol.nonblocking === true;
    const call = (...args: unknown[]) => host.call(name, args);
    const begin = (...args: unknown[]) => elsewhere(args, (call) => host.begin(call, name, args));
    return [key, isNonblocking ? begin : call];
  });
  return { symbols: Object.fromEntries(functions) };
}

class Command {
  readonly #program: string;
  readonly #args: string[];

  constructor(program: string, { args = [] }: { args?: string[] } = {}) {
    this.#program = program;
    this.#args = args;
  }

  output(): Promise<{ success: boolean; stdout: Uint8Array; stderr: Uint8Array }> {
    const told = host.output(this.#program, this.#args);
    if (told === undefined) return Promise.reject(new NotFound(`no such program: ${this.#program}`));
    const [code, stdout, stderr] = told;
    return Promise.resolve({ success: code === 0, stdout, stderr });
  }
}

const deno = {
  args: host.args,
  build: { os: "linux", standalone: true },
  mainModule: "",
  errors: { BadResource, BrokenPipe, NotCapable, NotFound },
  Command,
  stdin,
  stdout: output(1),
  stderr: output(2),
  dlopen,
  execPath: host.execPath,
  exit: host.exit,
  permissions: { querySync: () => ({ state: "granted" }) },
  consoleSize() {
    const [rows, columns] = host.consoleSize() ?? [0, 0];
    return { rows, columns };
  },
  addSignalListener: (signal: string, listener: () => void) => listen(SIGNALS[signal], listener),
  removeSignalListener: (signal: string, listener: () => void) => unlisten(SIGNALS[signal], listener),
  refTimer: (timer: number) => needTimer(timer, true),
  unrefTimer: (timer: number) => needTimer(timer, false),
};

/** Random bytes become an UUID of version 4, RFC 9562. */
function randomUUID(): string {
  const bytes = getRandomValues(new Uint8Array(16));
  bytes[6] = bytes[6] & 15 | 64;
  bytes[8] = bytes[8] & 63 | 128;
  return toHex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function getRandomValues(bytes: Uint8Array): Uint8Array {
  host.fillRandom(bytes);
  return bytes;
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Encoder {
  encode(text: string) {
    return host.encode(text.toWellFormed());
  }

  encodeInto(text: string, into: Uint8Array) {
    const bytes = this.encode(text);
    into.set(bytes);
    return { read: text.length, written: bytes.length };
  }
}

class Decoder {
  decode(bytes: Uint8Array): string {
    return host.decode(bytes);
  }
}

Object.assign(globalThis, {
  Deno: deno,
  TextEncoder: Encoder,
  TextDecoder: Decoder,
  ReadableStream: Readable,
  WritableStream: Writable,
  crypto: { getRandomValues, randomUUID },
  performance: { now: host.now },
  setTimeout: setTimer,
  clearTimeout: clearTimer,
  // Which `rust/command/src/main.rs` calls until nothing is left to wait for.
  turn,
});
