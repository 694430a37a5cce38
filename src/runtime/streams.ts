/** A program's pipes: as web streams, and read to their ends at once. */

import type { Program, Reactor } from "./reactor.ts";

/** What a pipe of Linux holds: one read takes all of it. */
const PIPE_BYTES = 64 * 1024;

/**
 * Closes the pipe of a stream that nobody holds any more, once its program has ended: until then the program may still
 * use it, and must not get SIGPIPE because of a garbage collection.
 */
const abandoned = new FinalizationRegistry<{ program: Program; close: () => void }>(({ program, close }) =>
  program.end.then(close, close)
);

/** The program's stdout (1) or stderr (2) as a byte stream; cancelling it closes the pipe. */
export function readableStream(
  reactor: Reactor,
  program: Program,
  stream: 1 | 2,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { token } = program;
  const close = () => reactor.close(token, stream);
  const readable = new ReadableStream({
    type: "bytes",
    autoAllocateChunkSize: PIPE_BYTES,
    async pull(controller) {
      const request = controller.byobRequest!;
      const view = request.view!;
      const buffer = new Uint8Array(view.buffer as ArrayBuffer, view.byteOffset, view.byteLength);
      const length = await read(reactor, token, stream, buffer);
      if (length === 0) {
        close();
        controller.close();
      }
      request.respond(length);
    },
    cancel: close,
  });
  abandoned.register(readable, { program, close });
  return readable;
}

/** ctrl-D, which stands for the end of the input to who reads lines from a terminal. */
const END_KEY = Uint8Array.of(4);

/** The program's stdin, or what is typed on its terminal; closing it is the end of its input. */
export function writableStream(
  reactor: Reactor,
  program: Program,
  isTerminal: boolean,
): WritableStream<Uint8Array<ArrayBuffer>> {
  const { token } = program;
  const close = () => reactor.close(token, 0);
  const writeAll = async (bytes: Uint8Array<ArrayBuffer>, { signal }: WritableStreamDefaultController) => {
    for (let offset = 0; offset < bytes.byteLength && !signal.aborted;) {
      const length = reactor.tryWrite(token, bytes.subarray(offset));
      if (length === undefined) await reactor.ready(token, 0);
      else offset += length;
    }
  };
  let controller: WritableStreamDefaultController;
  const writable = new WritableStream<Uint8Array<ArrayBuffer>>({
    start(given) {
      controller = given;
    },
    async write(chunk) {
      if (!(chunk instanceof Uint8Array)) {
        throw new TypeError("Cannot write to stdin: what is written must be a Uint8Array");
      }
      try {
        await writeAll(chunk, controller);
      } catch (error) {
        close();
        throw error;
      }
    },
    async close() {
      // A program that has ended reads no key.
      if (isTerminal) await writeAll(END_KEY, controller).catch(() => {});
      close();
    },
    abort: close,
  });
  abandoned.register(writable, { program, close });
  return writable;
}

/** Ends a terminal's input before it has begun. */
export function endInput(reactor: Reactor, token: number) {
  reactor.tryWrite(token, END_KEY);
  reactor.close(token, 0);
}

/** How much of a program's output is kept, all streams together; whoever writes more is killed. */
export class OutputLimit {
  #rest: number;
  readonly #kill: () => void;
  /** Whether there was more. */
  isExceeded = false;

  /** @param bytes the limit; absent: none @param kill ends the program */
  constructor(bytes: number | undefined, kill: () => void) {
    this.#rest = bytes ?? Infinity;
    this.#kill = kill;
  }

  /** How many of so many bytes are kept. */
  take(length: number): number {
    const kept = Math.min(length, this.#rest);
    this.#rest -= kept;
    if (kept < length && !this.isExceeded) {
      this.isExceeded = true;
      this.#kill();
    }
    return kept;
  }
}

/** Everything that the program writes to a stream, as far as a limit allows it, once it has closed it. */
export async function readAll(
  reactor: Reactor,
  token: number,
  stream: 1 | 2,
  limit?: OutputLimit,
): Promise<Uint8Array<ArrayBuffer>> {
  const collected = new Collected(limit);
  try {
    while (true) {
      const length = await read(reactor, token, stream, collected.space());
      if (length === 0) return collected.bytes();
      collected.add(length);
    }
  } finally {
    reactor.close(token, stream);
  }
}

/** Reads what is there of a stream now; true at its end, where it is closed. */
export function readNow(reactor: Reactor, token: number, stream: 1 | 2, collected: Collected): boolean {
  while (true) {
    const length = reactor.tryRead(token, stream, collected.space());
    if (length === undefined) return false;
    if (length === 0) {
      reactor.close(token, stream);
      return true;
    }
    collected.add(length);
  }
}

async function read(reactor: Reactor, token: number, stream: 1 | 2, buffer: Uint8Array<ArrayBuffer>): Promise<number> {
  while (true) {
    const length = reactor.tryRead(token, stream, buffer);
    if (length !== undefined) return length;
    await reactor.ready(token, stream);
  }
}

/** Bytes that come in pieces, in a buffer that doubles. */
export class Collected {
  readonly #limit?: OutputLimit;
  #buffer = new Uint8Array(PIPE_BYTES);
  #length = 0;

  /** @param limit what is more is dropped */
  constructor(limit?: OutputLimit) {
    this.#limit = limit;
  }

  /** Where the next piece goes. */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#buffer.byteLength - this.#length < PIPE_BYTES / 2) {
      const larger = new Uint8Array(this.#buffer.byteLength * 2);
      larger.set(this.#buffer.subarray(0, this.#length));
      this.#buffer = larger;
    }
    return this.#buffer.subarray(this.#length);
  }

  /** Counts a piece in. */
  add(length: number) {
    this.#length += this.#limit?.take(length) ?? length;
  }

  /** All of it. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(0, this.#length);
  }
}
