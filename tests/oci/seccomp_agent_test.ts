/** `linux.seccomp.listenerPath`: another process answers a container's system calls. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { requires } from "../support.ts";
import { Agent } from "../support_agent.ts";
import { cli } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import type { Linux, Process } from "../../mod.ts";
import { Root } from "./doors.ts";

const test = requires(containers);

const EEXIST = 17;

/** A container whose filter asks the agent at `path` about `names`. */
function asking(root: Root, path: string, process: Partial<Process>, names: string[] = ["mkdir", "mkdirat"]): string {
  const linux: Linux = {
    namespaces: [{ type: "pid" }, { type: "mount" }],
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      listenerPath: path,
      listenerMetadata: "some\nmetadata",
      syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }],
    },
  };
  return root.bundle(process, { linux });
}

/** Makes three folders, of which the second is there already, and ends with the number of those that are there. */
const MAKES =
  'rmdir /c 2>/dev/null; mkdir /a; mkdir /b 2>/dev/null && exit 90; mkdir /c || exit 91; set -- /[abc]; [ "$1" = /c ] && exit $#';

/** The first folder is not made, though the call succeeds; the second is said to be there; the third is made. */
function answers() {
  const verdicts = [0, EEXIST, "continue"] as const;
  let next = 0;
  return () => verdicts[next++] ?? "continue";
}

for (const noNewPrivileges of [true, false]) {
  const how = noNewPrivileges ? "with" : "without";
  test(`start sends the listener to listenerPath, and what is there answers, ${how} noNewPrivileges`, async () => {
    await using root = new Root();
    for (const door of root.doors()) {
      const path = `${root.path}/agent`;
      using agent = new Agent(path, answers());
      const id = `a-${door.name}`;
      await door.create(id, asking(root, path, { args: ["sh", "-c", MAKES], noNewPrivileges }));
      assertEquals(await agent.hasVisitor(), false, door.name);
      const { pid, bundle } = await door.state(id);
      const [{ told, calls }] = await Promise.all([agent.serve(), door.start(id)]);
      assertEquals([told.fds, told.pid, told.metadata, calls], [["seccompFd"], pid, "some\nmetadata", 3], door.name);
      assertMatch(told.ociVersion, /^1\.\d+\.\d+$/);
      const { state } = told;
      assertEquals([state.id, state.status, state.pid, state.bundle], [id, "created", pid, bundle], door.name);
    }
  });

  test(`exec sends a listener of its own to listenerPath, ${how} noNewPrivileges`, async () => {
    await using root = new Root();
    for (const door of root.doors()) {
      const path = `${root.path}/agent`;
      using agent = new Agent(path, answers());
      const id = `a-${door.name}`;
      await door.create(id, asking(root, path, { args: ["sleep", "1000"], noNewPrivileges }));
      const first = agent.serve();
      await door.start(id);
      const { pid } = await door.state(id);
      // The next to be served is the next to come.
      while (await agent.hasVisitor());
      const [{ told, calls }, code] = await Promise.all([agent.serve(), door.exec(id, "sh", "-c", MAKES)]);
      assertEquals([code, calls, told.state.status, told.state.pid], [1, 3, "running", pid], door.name);
      assert(told.pid > 0 && told.pid !== pid, `${told.pid}`);
      await door.kill(id, "KILL");
      assertEquals([(await first).told.pid, (await first).calls], [pid, 0]);
    }
  });
}

test("run sends the listener to listenerPath, and the one who answers may be asked about execve", async () => {
  await using root = new Root();
  const path = `${root.path}/agent`;
  const names = ["mkdir", "mkdirat", "execve", "setresuid", "setgroups"];
  const bundle = asking(root, path, { args: ["sh", "-c", "mkdir /a && echo made"], user: { uid: 5, gid: 5 } }, names);
  using agent = new Agent(path, () => "continue");
  const run = cli(["--root", root.containers, "run", "-b", bundle, "a"]);
  const [{ told, calls }, ended] = await Promise.all([agent.serve(), run]);
  assert(calls >= 3, `${calls}`);
  assertEquals([told.state.id, ended.code, ended.stdout], ["a", 1, ""]);
  assertMatch(ended.stderr, /^mkdir: .*Permission denied/);
});

test("start and exec fail where nobody listens at listenerPath, and what was started has ended", async () => {
  await using root = new Root();
  const path = `${root.path}/agent`;
  for (const door of root.doors()) {
    const id = `a-${door.name}`;
    await door.create(id, asking(root, path, { args: ["sleep", "1000"] }));
    const message = "(linux.seccomp.listenerPath): no such file or directory";
    await assertRejects(() => door.start(id), Error, message);
    assertEquals((await door.state(id)).status, "stopped");
    using agent = new Agent(path, () => "continue");
    await door.create(`${id}-2`, asking(root, path, { args: ["sleep", "1000"] }));
    const served = agent.serve();
    await door.start(`${id}-2`);
    Deno.removeSync(path);
    assertEquals(await door.exec(`${id}-2`, "true").catch(() => 255), 255);
    await door.kill(`${id}-2`, "KILL");
    await served;
  }
});

test("create refuses a listenerPath whose filter asks about the call that sends the listener", async () => {
  await using root = new Root();
  for (const door of root.doors()) {
    const bundle = asking(root, `${root.path}/agent`, {}, ["mkdir", "sendmsg"]);
    const message = "linux.seccomp.syscalls[0].names[1]: cannot have the action SCMP_ACT_NOTIFY";
    await assertRejects(() => door.create(`a-${door.name}`, bundle), Error, message);
  }
  assertEquals(root.left(), []);
});
