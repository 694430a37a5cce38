/** `stop ID…` and `wait ID…`: the end of containers. */

import { stopContainer, waitForEnd } from "../../runtime/container/end.ts";
import { UsageError } from "../options.ts";
import { print } from "../report.ts";
import { forEach, places } from "./ids.ts";
import type { Command } from "./main.ts";

const DEFAULT_SECONDS = "10";

/** The command. */
export const stop: Command = {
  help: "have containers end, and kill them where they do not; they are not started anew",
  operands: "ID...",
  count: 1,
  options: [
    { name: "time", short: "t", value: "SECONDS", help: "how long they have to end; default: 10" },
    { name: "signal", short: "s", value: "SIGNAL", help: "what they are asked by; default: SIGTERM" },
  ],
  async run(args, globals) {
    const timeoutMs = milliseconds(args.text("time") ?? DEFAULT_SECONDS);
    const found = await places("stop", args, globals);
    const stopped = await Promise.all(
      found.map((place) => forEach([place], () => stopContainer(place, { signal: args.text("signal"), timeoutMs }))),
    );
    return Math.max(...stopped);
  },
};

/** The command. */
export const wait: Command = {
  help: "wait for containers' ends, and print their exit codes",
  operands: "ID...",
  count: 1,
  options: [],
  async run(args, globals) {
    const found = await places("wait", args, globals);
    const ends = found.map((place) => waitForEnd(place));
    // Each is told of in its turn.
    await Promise.allSettled(ends);
    return await forEach(found, async (place) => print(`${(await ends[found.indexOf(place)]).exitCode}\n`));
  },
};

function milliseconds(seconds: string): number {
  if (/^\d+(\.\d+)?$/.test(seconds)) return Math.round(Number(seconds) * 1000);
  throw new UsageError(`--time must be a number of seconds, such as 10; it is ${JSON.stringify(seconds)}`);
}
