/** `logs ID`: what a container has written. */

import { containerLogParts } from "../../runtime/container/logs.ts";
import { hostOf, placeOf } from "../../runtime/container/store.ts";
import { momentOf } from "../../spec/log.ts";
import { UsageError } from "../options.ts";
import type { Command } from "./main.ts";
import { count, onlyId } from "./options.ts";

/** The command. */
export const logs: Command = {
  help: "print what a container has written: its stdout on stdout, its stderr on stderr",
  operands: "ID",
  count: 1,
  options: [
    { name: "follow", short: "f", help: "go on with what it writes, until it has its end" },
    { name: "since", value: "TIME", help: "nothing before it: 2026-01-02T03:04:05Z, or so long ago: 10m, 2h" },
    { name: "tail", short: "n", value: "N", help: "the last N lines alone" },
    { name: "timestamps", short: "t", help: "put the time in front of each line" },
  ],
  async run(args, globals) {
    const place = placeOf(onlyId("logs", args), globals);
    const tail = args.text("tail");
    const since = args.text("since");
    const parts = containerLogParts(place, {
      follow: args.flag("follow"),
      tail: tail === "all" ? undefined : count("tail", tail),
      since: since === undefined ? undefined : moment(since, (hostOf(globals)).now[0] * 1000),
    });
    const isBegun = { stdout: false, stderr: false };
    for await (const { time, stream, isWhole, bytes } of parts) {
      const head = args.flag("timestamps") && !isBegun[stream] ? `${time} ` : "";
      isBegun[stream] = !isWhole;
      write(stream, [new TextEncoder().encode(head), bytes, isWhole ? NEWLINE : new Uint8Array()]);
    }
    return 0;
  },
};

const NEWLINE = new Uint8Array([10]);

function write(stream: "stdout" | "stderr", pieces: Uint8Array[]) {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  let bytes = new Uint8Array(length);
  let place = 0;
  for (const piece of pieces) {
    bytes.set(piece, place);
    place += piece.length;
  }
  while (bytes.length > 0) bytes = bytes.subarray(Deno[stream].writeSync(bytes));
}

const UNIT_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A moment, or how long it was ago. @throws {UsageError} */
export function moment(text: string, nowMs: number): string {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  if (amount !== undefined) return momentOf("--since", new Date(nowMs - Number(amount) * UNIT_MS[unit]));
  if (Number.isNaN(Date.parse(text))) {
    throw new UsageError(`--since must be such as 2026-01-02T03:04:05Z, or 10m; it is ${JSON.stringify(text)}`);
  }
  return momentOf("--since", text);
}
