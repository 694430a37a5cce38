/** The lines of a container's log: `2026-01-02T03:04:05.678901234Z stdout F text`. Pure. */

import { SpecError } from "../native/errors.ts";

/** A line, or with `isWhole` false a part of one that goes on in the next of its stream. */
export interface LogPart {
  /** RFC 3339, with nanoseconds. */
  time: string;
  stream: "stdout" | "stderr";
  isWhole: boolean;
  /** Without the line's end. */
  bytes: Uint8Array<ArrayBuffer>;
}

const TIME = 30;
const HEAD = 40;
const NEWLINE = 10;
const WHOLE = "F".charCodeAt(0);

/** The lines of a piece that has only whole ones of the file's; what is no line of a log is left out. */
export function* partsOf(piece: Uint8Array<ArrayBuffer>): Generator<LogPart> {
  const decoder = new TextDecoder();
  for (let start = 0; start < piece.length;) {
    const found = piece.indexOf(NEWLINE, start);
    const end = found === -1 ? piece.length : found;
    if (end - start >= HEAD) {
      const head = decoder.decode(piece.subarray(start, start + HEAD - 3));
      const stream = head.slice(TIME + 1);
      if (stream === "stdout" || stream === "stderr") {
        const isWhole = piece[start + HEAD - 2] === WHOLE;
        yield { time: head.slice(0, TIME), stream, isWhole, bytes: piece.subarray(start + HEAD, end) };
      }
    }
    start = end + 1;
  }
}

/** A moment in the log's own form, of a date or what `Date.parse` takes. @throws {SpecError} where it is none */
export function momentOf(path: string, since: Date | string): string {
  const ms = typeof since === "string" ? Date.parse(since) : since.getTime();
  if (Number.isNaN(ms)) throw new SpecError(path, `must be a moment, such as 2026-01-02T03:04:05Z; it is ${since}`);
  // What a date leaves away may still stand there.
  const [, fraction = ""] = typeof since === "string" ? /\.(\d+)/.exec(since) ?? [] : [];
  const digits = fraction === "" ? new Date(ms).toISOString().slice(20, 23) : fraction;
  return `${new Date(ms).toISOString().slice(0, 19)}.${digits.slice(0, 9).padEnd(9, "0")}Z`;
}
