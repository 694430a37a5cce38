/**
 * Limits for an ordinary user, by that user's systemd: from one of its own units, and from a session.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { exists, pidNamespaces, requires, textOf, tool, until } from "../support.ts";
import { rootfs } from "../support_rootfs.ts";
import { OWN, pureV2, ROOT, systemd, throwAway } from "./support.ts";

const test = requires(pureV2, systemd, throwAway, pidNamespaces, tool("useradd"), tool("busybox"));

const UID = "4242";
const HOME = "/home/ordinary";
const RUNTIME = `/run/user/${UID}`;
const SLICE = `/user.slice/user-${UID}.slice`;
const MANAGER = `${SLICE}/user@${UID}.service`;
const COMMAND = [`${HOME}/deno`, "run", "--no-lock", "-A", `${HOME}/bin.ts`];

/** The user, whose manager is up and who has the project. */
async function user() {
  if (exists(`${RUNTIME}/bus`)) return;
  const project = new URL("../../", import.meta.url).pathname;
  const files = ["mod.ts", "cli.ts", "bin.ts", "deno.json", "src", "std", "target/release/libminicontainer.so"];
  const script = `useradd --uid ${UID} --create-home --home-dir ${HOME} --shell /bin/sh ordinary
    loginctl enable-linger ordinary
    cp "$0" ${HOME}/deno && cd "$1" && cp -R --parents ${files.join(" ")} ${HOME} && chown -R ${UID}:${UID} ${HOME}`;
  const made = new Deno.Command("sh", { args: ["-ec", script, Deno.execPath(), project] }).outputSync();
  assert(made.success, textOf(made.stderr));
  await until("the user's bus", () => exists(`${RUNTIME}/bus`));
}

function run(command: string[]) {
  const { code, stdout, stderr } = new Deno.Command(command[0], { args: command.slice(1) }).outputSync();
  return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/** Runs the command as that user: wherever this process is, or behind what else is executed first. */
function asUser(args: string[], prefix: string[] = []) {
  const environment = [`HOME=${HOME}`, "PATH=/usr/bin:/bin", `XDG_RUNTIME_DIR=${RUNTIME}`, `DENO_DIR=${HOME}/cache`];
  const identity = ["setpriv", "--reuid", UID, "--regid", UID, "--clear-groups", "env", "-i", ...environment];
  return run([...identity, ...prefix, ...COMMAND, ...args]);
}

/** Runs commands in a session of that user's, as from a login. */
function inSession(...commands: string[][]) {
  const words = commands.map((args) => [...COMMAND, ...args].map((word) => `'${word}'`).join(" "));
  return run(["su", "-", "ordinary", "-c", words.join(" && ")]);
}

const ASKED = ["--memory", "64M", "--", "/bin/sh", "-c", `${OWN}; cat ${ROOT}$(${OWN})/memory.max`];

test("--cgroup-manager systemd gives an ordinary user limits when that user's systemd has started it", async () => {
  await user();
  const systemd = ["--cgroup-manager", "systemd", ...ASKED];
  const inside = asUser(systemd, ["systemd-run", "--user", "--wait", "--pipe", "--quiet"]);
  assertEquals({ code: inside.code, stderr: inside.stderr }, { code: 0, stderr: "" });
  const [own, limit] = inside.stdout.split("\n");
  assert(own.startsWith(`${MANAGER}/user.slice/minicontainer-`) && own.endsWith(".scope/container"), own);
  assertEquals(limit, `${64 << 20}`);
  await until("its removal", () => !exists(`${ROOT}${own}`));

  const outside = asUser(systemd);
  assertEquals(outside.code, 125);
  assertMatch(outside.stderr, /systemd-run --user --scope/);
});

test("an ordinary user has limits in a session, from which nobody else may move a process", async () => {
  await user();
  const { code, stdout, stderr } = inSession(ASKED);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const [own, limit] = stdout.split("\n");
  assertEquals(limit, `${64 << 20}`);
  assert(own.startsWith(`${MANAGER}/user.slice/minicontainer-`), own);
  await until("its removal", () => !exists(`${ROOT}${own}`));
});

test("an ordinary user's detached container keeps its limits, and is entered from another session", async () => {
  await user();
  using root = rootfs();
  const name = "limited";
  const made = inSession(
    ["run", "-d", "--name", name, "--rootfs", root.path, "--user", "--memory", "64M", "/bin/sleep", "1000"],
  );
  assertEquals({ code: made.code, stderr: made.stderr, stdout: made.stdout }, { code: 0, stderr: "", stdout: name });
  const { stdout, stderr } = inSession(
    ["update", "--memory", "32M", name],
    ["exec", name, "/bin/cat", "/proc/self/cgroup", "/sys/fs/cgroup/memory.max"],
    ["rm", "-f", name],
  );
  assertEquals(stderr, "");
  const [own, limit] = stdout.split("\n");
  assert(own.startsWith(`0::${MANAGER}/user.slice/minicontainer-`), own);
  assertEquals(limit, `${32 << 20}`);
  await until("its removal", () => !exists(`${ROOT}${own.slice("0::".length)}`));
});

test("limits are refused with the way to them when an ordinary user's program is a service of the system's", async () => {
  await user();
  const { code, stderr } = asUser(ASKED);
  assertEquals(code, 125);
  assertMatch(stderr, /memory: it is not handed down to what is below .*systemd-run --user --scope -p Delegate=yes/);
});
