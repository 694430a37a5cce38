import { assert, assertEquals, assertMatch } from "@std/assert";
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

test("a container is started anew as it was made, whatever became of the files that said how", async () => {
  await using root = new Root();
  const { path } = root.rootfs;
  Deno.writeTextFileSync(`${path}/variables`, "A=before\n");
  // The second rule's number is none of JavaScript's.
  const rules = `{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}, {"names": ["rmdir"], "action": "SCMP_ACT_ERRNO",
    "args": [{"index": 1, "op": "SCMP_CMP_EQ", "value": 18446744073709551615}]}`;
  Deno.writeTextFileSync(`${path}/profile.json`, `{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [${rules}]}`);
  const files = ["--env-file", `${path}/variables`, "--seccomp", `${path}/profile.json`];
  await root.detached("echo $A; mkdir /made 2>/dev/null || echo refused", "--name", "one", ...files);
  assertEquals(await root.run("wait", "one"), "0\n");
  for (const name of ["variables", "profile.json"]) Deno.removeSync(`${path}/${name}`);
  assertMatch(Deno.readTextFileSync(`${root.path}/one/config.json`), /"value":18446744073709551615\b/);
  await root.run("start", "one");
  assertEquals(await root.run("wait", "one"), "0\n");
  assertEquals(await root.run("logs", "one"), "before\nrefused\n".repeat(2));
});

test("rm -f ends a container that waits to be started anew", async () => {
  await using root = new Root();
  await root.detached("exit 1", "--name", "one", "--restart", "always");
  await root.settled("one");
  await root.run("rm", "-f", "one");
  await new Promise((resolve) => setTimeout(resolve, 700));
  assertEquals(root.left(), []);
});
