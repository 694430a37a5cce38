/** `stats [ID]…`: what containers use, as a table. */

import { StateError, UnsupportedError } from "../../native/errors.ts";
import { pause } from "../../runtime/container/end.ts";
import { listContainers } from "../../runtime/container/list.ts";
import { containerStats } from "../../runtime/container/stats.ts";
import { hostOf, type Place, placeOf } from "../../runtime/container/store.ts";
import type { ContainerStats } from "../../spec/stats.ts";
import { print } from "../report.ts";
import { milliseconds } from "../run.ts";
import type { Command } from "./main.ts";
import type { Globals } from "./options.ts";

/** What processors did is taken over this time. */
const SAMPLE_MS = 500;

/** The command. */
export const stats: Command = {
  help: "print what running containers use, those named or all",
  operands: "[ID]...",
  count: 0,
  options: [{ name: "interval", value: "TIME", help: "again and again, so often: 1, 500ms, 2m" }],
  async run(args, globals) {
    const interval = args.text("interval");
    const intervalMs = interval === undefined ? undefined : milliseconds(interval, "interval");
    do {
      const places = args.rest.length > 0
        ? await Promise.all(args.rest.map((id) => placeOf(id, globals)))
        : await running(globals);
      print(tableOf(await sample(places, intervalMs ?? SAMPLE_MS, args.rest.length === 0)));
    } while (interval !== undefined);
    return 0;
  },
};

async function running(globals: Globals): Promise<Place[]> {
  const { root } = hostOf(globals);
  return (await listContainers(globals)).filter(({ status }) => status !== "stopped").map(({ id }) => ({ root, id }));
}

/** What a container uses, and its part of a processor's time. */
interface Sample {
  id: string;
  stats: ContainerStats;
  cpuShare: number;
}

async function sample(places: Place[], timeMs: number, isOptional: boolean): Promise<Sample[]> {
  const take = () =>
    Promise.all(places.map(async (place) => {
      try {
        return { at: performance.now(), stats: await containerStats(place) };
      } catch (error) {
        // Nobody asked for just this one, which has ended meanwhile or has no cgroup.
        if (isOptional && (error instanceof StateError || error instanceof UnsupportedError)) return undefined;
        throw error;
      }
    }));
  const before = await take();
  await pause(timeMs);
  const after = await take();
  return places.flatMap(({ id }, index) => {
    const [first, last] = [before[index], after[index]];
    if (first === undefined || last === undefined) return [];
    const usedUs = (last.stats.cpu?.usageUs ?? 0) - (first.stats.cpu?.usageUs ?? 0);
    return [{ id, stats: last.stats, cpuShare: usedUs / 1000 / (last.at - first.at) }];
  });
}

/** The figures under a header, in columns. */
export function tableOf(samples: Sample[]): string {
  const rows = [["ID", "CPU", "MEMORY", "LIMIT", "PIDS", "READ", "WRITTEN"], ...samples.map(rowOf)];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)) + 3);
  return rows.map((row) => `${row.map((text, column) => text.padEnd(widths[column])).join("").trimEnd()}\n`).join("");
}

function rowOf({ id, stats: { memory, pids, io }, cpuShare }: Sample): string[] {
  const devices = Object.values(io ?? {});
  const sum = (field: "readBytes" | "writeBytes") => devices.reduce((all, device) => all + device[field], 0);
  return [
    id,
    `${(cpuShare * 100).toFixed(1)}%`,
    memory === undefined ? "-" : bytes(memory.currentBytes),
    memory?.limitBytes === undefined ? "-" : bytes(memory.limitBytes),
    pids === undefined ? "-" : `${pids.current}`,
    io === undefined ? "-" : bytes(sum("readBytes")),
    io === undefined ? "-" : bytes(sum("writeBytes")),
  ];
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function bytes(number: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(number, 1)) / 10), UNITS.length - 1);
  return power === 0 ? `${number}B` : `${(number / 1024 ** power).toFixed(1)}${UNITS[power]}`;
}
