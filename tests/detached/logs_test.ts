import { assert, assertEquals, assertMatch } from "@std/assert";
import { requires, soon } from "../support.ts";
import { OCI_COMMAND } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./support.ts";

const test = requires(containers);

test("logs has the last lines, the late ones, and times in front", async () => {
  await using root = new Root();
  await root.detached("echo 1; echo 2 >&2; sleep 0.05; echo 3; printf end", "--name", "one");
  await root.run("wait", "one");
  assertEquals(await root.call("logs", "one"), { code: 0, stdout: "1\n3\nend", stderr: "2\n" });
  assertEquals(await root.run("logs", "--tail", "2", "one"), "3\nend");
  const { stdout } = await root.call("logs", "-t", "one");
  const [[, first], [, third]] = [...stdout.matchAll(/^(\S+Z) [13]$/gm)];
  assert(first < third, stdout);
  assertEquals(await root.run("logs", "--since", third, "one"), "3\nend");
  assertEquals(await root.run("logs", "--since", "2999-01-01T00:00:00Z", "one"), "");
  assertMatch((await root.call("logs", "--since", "soon", "one")).stderr, /--since must be such as/);
});

test("logs -f tells what is written until the end, across rotations, each line once", async () => {
  await using root = new Root();
  const script = 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i + 1)); done; sleep 0.2';
  const container = await root.start(script, { id: "one", monitor: { logMaxBytes: 1 << 15, logMaxFiles: 50 } });
  const lines: string[] = [];
  for await (const { text } of container.logs({ follow: true })) lines.push(text);
  assertEquals(lines, Array.from({ length: 3000 }, (_, number) => `line ${number}`));
  assert([...Deno.readDirSync(`${root.path}/one`)].filter(({ name }) => name.startsWith("log.")).length > 2);
});

test("no more logs are kept than were asked for", async () => {
  await using root = new Root();
  const script = 'i=0; while [ $i -lt 2000 ]; do echo "line $i"; i=$((i + 1)); done';
  await root.detached(script, "--name", "one", "--log-max-size", "16k", "--log-max-files", "2");
  await soon("its end", root.run("wait", "one"));
  const logs = [...Deno.readDirSync(`${root.path}/one`)].map(({ name }) => name).filter((name) => /^log/.test(name));
  assertEquals(logs.sort(), ["log", "log.1"]);
  assertMatch(await root.run("logs", "one"), /line 1999\n$/);
});

test("logs keeps bytes that are no text, and lines of any length", async () => {
  await using root = new Root();
  await root.detached("printf '\\377\\n'; head -c 20000 /dev/zero | tr '\\0' x; echo", "--name", "one");
  await root.run("wait", "one");
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", 'exec "$@"', "sh", ...OCI_COMMAND, "--root", root.path, "logs", "one"],
  }).output();
  assertEquals(stdout.subarray(0, 2), new Uint8Array([255, 10]));
  assertEquals(new TextDecoder().decode(stdout.subarray(2)), `${"x".repeat(20000)}\n`);
});

test("logs has every line of a large log, once and in order", async () => {
  await using root = new Root();
  const container = await root.start("seq 1 60000", { id: "one" });
  await container.wait();
  const lines: string[] = [];
  for await (const { text } of container.logs()) lines.push(text);
  assertEquals(lines, Array.from({ length: 60_000 }, (_, number) => `${number + 1}`));
});

test("logs has every byte of a large log of control characters", async () => {
  await using root = new Root();
  const container = await root.start("i=0; while [ $i -lt 40 ]; do head -c 20000 /dev/zero; echo; i=$((i + 1)); done", {
    id: "one",
  });
  await container.wait();
  let bytes = 0;
  for await (const { text } of container.logs()) bytes += text.replaceAll(/[^\0]/g, "").length;
  assertEquals(bytes, 800_000);
});

test("logs of a container without a monitor is refused", async () => {
  await using root = new Root();
  await using container = await root.start("sleep 1000", { id: "one", monitor: undefined });
  assertEquals((await container.state()).status, "running");
  const { code, stderr } = await root.call("logs", "one");
  assertEquals(code, 1);
  assertMatch(stderr, /"one" has no log: it has no monitor/);
});
