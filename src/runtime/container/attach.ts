/** Taking part in what a container reads and writes. */

import { StateError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { bytesOf, textOf } from "../../native/text.ts";
import type { TerminalSize } from "../../spec/isolation_config.ts";
import { exitCodeOfNote, type ExitNote } from "../../spec/monitor.ts";
import { terminalSize } from "../../spec/terminal.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** Frames to a monitor, and from it. */
const TO = { input: 0, size: 1, endOfInput: 2 };
const FROM = { stdout: 1, stderr: 2, end: 3 };

/** Bytes of each stream that are kept for who reads; behind them the monitor is kept waiting, and lets us go. */
const KEPT = 1 << 20;

/**
 * A part in what a container reads and writes, from now on. Whoever does not read both streams, or cancel them, is let
 * go by the monitor, for the container does not wait: its log has all.
 */
export class ContainerAttachment implements AsyncDisposable {
  /** What it writes, or what its terminal shows. */
  readonly stdout: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** What it writes to stderr; nothing where it has a terminal. */
  readonly stderr: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** What it reads, or what is typed on its terminal; nothing comes of it where the container was made without `stdin`. */
  readonly stdin: WritableStream<Uint8Array<ArrayBuffer>>;
  /** Its exit code once it has ended; `undefined` where the part ended before. */
  readonly ended: Promise<number | undefined>;
  readonly #handle: number;
  readonly #outputs: [Output, Output];
  #isOpen = true;

  /** @ignore Made by {@linkcode attachToContainer}. */
  constructor(handle: number) {
    this.#handle = handle;
    this.#outputs = [new Output(), new Output()];
    [this.stdout, this.stderr] = this.#outputs.map(({ stream }) => stream);
    this.stdin = new WritableStream({
      write: (bytes) => this.#send(TO.input, bytes),
      close: () => this.#send(TO.endOfInput, new Uint8Array()),
    });
    this.ended = this.#read();
  }

  /** Sets the size of its terminal. @throws {SpecError} where that is no size */
  async resize(size: TerminalSize) {
    const { rows, columns } = terminalSize("size", size);
    await this.#send(TO.size, new Uint8Array([rows & 255, rows >> 8, columns & 255, columns >> 8]));
  }

  /** Leaves the container to itself. */
  async close() {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const output of this.#outputs) output.discard();
    await callLife("attach.close", { handle: this.#handle });
    await this.ended;
  }

  /** The same as {@linkcode ContainerAttachment.close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(kind: number, bytes: Uint8Array) {
    await callLife("attach.send", { handle: this.#handle, kind, text: textOf(bytes) });
  }

  async #read(): Promise<number | undefined> {
    const handle = this.#handle;
    let code: number | undefined;
    try {
      for (;;) {
        const { kind, text } = await callLife<{ kind: number; text: string }>("attach.read", { handle });
        const bytes = bytesOf(text);
        if (kind === FROM.end) code = exitCodeOfNote(endIn(bytes));
        if (kind !== FROM.stdout && kind !== FROM.stderr) return code;
        await this.#outputs[kind - 1].put(bytes);
      }
    } catch (error) {
      // It was closed between two reads.
      if (this.#isOpen) throw error;
      return undefined;
    } finally {
      for (const output of this.#outputs) output.end();
    }
  }
}

function endIn(bytes: Uint8Array<ArrayBuffer>): Pick<ExitNote, "code" | "status"> {
  const view = new DataView(bytes.buffer);
  return { code: view.getInt32(0, true), status: view.getInt32(4, true) };
}

/** One of the streams that come from a container. */
class Output {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller?: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #hasRoom = Promise.withResolvers<void>();

  constructor() {
    this.stream = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: () => this.#hasRoom.resolve(),
      cancel: () => this.discard(),
    }, { highWaterMark: KEPT, size: (bytes) => bytes.length });
  }

  async put(bytes: Uint8Array<ArrayBuffer>) {
    this.#controller?.enqueue(bytes);
    if ((this.#controller?.desiredSize ?? 1) > 0) return;
    this.#hasRoom = Promise.withResolvers();
    await this.#hasRoom.promise;
  }

  /** Nobody reads what is still to come. */
  discard() {
    this.end();
    this.#hasRoom.resolve();
  }

  end() {
    try {
      this.#controller?.close();
    } catch {
      // It was cancelled, or has ended.
    }
    this.#controller = undefined;
  }
}

/**
 * Takes part in what a container reads and writes.
 *
 * @throws {StateError} where it has no monitor, or has ended
 * @throws {NotFoundError} where there is none
 */
export async function attachToContainer({ root, id }: Place): Promise<ContainerAttachment> {
  const found = await look({ root, id });
  const refuse = (why: string, actual: string) => {
    throw new StateError(`cannot attach to ${JSON.stringify(id)}: ${why}`, "running", actual);
  };
  if (found.state.monitor === undefined) refuse("it has no monitor", "not monitored");
  const status = statusNow(found);
  if (status === "stopped") refuse("it is stopped", status);
  try {
    const { handle } = await callLife<{ handle: number }>("attach.open", { root, id });
    return new ContainerAttachment(handle);
  } catch (error) {
    if ((error as { code?: string }).code === "ECONNREFUSED") refuse("its monitor is gone", "stopped");
    throw error;
  }
}
