/** Standing in for a container before our terminal, for as long as we are attached to it. */

import type { ContainerAttachment } from "../../runtime/container/attach.ts";
import { killContainer } from "../../runtime/container/kill.ts";
import type { Place } from "../../runtime/container/store.ts";
import { type Option, UsageError } from "../options.ts";

/** The options of whatever attaches. */
export const DETACH_OPTIONS: readonly Option[] = [
  { name: "detach-keys", value: "KEYS", help: "what ends the attachment alone; default: ctrl-p,ctrl-q; none" },
];

/** How somebody is attached. */
export interface Attaching {
  /** The container has a terminal of its own. */
  isTerminal: boolean;
  /** Whether our input is the container's. */
  takesInput: boolean;
  /** What ends it. */
  keys: number[];
}

/** The bytes of keys such as `ctrl-p,ctrl-q`. @throws {UsageError} */
export function detachKeys(text = "ctrl-p,ctrl-q"): number[] {
  if (text === "" || text === "none") return [];
  return text.split(",").map((key) => {
    const [, letter] = /^ctrl-([a-z@[\\\]^_])$/i.exec(key) ?? [];
    if (letter !== undefined) return letter.toUpperCase().charCodeAt(0) & 31;
    if (/^[\x21-\x7e]$/.test(key)) return key.charCodeAt(0);
    throw new UsageError(`--detach-keys must be such as ctrl-p,ctrl-q; it is ${JSON.stringify(text)}`);
  });
}

/** Finds keys in what is typed, which they are no part of. */
export class KeyWatch {
  readonly #keys: number[];
  #matched = 0;

  constructor(keys: number[]) {
    this.#keys = keys;
  }

  /** What of `bytes` is for the container, and whether the keys were typed. */
  take(bytes: Uint8Array): { passed: Uint8Array<ArrayBuffer>; isTyped: boolean } {
    const passed: number[] = [];
    for (const byte of bytes) {
      if (this.#keys.length > 0 && byte === this.#keys[this.#matched]) {
        if (++this.#matched === this.#keys.length) return { passed: new Uint8Array(passed), isTyped: true };
        continue;
      }
      // What looked like them was none; its first may begin them anew.
      passed.push(...this.#keys.slice(0, this.#matched));
      this.#matched = byte === this.#keys[0] ? 1 : 0;
      if (this.#matched === 0) passed.push(byte);
    }
    return { passed: new Uint8Array(passed), isTyped: false };
  }
}

/** Those that are handed on; what a terminal makes of keys a container in a terminal of its own gets as keys. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

/** Shows what a container writes and has it read what we do, to its end or until the keys; the exit code. */
export async function holdTerminal(
  place: Place,
  attachment: ContainerAttachment,
  { isTerminal, takesInput, keys }: Attaching,
): Promise<number> {
  const isRaw = isTerminal && takesInput && Deno.stdin.isTerminal();
  const isLeft = Promise.withResolvers<"left">();
  // One after the other, so that the last size is the last one sent; where it has ended, nobody needs any.
  let resized = Promise.resolve();
  const resize = () => void (resized = resized.then(() => asLargeAsOurs(attachment)).catch(() => {}));
  const handlers = SIGNALS.map((signal) =>
    [signal, () => void killContainer(place, signal).catch(() => {})] as [Deno.Signal, () => void]
  );
  if (isTerminal) {
    resize();
    handlers.push(["SIGWINCH", resize]);
  }
  for (const [signal, handler] of handlers) Deno.addSignalListener(signal, handler);
  if (isRaw) Deno.stdin.setRaw(true);
  try {
    const shown = Promise.all([
      show(attachment.stdout, Deno.stdout),
      show(attachment.stderr, Deno.stderr),
    ]);
    if (takesInput) typeInto(attachment, isRaw ? keys : []).then(() => isLeft.resolve("left"), isLeft.reject);
    const end = await Promise.race([attachment.ended, isLeft.promise]);
    if (end === "left") return 0;
    await shown;
    return end ?? LOST;
  } finally {
    if (isRaw) Deno.stdin.setRaw(false);
    for (const [signal, handler] of handlers) Deno.removeSignalListener(signal, handler);
    await attachment.close();
  }
}

/** Makes a container's terminal as large as ours is, where that has a size. */
export async function asLargeAsOurs(attachment: ContainerAttachment) {
  if (!Deno.stdout.isTerminal()) return;
  const { rows, columns } = Deno.consoleSize();
  if (rows > 0 && columns > 0) await attachment.resize({ rows, columns });
}

/** The connection broke before its end. */
const LOST = 125;

async function show(from: ReadableStream<Uint8Array<ArrayBuffer>>, to: { writeSync(bytes: Uint8Array): number }) {
  for await (let bytes of from) {
    while (bytes.length > 0) bytes = bytes.subarray(to.writeSync(bytes));
  }
}

/** Hands on what is typed until the keys are, and waits for ever where the input ends before. */
async function typeInto({ stdin }: ContainerAttachment, keys: number[]): Promise<void> {
  const writer = stdin.getWriter();
  const watch = new KeyWatch(keys);
  const buffer = new Uint8Array(4096);
  try {
    for (;;) {
      const length = await Deno.stdin.read(buffer);
      if (length === null) break;
      const { passed, isTyped } = watch.take(buffer.subarray(0, length));
      if (passed.length > 0) await writer.write(passed);
      if (isTyped) return;
    }
    await writer.close();
  } catch {
    // The container has ended, or reads no more: its end is awaited elsewhere.
  }
  await new Promise(() => {});
}
