import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { StateError } from "../../mod.ts";
import { requires, soon, tool } from "../support.ts";
import { OCI_COMMAND, Terminal } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./support.ts";

const test = requires(containers);
const testTerminal = requires(containers, tool("script"));

/** Reads a stream until a text stands in it. */
async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>, wanted: string) {
  const decoder = new TextDecoder();
  for (let text = "";;) {
    const { done, value } = await soon(`${wanted} is shown`, reader.read());
    text += decoder.decode(value, { stream: true });
    if (done || text.includes(wanted)) return text;
  }
}

test("attach() writes to a container and reads both of its streams", async () => {
  await using root = new Root();
  const container = await root.start("read a; echo got $a; echo oops >&2; cat; exit 6", { monitor: { stdin: true } });
  await using attachment = await container.attach();
  const [stdout, stderr] = [attachment.stdout.getReader(), attachment.stderr.getReader()];
  const writer = attachment.stdin.getWriter();
  await writer.write(new TextEncoder().encode("this\nthat\n"));
  await writer.close();
  assertEquals(await readUntil(stdout, "that"), "got this\nthat\n");
  assertEquals(await readUntil(stderr, "oops"), "oops\n");
  assertEquals(await soon("its end", attachment.ended), 6);
  const { exitCode, signal, oomKilled } = await container.wait();
  assertEquals({ exitCode, signal, oomKilled }, { exitCode: 6, signal: null, oomKilled: false });
  await assertRejects(() => container.attach(), StateError, "it is stopped");
});

test("closing an attachment leaves the container running", async () => {
  await using root = new Root();
  const container = await root.start("while :; do echo tick; sleep 0.02; done");
  const attachment = await container.attach();
  const reader = attachment.stdout.getReader();
  assertMatch(await readUntil(reader, "tick"), /tick/);
  await attachment.close();
  assertEquals(await attachment.ended, undefined);
  assertEquals((await container.state()).status, "running");
  await container.stop({ timeoutMs: 0 });
  assertEquals((await container.wait()).signal?.name, "SIGKILL");
});

/** The command in a terminal of its own. */
function inTerminal(root: Root, ...args: string[]): Terminal {
  return new Terminal([...OCI_COMMAND, "--root", root.path, ...args].join(" "));
}

testTerminal("run -it is a session that ctrl-p ctrl-q leaves and attach comes back to", async () => {
  await using root = new Root();
  await using first = inTerminal(root, "run", "-it", "--name", "one", "--rootfs", root.rootfs.path, "sh");
  await first.waitFor(/# /);
  first.type("A=kept; tty\n");
  await first.waitFor(/\/dev\/pts\/0/);
  first.type("\x10\x11");
  assertEquals(await soon("the command's end", first.code()), 0);
  assertEquals((await root.inspect("one")).status, "running");
  await using second = inTerminal(root, "attach", "one");
  second.type("echo $A as $$\n");
  await second.waitFor(/kept as 1/);
  second.type("exit 5\n");
  assertEquals(await soon("the shell's end", second.code()), 5);
  assert((await root.run("logs", "one")).includes("kept as 1"));
});

testTerminal("a container's terminal is as large as ours, and follows it", async () => {
  await using root = new Root();
  const outer = new Terminal("sh");
  await using session = outer;
  session.type("stty rows 33 cols 101; tty\n");
  const [own] = await session.waitFor(/\/dev\/pts\/\d+/);
  // Of rows and columns stty(1) sets one after the other.
  const follow = 'now=\\$(stty size); echo \\$now; [ \\"\\$now\\" != \\"50 132\\" ] || exit 6';
  const script = `'stty size; trap "${follow}" WINCH; echo ready; while :; do sleep 0.02; done'`;
  const command = [...OCI_COMMAND, "--root", root.path, "run", "-it", "--rm", "--rootfs", root.rootfs.path, "sh", "-c"];
  session.type(`${command.join(" ")} ${script}; echo co''de=$?\n`);
  await session.waitFor(/33 101\s+ready/);
  await new Deno.Command("stty", { args: ["-F", own, "rows", "50", "cols", "132"] }).output();
  await session.waitFor(/50 132/);
  await session.waitFor(/code=6/);
});
