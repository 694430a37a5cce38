/** `events ID`: what a container uses, and when memory runs out. */

import { containerEvents } from "../../runtime/container/events.ts";
import { containerStats } from "../../runtime/container/stats.ts";
import { placeOf } from "../../runtime/container/store.ts";
import type { ContainerStats } from "../../spec/stats.ts";
import { UsageError } from "../options.ts";
import { print } from "../report.ts";
import type { Command } from "./main.ts";
import { onlyId } from "./options.ts";

/** The command. */
export const events: Command = {
  help: "print what a container uses, every few seconds, as lines of JSON",
  operands: "ID",
  count: 1,
  options: [
    { name: "stats", help: "once, and no more" },
    { name: "interval", value: "TIME", help: "how often: 5, 500ms, 2m; default: 5s" },
  ],
  async run(args, globals) {
    const place = placeOf(onlyId("events", args), globals);
    const tell = (type: string, data?: unknown) => print(`${JSON.stringify({ type, id: place.id, data })}\n`);
    if (args.flag("stats")) {
      tell("stats", statsOf(await containerStats(place)));
      return 0;
    }
    const intervalMs = milliseconds(args.text("interval") ?? "5s");
    for await (const event of containerEvents(place, { intervalMs })) {
      if (event.type === "stats") tell("stats", statsOf(event.stats));
      else tell(event.type);
    }
    return 0;
  },
};

/** The figures in the words of runc's `events`, which engines read: times are in nanoseconds. */
export function statsOf({ cpu, memory, pids, io }: ContainerStats): unknown {
  const devices = Object.entries(io ?? {}).flatMap(([device, amounts]) => {
    const [major, minor] = device.split(":").map(Number);
    return [{ major, minor, op: "Read", amounts }, { major, minor, op: "Write", amounts }];
  });
  const of = (bytes: boolean) =>
    devices.map(({ major, minor, op, amounts }) => {
      const { readBytes, writeBytes, reads, writes } = amounts;
      const [read, written] = bytes ? [readBytes, writeBytes] : [reads, writes];
      return { major, minor, op, value: op === "Read" ? read : written };
    });
  return {
    cpu: cpu && {
      usage: { total: cpu.usageUs * 1000, kernel: cpu.systemUs * 1000, user: cpu.userUs * 1000 },
      throttling: {
        periods: cpu.periods,
        throttledPeriods: cpu.throttledPeriods,
        throttledTime: cpu.throttledUs * 1000,
      },
    },
    memory: memory && {
      usage: {
        usage: memory.currentBytes,
        max: memory.peakBytes,
        limit: memory.limitBytes ?? NO_LIMIT,
        failcnt: memory.limitHits,
      },
      swap: memory.swapBytes === undefined ? undefined : { usage: memory.swapBytes },
    },
    pids: pids && { current: pids.current, limit: pids.limit },
    blkio: io && { ioServiceBytesRecursive: of(true), ioServicedRecursive: of(false) },
  };
}

/** What JavaScript can have of the kernel's 2^64. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

function milliseconds(time: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(time) ?? [];
  const result = Number(number) * UNIT_MS[unit ?? "s"];
  if (result > 0) return result;
  throw new UsageError(`--interval must be a time above 0, such as 5, 500ms or 2m; it is ${JSON.stringify(time)}`);
}
