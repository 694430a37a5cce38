import { assert, assertEquals } from "@std/assert";
import { requires, soon } from "../support.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./support.ts";

const test = requires(containers);

test("--restart on-failure:2 starts a program that fails three times in all", async () => {
  await using root = new Root();
  await root.detached("echo again; exit 3", "--name", "one", "--restart", "on-failure:2");
  assertEquals(await soon("its end", root.run("wait", "one")), "3\n");
  assertEquals(await root.run("logs", "one"), "again\n".repeat(3));
  const { restarts, restart, status } = await root.inspect("one");
  assertEquals({ restarts, restart, status }, { restarts: 2, restart: "on-failure:2", status: "stopped" });
});

test("--restart on-failure lets a program be that succeeds", async () => {
  await using root = new Root();
  await root.detached("echo once", "--name", "one", "--restart", "on-failure");
  assertEquals(await soon("its end", root.run("wait", "one")), "0\n");
  assertEquals(await root.run("logs", "-f", "one"), "once\n");
});

test("--restart always goes on until stop, with the environment that the first had", async () => {
  await using root = new Root();
  await root.detached("echo $A; sleep 0.1", "--name", "one", "--restart", "always", "-e", "A=b");
  const lines: string[] = [];
  const { Container } = await import("../../mod.ts");
  const container = await Container.open("one", { root: root.path });
  for await (const { text } of container.logs({ follow: true })) {
    lines.push(text);
    if (lines.length === 3) await container.stop({ timeoutMs: 0 });
  }
  assert(lines.length >= 3 && lines.every((line) => line === "b"), lines.join());
  await new Promise((resolve) => setTimeout(resolve, 500));
  assertEquals((await container.state()).status, "stopped");
  await container.delete();
});

test("rm -f ends a container that waits to be started anew", async () => {
  await using root = new Root();
  await root.detached("exit 1", "--name", "one", "--restart", "always");
  await root.settled("one");
  await root.run("rm", "-f", "one");
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals(root.left(), []);
});
