/** What a container has written, as its monitor keeps it. */

import { NotFoundError, StateError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { bytesOf, joined } from "../../native/text.ts";
import { type LogPart, momentOf, partsOf } from "../../spec/log.ts";
import { isOver } from "../../spec/monitor.ts";
import { noteOf, pause } from "./end.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** Which lines. */
export interface LogOptions {
  /** Go on with what is written, until the container has its end. */
  follow?: boolean;
  /** Nothing before this moment: a date, or text that `Date.parse` takes. */
  since?: Date | string;
  /** So many lines of the end; default: all. */
  tail?: number;
}

/** A line that a container has written. */
export interface LogLine {
  /** When, RFC 3339 with nanoseconds. */
  time: string;
  /** Where to; a terminal's is `"stdout"`. */
  stream: "stdout" | "stderr";
  /** Without its end. */
  text: string;
}

const SHORTEST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/** The lines as they were written, long ones in parts. */
export async function* containerLogParts(
  place: Place,
  { follow = false, since, tail }: LogOptions = {},
): AsyncGenerator<LogPart, void, undefined> {
  const { state: { monitor } } = await look(place);
  if (monitor === undefined) {
    throw new StateError(`${JSON.stringify(place.id)} has no log: it has no monitor`, "monitored", "not so");
  }
  const from = { files: monitor.logs, tail, since: since === undefined ? undefined : momentOf("since", since) };
  const { handle } = await callLife<{ handle: number }>("log.open", { ...place, ...from });
  try {
    for (let pauseMs = SHORTEST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      // Looked at before: what it wrote last is there then.
      const isLast = !follow || await hasItsEnd(place);
      for (;;) {
        const { text } = await callLife<{ text: string }>("log.read", { handle });
        if (text === "") break;
        pauseMs = SHORTEST_PAUSE_MS;
        yield* partsOf(bytesOf(text));
      }
      if (isLast) return;
      await pause(pauseMs);
    }
  } finally {
    await callLife("log.close", { handle });
  }
}

async function hasItsEnd(place: Place): Promise<boolean> {
  try {
    const found = await look(place);
    const { monitor } = found.state;
    if (statusNow(found) !== "stopped") return false;
    return monitor === undefined || isOver(monitor, found.exit ?? await noteOf(place, found));
  } catch (error) {
    if (error instanceof NotFoundError) return true;
    throw error;
  }
}

/** The lines, put together. */
export async function* containerLogs(
  place: Place,
  options?: LogOptions,
): AsyncGenerator<LogLine, void, undefined> {
  const begun = { stdout: [] as Uint8Array<ArrayBuffer>[], stderr: [] as Uint8Array<ArrayBuffer>[] };
  let last: LogPart | undefined;
  for await (const part of containerLogParts(place, options)) {
    last = part;
    begun[part.stream].push(part.bytes);
    if (part.isWhole) yield lineOf(part, begun[part.stream].splice(0));
  }
  // A last line that has no end.
  for (const stream of ["stdout", "stderr"] as const) {
    if (last !== undefined && begun[stream].length > 0) yield lineOf({ ...last, stream }, begun[stream]);
  }
}

function lineOf({ time, stream }: LogPart, parts: Uint8Array<ArrayBuffer>[]): LogLine {
  return { time, stream, text: new TextDecoder().decode(joined(parts)) };
}
