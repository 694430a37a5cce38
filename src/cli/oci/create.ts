/** `create ID`: makes a container that waits to be started. */

import { callLife } from "../../native/life.ts";
import { createContainer, type Created } from "../../runtime/container/create.ts";
import { handed } from "../../runtime/container/handed.ts";
import type { Option } from "../options.ts";
import { warn } from "./log.ts";
import type { Command } from "./main.ts";
import { type Arguments, count, type Globals, onlyId } from "./options.ts";

/** The options of whatever makes a container. */
export const CREATE_OPTIONS: readonly Option[] = [
  { name: "bundle", short: "b", value: "DIR", completes: "folder", help: "the folder with config.json; default: ." },
  { name: "pid-file", value: "FILE", completes: "file", help: "write the PID of the container's process to FILE" },
  { name: "console-socket", value: "SOCKET", completes: "file", help: "send the container's terminal to SOCKET" },
  { name: "pidfd-socket", value: "SOCKET", completes: "file", help: "send a pidfd of its process to SOCKET" },
  { name: "no-pivot", help: "move to the root instead of pivoting, as in an initramfs" },
  { name: "no-new-keyring", help: "leave it the caller's session keyring" },
  { name: "preserve-fds", value: "N", help: "hand on so many descriptors behind stderr" },
];

/** The command. */
export const create: Command = {
  help: "make a container that waits to be started",
  operands: "ID",
  count: 1,
  options: CREATE_OPTIONS,
  async run(args, globals) {
    await createBy("create", args, globals);
    return 0;
  },
};

/** Makes the container that a command line asks for. */
export async function createBy(
  command: string,
  args: Arguments,
  globals: Globals,
  foreground = false,
): Promise<Created> {
  const created = await createContainer({
    ...globals,
    // An engine that wants systemd says so.
    cgroupManager: globals.cgroupManager ?? "cgroupfs",
    id: onlyId(command, args),
    bundle: args.text("bundle"),
    consoleSocket: args.text("console-socket"),
    pidfdSocket: args.text("pidfd-socket"),
    noPivot: args.flag("no-pivot"),
    noNewKeyring: args.flag("no-new-keyring"),
    preserveFds: count("preserve-fds", args.text("preserve-fds")),
    foreground,
    handed: handed(),
  });
  await warn(globals, created.warnings);
  await writePid(args.text("pid-file"), created.state.pid);
  return created;
}

/** Writes the file that an option asks for: the bare number. */
export async function writePid(path: string | undefined, pid: number) {
  if (path !== undefined && path !== "") await callLife("file.write", { path, text: String(pid) });
}
