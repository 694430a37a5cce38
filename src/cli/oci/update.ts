/** `update ID`: changes what a container may use. */

import { placeOf } from "../../runtime/container/store.ts";
import { updateContainer } from "../../runtime/container/update.ts";
import { type Option, UsageError } from "../options.ts";
import { textOfFile } from "./input.ts";
import type { Command } from "./main.ts";
import { type Arguments, onlyId } from "./options.ts";

/** Where in `linux.resources` each option's value goes, and what it is. */
const FIELDS: readonly [option: string, object: string, field: string, kind: "bytes" | "number" | "text"][] = [
  ["memory", "memory", "limit", "bytes"],
  ["memory-swap", "memory", "swap", "bytes"],
  ["memory-reservation", "memory", "reservation", "bytes"],
  ["cpu-quota", "cpu", "quota", "number"],
  ["cpu-period", "cpu", "period", "number"],
  ["cpu-burst", "cpu", "burst", "number"],
  ["cpu-idle", "cpu", "idle", "number"],
  ["cpu-share", "cpu", "shares", "number"],
  ["cpu-rt-period", "cpu", "realtimePeriod", "number"],
  ["cpu-rt-runtime", "cpu", "realtimeRuntime", "number"],
  ["cpuset-cpus", "cpu", "cpus", "text"],
  ["cpuset-mems", "cpu", "mems", "text"],
  ["pids-limit", "pids", "limit", "number"],
  ["blkio-weight", "blockIO", "weight", "number"],
];

const WORDS = { bytes: "BYTES", number: "N", text: "LIST" };

const HELP: Record<string, string> = {
  "memory": "limit memory, as in 512M; -1: without a limit",
  "memory-swap": "limit memory and swap together",
  "memory-reservation": "protect it from being reclaimed up to this",
  "cpu-quota": "microseconds of processor time in a period; -1: without a limit",
  "cpu-period": "microseconds of a period",
  "cpu-burst": "microseconds that may be saved up",
  "cpu-idle": "1: run when nothing else does",
  "cpu-share": "a share relative to others'; usually 1024",
  "cpu-rt-period": "microseconds of a real-time period",
  "cpu-rt-runtime": "microseconds of real-time processor time in it",
  "cpuset-cpus": "run on these processors, as in 0-3,7",
  "cpuset-mems": "take memory from these nodes",
  "pids-limit": "limit the number of processes; -1: without a limit",
  "blkio-weight": "a share of block devices, 10 to 1000",
};

const OPTIONS: readonly Option[] = [
  {
    name: "resources",
    short: "r",
    value: "FILE",
    completes: "file",
    help: "take OCI's linux.resources from FILE, - for stdin, and ignore the others",
  },
  ...FIELDS.map(([name, , , kind]) => ({ name, value: WORDS[kind], help: HELP[name] })),
];

/** The command. */
export const update: Command = {
  help: "change what a container may use",
  operands: "ID",
  count: 1,
  options: OPTIONS,
  async run(args, globals) {
    const place = placeOf(onlyId("update", args), globals);
    const file = args.text("resources");
    await updateContainer(place, file === undefined ? resourcesOf(args) : await textOfFile(file));
    return 0;
  },
};

/** The JSON of what the options say. */
export function resourcesOf(args: Pick<Arguments, "text">): string {
  const resources: Record<string, Record<string, number | string>> = {};
  for (const [option, object, field, kind] of FIELDS) {
    const text = args.text(option);
    if (text === undefined) continue;
    (resources[object] ??= {})[field] = kind === "text"
      ? text
      : kind === "bytes"
      ? bytes(option, text)
      : number(option, text);
  }
  if (Object.keys(resources).length === 0) throw new UsageError("update needs an option that says what to change");
  return JSON.stringify(resources);
}

function number(option: string, text: string): number {
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new UsageError(`--${option} must be a whole number; it is ${JSON.stringify(text)}`);
}

const UNITS = ["", "k", "m", "g", "t", "p"];

function bytes(option: string, text: string): number {
  const [, amount, unit] = /^(-1|\d+)([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  const size = Number(amount) * 1024 ** UNITS.indexOf(unit?.toLowerCase());
  if (Number.isSafeInteger(size)) return size;
  throw new UsageError(`--${option} must be such as 536870912 or 512M; it is ${JSON.stringify(text)}`);
}
