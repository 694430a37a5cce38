/** `run --rootfs DIR [OPTIONS] PROGRAM…`: makes a container of options, which has a monitor, and starts it. */

import { attachToContainer } from "../../runtime/container/attach.ts";
import { createContainer } from "../../runtime/container/create.ts";
import { deleteContainer } from "../../runtime/container/delete.ts";
import { settle } from "../../runtime/container/settle.ts";
import { startContainer } from "../../runtime/container/start.ts";
import { hostOf } from "../../runtime/container/store.ts";
import type { RestartPolicy } from "../../spec/monitor.ts";
import { type Option, type Parsed, parseOptions, UsageError } from "../options.ts";
import { failureOf, print } from "../report.ts";
import { inTermsOfOptions, specFromOptions } from "../run.ts";
import { RUN_OPTIONS } from "../run_options.ts";
import { pair, size } from "../values.ts";
import { asLargeAsOurs, DETACH_OPTIONS, detachKeys, holdTerminal } from "./terminal.ts";
import { commandHelp } from "./help.ts";
import { warn } from "./log.ts";
import type { Command } from "./main.ts";
import { count } from "./options.ts";

const OWN_OPTIONS: readonly Option[] = [
  { name: "detach", short: "d", help: "print its ID and leave it to itself" },
  { name: "name", value: "NAME", help: "call it so; default: 64 random digits" },
  { name: "label", short: "l", value: "KEY=VALUE", many: true, help: "note something down of it" },
  { name: "rm", help: "remove it at its end" },
  { name: "restart", value: "POLICY", help: "start it anew: no, always, on-failure[:TIMES]" },
  { name: "log-max-size", value: "SIZE", help: "begin a new log after so much; default: 10M; or unlimited" },
  { name: "log-max-files", value: "N", help: "keep so many logs; default: 3" },
  { name: "interactive", short: "i", help: "let it read what is written to it" },
  ...DETACH_OPTIONS,
  { name: "help", help: "print this" },
];

/** Those of a program that somebody waits for. */
const NEEDS_WAITING = ["timeout", "cpu-time", "output-size", "stats", "diff", "no-kill-on-exit", "debug"];

const OPTIONS = [...OWN_OPTIONS, ...RUN_OPTIONS.filter(({ name }) => !NEEDS_WAITING.includes(name))];

/** The command. */
export const runDetached: Command = {
  help: "make a container of options, and start it; its ID with -d, else its exit code",
  operands: "--rootfs DIR PROGRAM [ARGUMENTS]...",
  count: 0,
  whole: true,
  failure: failureOf,
  options: OPTIONS,
  async run({ rest }, globals) {
    const parsed = parseOptions(OPTIONS, singleLetters(rest));
    if (parsed.flag("help")) return commandHelp("run", runDetached);
    const spec = await specFromOptions(parsed);
    const keys = detachKeys(parsed.text("detach-keys"));
    // What is wrong with the containers' folder is not said of an option of the root filesystem's.
    const { root } = hostOf(globals);
    const { place, state, warnings } = await inTermsOfOptions(parsed, () =>
      createContainer({
        ...globals,
        root,
        id: parsed.text("name"),
        spec,
        monitor: monitorOf(parsed),
        module: Deno.mainModule,
      }));
    await warn(globals, warnings);
    const isDetached = parsed.flag("detach");
    try {
      const attachment = isDetached ? undefined : await attachToContainer(place);
      // The program finds its terminal as large as ours is.
      if (attachment !== undefined && parsed.flag("tty")) await asLargeAsOurs(attachment);
      await startContainer(place);
      if (attachment !== undefined) {
        const isTerminal = parsed.flag("tty");
        const takesInput = parsed.flag("interactive");
        const exitCode = await holdTerminal(place, attachment, { isTerminal, takesInput, keys });
        // Its monitor may be on the way to it, but the next of this name is not to find it.
        if (state.monitor?.remove) await settle(place, state.monitor.token, Deno.mainModule);
        return exitCode;
      }
    } catch (error) {
      await deleteContainer(place, { force: true });
      throw error;
    }
    print(`${place.id}\n`);
    return 0;
  },
};

function monitorOf(parsed: Parsed) {
  const logSize = parsed.text("log-max-size");
  return {
    logMaxBytes: logSize === undefined ? undefined : size("log-max-size", logSize),
    logMaxFiles: count("log-max-files", parsed.text("log-max-files"), 1),
    stdin: parsed.flag("interactive"),
    remove: parsed.flag("rm"),
    restart: policy(parsed.text("restart")),
    labels: Object.fromEntries(
      parsed.texts("label").map((text) => text.includes("=") ? pair("label", text) : [text, ""]),
    ),
  };
}

function policy(text: string | undefined): RestartPolicy | undefined {
  if (text === undefined || /^(no|always|on-failure(:\d+)?)$/.test(text)) return text as RestartPolicy | undefined;
  throw new UsageError(`--restart must be no, always or on-failure[:TIMES]; it is ${JSON.stringify(text)}`);
}

/** `-dit` as `-d -i -t`, before the program. */
function singleLetters(args: string[]): string[] {
  return args.flatMap((word) => /^-[dit]{2,3}$/.test(word) ? [...word.slice(1)].map((letter) => `-${letter}`) : [word]);
}
