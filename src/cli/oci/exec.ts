/** `exec ID PROGRAM…`: runs a further program in a container. */

import { execDetached, execInForeground, type ExecRequest } from "../../runtime/container/exec.ts";
import { handed } from "../../runtime/container/handed.ts";
import { placeOf } from "../../runtime/container/store.ts";
import { waitInForeground } from "../../runtime/container/wait.ts";
import { readObject } from "../../spec/config_json.ts";
import { type Option, UsageError } from "../options.ts";
import { writePid } from "./create.ts";
import { textOfFile } from "./input.ts";
import type { Command } from "./main.ts";
import { type Arguments, count } from "./options.ts";

const OPTIONS: readonly Option[] = [
  { name: "process", short: "p", value: "FILE", completes: "file", help: "the JSON of OCI's process; - for stdin" },
  { name: "pid-file", value: "FILE", completes: "file", help: "write the program's PID to FILE" },
  { name: "console-socket", value: "SOCKET", completes: "file", help: "send its terminal to SOCKET" },
  { name: "pidfd-socket", value: "SOCKET", completes: "file", help: "send its pidfd to SOCKET" },
  { name: "tty", short: "t", help: "give it a terminal of its own" },
  { name: "detach", short: "d", help: "leave it to itself once it is started" },
  { name: "cwd", value: "DIR", help: "start it in DIR" },
  { name: "env", short: "e", value: "NAME=VALUE", many: true, help: "set a variable" },
  { name: "user", short: "u", value: "UID[:GID]", help: "run as this user" },
  { name: "additional-gids", short: "g", value: "GID", many: true, help: "further groups" },
  { name: "cap", short: "c", value: "CAPABILITY", many: true, help: "give it a capability" },
  { name: "no-new-privs", help: "let it gain no privileges" },
  { name: "preserve-fds", value: "N", help: "hand on so many descriptors behind stderr" },
  { name: "cgroup", value: "PATH", help: "put it into a cgroup below the container's" },
  { name: "ignore-paused", help: "do so in a paused container as well, where it waits" },
  { name: "apparmor", value: "PROFILE", help: "change to this AppArmor profile" },
  { name: "process-label", value: "LABEL", help: "change to this SELinux label" },
];

/** What the command ends with where it fails itself: the program's status would be another. */
const FAILURE = 255;

/** The command. */
export const exec: Command = {
  help: "run a further program in a container; its status, or 255 where it cannot be run",
  operands: "ID PROGRAM [ARGUMENTS]...",
  count: 2,
  ends: true,
  failure: FAILURE,
  options: OPTIONS,
  async run(args, globals) {
    const [id] = args.positional;
    if (id === undefined) throw new UsageError("exec needs the ID of a container");
    const place = placeOf(id, globals);
    const request = await requestOf(args);
    const [consoleSocket, pidfdSocket, pidFile] = ["console-socket", "pidfd-socket", "pid-file"].map(args.text);
    const isHeld = !args.flag("detach") && [consoleSocket, pidfdSocket, pidFile].every((path) => path === undefined);
    if (isHeld) return await execInForeground(place, request);
    const process = await execDetached(place, request, { consoleSocket, pidfdSocket });
    await writePid(pidFile, process.pid);
    return args.flag("detach") ? 0 : await waitInForeground(process) ?? FAILURE;
  },
};

async function requestOf(args: Arguments): Promise<ExecRequest> {
  const file = args.text("process");
  const common = {
    cgroup: args.text("cgroup"),
    ignorePaused: args.flag("ignore-paused"),
    preserveFds: count("preserve-fds", args.text("preserve-fds")),
    handed: handed(),
  };
  if (file === undefined) return { ...common, ...fromOptions(args) };
  const process = await textOfFile(file);
  readObject(process, file === "-" ? "stdin" : file);
  return { ...common, process, asItsProgram: false };
}

function fromOptions(args: Arguments): ExecRequest {
  const program = [...args.positional.slice(1), ...args.rest];
  if (program.length === 0) throw new UsageError("exec needs a program, or --process");
  const process = {
    args: program,
    env: args.texts("env"),
    cwd: args.text("cwd"),
    user: userOf(args.text("user")),
    terminal: args.flag("tty"),
    noNewPrivileges: args.flag("no-new-privs"),
    apparmorProfile: args.text("apparmor"),
    selinuxLabel: args.text("process-label"),
  };
  return {
    process: JSON.stringify(process),
    asItsProgram: true,
    capabilities: args.texts("cap").map(capability),
    additionalGids: args.texts("additional-gids").flatMap((text) => text.split(",")).map(gid),
  };
}

/** As `CAP_CHOWN`, however it is written. */
function capability(name: string): string {
  const upper = name.toUpperCase();
  return upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
}

function gid(text: string): number {
  const number = count("additional-gids", text);
  if (number === undefined || number >= 2 ** 32 - 1) throw new UsageError(`--additional-gids: ${text} is no group`);
  return number;
}

/** `UID[:GID]`. */
function userOf(text: string | undefined): { uid: number; gid?: number } | undefined {
  if (text === undefined) return undefined;
  const [, uid, , gid] = /^(\d+)(:(\d+))?$/.exec(text) ?? [];
  if (uid === undefined) {
    throw new UsageError(`--user must be such as 1000 or 1000:1000; it is ${JSON.stringify(text)}`);
  }
  return { uid: Number(uid), ...(gid !== undefined && { gid: Number(gid) }) };
}
