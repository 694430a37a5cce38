import { assertEquals, assertMatch } from "@std/assert";
import { Container } from "../../mod.ts";
import { requires, soon, until } from "../support.ts";
import { isAlive } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { cgroupsLeft, Root } from "./support.ts";

const test = requires(containers);

test("start has a container that has ended run once more, as it was made, and its log goes on", async () => {
  await using root = new Root();
  const script = "echo $A $(hostname); echo >>/runs; exit $(wc -l </runs)";
  await root.detached(script, "--name", "one", "-e", "A=b", "--hostname", "inner", "--label", "kind=test");
  for (const [index, expected] of ["1\n", "2\n", "3\n"].entries()) {
    if (index > 0) assertEquals(await root.run("start", "one"), "");
    assertEquals(await soon("its end", root.run("wait", "one")), expected);
  }
  assertEquals(await root.run("logs", "one"), "b inner\n".repeat(3));
  await root.settled("one");
  const details = await root.inspect("one");
  assertEquals([details.labels, details.exit.exitCode, cgroupsLeft(details)], [{ kind: "test" }, 3, []]);
  await root.run("rm", "one");
  assertEquals(root.left(), []);
});

test("start ends what stop began: a container is started anew by its policy again", async () => {
  await using root = new Root();
  const container = await root.start("echo up; sleep 1000", { id: "one", monitor: { restart: "always" } });
  await container.stop({ timeoutMs: 0 });
  assertEquals((await container.state()).status, "stopped");
  await container.start();
  const { pid, status } = await container.state();
  assertEquals(status, "running");
  await container.kill("KILL");
  await until("it runs again", () => root.state("one").pid !== pid && isAlive(root.state("one").pid));
});

test("start does not wait for a restart that is to come, and takes its place", async () => {
  await using root = new Root();
  const script = "echo run; [ -e /ready ] && exec sleep 1000; exit 1";
  const container = await root.start(script, { id: "one", monitor: { restart: "always" } });
  // Pauses double: by then one takes a while.
  await until("it was started anew", () => root.state("one").monitor.restarts >= 3);
  await until("it waits", () => root.state("one").monitor.settled?.restarts === true);
  Deno.writeTextFileSync(`${root.rootfs.path}/ready`, "");
  await container.start();
  const { pid } = await container.state();
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assertEquals([(await container.state()).pid, root.state("one").monitor.inARow], [pid, 0]);
});

test("start is refused where a container runs, or has ended and was made by an engine", async () => {
  await using root = new Root();
  const refusal = async (id: string) => {
    const { code, stderr } = await root.call("start", id);
    assertEquals(code, 1);
    return stderr;
  };
  await root.detached("sleep 1000", "--name", "runs");
  assertMatch(await refusal("runs"), /it is running, and only a created container can be started/);
  await using engine = await root.start("true", { id: "engine", monitor: undefined });
  await engine.wait();
  assertMatch(await refusal("engine"), /cannot start a container that has stopped/);
});

test("start of what cannot be made any more says why, and leaves a container that can be removed", async () => {
  await using root = new Root();
  const container = await root.start("exit 4", { id: "one" });
  await container.wait();
  const path = `${root.rootfs.path}/bin`;
  Deno.renameSync(path, `${path}.away`);
  const { code, stderr } = await root.call("start", "one");
  assertEquals(code, 1);
  assertMatch(stderr, /^minicontainer: cannot execute "\/bin\/sh": no such file or directory\n$/);
  Deno.renameSync(`${path}.away`, path);
  await root.run("start", "one");
  assertEquals(await root.run("wait", "one"), "4\n");
  await root.run("rm", "one");
  assertEquals(await Container.list({ root: root.path }), []);
});
