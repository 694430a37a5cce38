import { assert, assertEquals, assertMatch } from "@std/assert";
import { pidNamespaces, requires, until } from "./support.ts";
import { cli, COMMAND, isAlive, Terminal } from "./support_cli.ts";

const test = requires();
const testInNamespace = requires(pidNamespaces);

const sh = (script: string) => ["/bin/sh", "-c", script];
const LIMIT = ["--output-size", "1000"];
const KILLED = "minicontainer: the program was killed: it wrote more than it may (--output-size 1000)\n";

test("--output-size kills who writes on and on, and hands on so many bytes", async () => {
  assertEquals(await cli([...LIMIT, "yes"]), { code: 137, stdout: "y\n".repeat(500), stderr: KILLED });
});

test("--output-size lets a program write all of it, and end as it likes", async () => {
  const { code, stdout, stderr } = await cli([...LIMIT, ...sh("printf %0500d 1; printf %0500d 2 >&2; exit 3")]);
  assertEquals([code, stdout.length, stderr.length, stderr.at(-1)], [3, 500, 500, "2"]);
});

test("--output-size counts stdout and stderr together, and tells of one byte too many though it has ended", async () => {
  const { code, stdout, stderr } = await cli([...LIMIT, ...sh("printf %0500d 1; printf %0501d 2 >&2")]);
  assertEquals([code, stdout.length + stderr.replace(KILLED, "").length, stderr.includes(KILLED)], [137, 1000, true]);
});

test("--output-size 0 lets a program that writes nothing be, and unlimited any", async () => {
  assertEquals(await cli(["--output-size", "0", "true"]), { code: 0, stdout: "", stderr: "" });
  assertEquals((await cli(["--output-size=0", "echo"])).code, 137);
  const { code, stdout } = await cli(["--output-size", "unlimited", ...sh("head -c 3000000 /dev/zero")]);
  assertEquals([code, stdout.length], [0, 3_000_000]);
});

test("--output-size carries what is larger than a pipe, both streams in turn, through a reader that is slow", async () => {
  const script = "for n in 1 2 3 4 5 6 7 8; do head -c 100000 /dev/zero; head -c 100000 /dev/zero >&2; done";
  const slow = ["sh", "-c", '"$@" 2>&1 | { sleep 0.3; wc -c; }', "sh"];
  assertEquals((await cli(["--output-size", "2M", ...sh(script)], { prefix: slow })).stdout.trim(), "1600000");
});

test("--output-size leaves SIGPIPE to the program whose reader has gone", async () => {
  const gone = ["sh", "-c", '{ "$@"; echo $? >&2; } | head -c 4', "sh"];
  assertEquals(await cli(["--output-size", "1G", "yes"], { prefix: gone }), {
    code: 0,
    stdout: "y\ny\n",
    stderr: "141\n",
  });
});

test("--output-size does not wait for who holds the streams open after the program's end", async () => {
  const { code, stdout } = await cli([...LIMIT, ...sh("sleep 30 & echo $!")], { streams: "file" });
  const left = Number(stdout);
  assert(code === 0 && isAlive(left), `${code} ${stdout}`);
  Deno.kill(left, "SIGKILL");
  await until("it has ended", () => !isAlive(left));
});

testInNamespace("--output-size kills PID 1, and all with it", async () => {
  const script = "yes & echo $! >&2; while :; do sleep 1; done";
  const { code, stderr } = await cli(["--pid", ...LIMIT, ...sh(script)]);
  assertEquals([code, stderr.endsWith(KILLED)], [137, true]);
});

test("--output-size counts what a terminal of the program's own shows", async () => {
  const { code, stdout, stderr } = await cli(["-t", ...LIMIT, "yes"]);
  assertEquals({ code, stdout, stderr }, { code: 137, stdout: "y\r\n".repeat(333) + "y", stderr: KILLED });
});

test("ctrl-C reaches a program whose output is counted", async () => {
  await using terminal = new Terminal(`${COMMAND.join(" ")} --output-size 1M sh -c 'echo ready; exec sleep 60'`);
  await terminal.waitFor(/ready/);
  terminal.type("\x03");
  assertEquals(await terminal.code(), 130);
});

test("--output-size refuses what is no size, and explain shows the pipes", async () => {
  const refused = await cli(["--output-size", "much", "true"]);
  assertEquals(refused.code, 125);
  assertMatch(refused.stderr, /--output-size must be such as 64M; it is "much"/);
  assertMatch((await cli(["explain", ...LIMIT, "true"])).stdout, /pipe2[^]*pipe2/);
});
