import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { type NamespaceExecConfig, namespaceExecSync, namespaceSpawn, SpecError } from "../mod.ts";
import { execForms, leavesNothing, requires, shell, soon, textOf } from "./support.ts";
import { cli, COMMAND, Lines } from "./support_cli.ts";
import { containers, rootfs } from "./support_rootfs.ts";

const test = requires();
const testContainer = requires(containers);

const CTRL_C = "\x03";

/** What a terminal shows, with the ends of lines that a file would have. */
const shown = (bytes: Uint8Array | undefined) => textOf(bytes).replaceAll("\r\n", "\n");

/** A program with a terminal, and what it shows line by line. */
function spawnInTerminal(script: string, terminal: NamespaceExecConfig["terminal"] = true) {
  const program = namespaceSpawn({ ...shell(script), terminal });
  const lines = new Lines(program.stdout);
  const writer = program.stdin.getWriter();
  return {
    program,
    type: (text: string) => writer.write(new TextEncoder().encode(text)),
    endInput: () => writer.close(),
    next: async () => (await soon("a line of the terminal", lines.next())).replace(/\r$/, ""),
    close: () => lines.close(),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/** The command with its streams piped; `input` is all that there is. */
async function cliWithInput(args: string[], input: string) {
  const [command, ...rest] = [...COMMAND, ...args];
  const child = new Deno.Command(command, { args: rest, stdin: "piped", stdout: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await soon("the command's end", child.output());
  return { code, stdout: shown(stdout), stderr: shown(stderr) };
}

testContainer("namespaceExec() gives a container's program a terminal and a console", async () => {
  using root = rootfs();
  const script = "tty; for n in 0 1 2; do readlink /proc/self/fd/$n; done; test -c /dev/console && echo console; " +
    "echo $TERM; echo of stderr >&2";
  await leavesNothing(async () => {
    for (const [, exec] of execForms) {
      const { stdout, stderr, exitCode } = await exec({ ...shell(script), rootfs: root.path, terminal: true });
      const own = "/dev/pts/0";
      const expected = [own, own, own, own, "console", "xterm", "of stderr"].join("\n");
      assertEquals({ stdout: shown(stdout), stderr, exitCode }, { stdout: expected, stderr: undefined, exitCode: 0 });
    }
  });
});

test("namespaceExec() with a terminal ends a program's input at once", async () => {
  for (const [, exec] of execForms) {
    const { stdout } = await exec({ ...shell("cat; echo the end; exit 3"), terminal: true, timeoutMs: 20_000 });
    assertEquals(shown(stdout).replace("^D\b\b", ""), "the end");
  }
});

test("namespaceExec() with a terminal has all of a large output", async () => {
  const script = "stty -onlcr; head -c 10000000 /dev/zero | tr '\\0' x; printf end";
  for (const [, exec] of execForms) {
    const { stdout } = await exec({ ...shell(script), terminal: true });
    assertEquals(stdout!.byteLength, 10_000_003);
    assertEquals(textOf(stdout!.subarray(-4)), "xend");
  }
});

test("namespaceSpawn() with a terminal hands over what is typed, and shows what is written", async () => {
  await leavesNothing(async () => {
    await using cat = spawnInTerminal("stty -echo; echo ready; cat");
    assertEquals(await cat.next(), "ready");
    await cat.type("hello\n");
    assertEquals(await cat.next(), "hello");
    await cat.endInput();
    assertEquals((await cat.program.status).exitCode, 0);
    await cat.close();
  });
});

test("namespaceSpawn() with a terminal makes ctrl-C a SIGINT", async () => {
  await using program = spawnInTerminal("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done");
  assertEquals(await program.next(), "ready");
  await program.type(CTRL_C);
  assertMatch(await program.next(), /caught$/);
  assertEquals((await program.program.status).exitStatus, 5);
  await program.close();
});

test("resize() changes the terminal's size, and the program learns of it", async () => {
  const script = "trap 'stty size' WINCH; stty size; while :; do sleep 0.05; done";
  await using program = spawnInTerminal(script, { rows: 24, columns: 80 });
  assertEquals(await program.next(), "24 80");
  program.program.resize({ rows: 50, columns: 132 });
  assertEquals(await program.next(), "50 132");
  program.program.kill("SIGKILL");
  await program.program.status;
  program.program.resize({ rows: 1, columns: 1 });
  await program.close();
});

test("resize() refuses what is no size, and a program without a terminal", async () => {
  await using program = namespaceSpawn({ program: "sleep", argv: ["sleep", "60"] });
  assertThrows(() => program.resize({ rows: 1, columns: 1 }), TypeError, "Cannot resize");
  for (const size of [{ rows: 0, columns: 80 }, { rows: 24, columns: 65536 }, { rows: 1.5, columns: 80 }, {}, 24]) {
    assertThrows(() => program.resize(size as { rows: number; columns: number }), SpecError, "size");
  }
});

test("a stream cannot be something else where there is a terminal", () => {
  for (const streams of [{ stdin: "null" }, { stdout: 1 }, { stderr: "piped" }, { stdout: "inherit" }] as const) {
    const config = { program: "true", terminal: true, ...streams };
    const error = assertThrows(() => namespaceExecSync(config), SpecError, "cannot be set where the program has a");
    assertEquals(error.path, Object.keys(streams)[0]);
  }
  namespaceExecSync({ program: "true", terminal: true, stdin: "piped", stdout: "piped" });
});

test("an output that is left unread closes the terminal, and the program is told so", async () => {
  const program = namespaceSpawn({ ...shell("echo ready; exec sleep 1000"), terminal: true });
  const reader = program.stdout.getReader();
  await reader.read();
  await program.stdin.abort();
  await reader.cancel();
  assertEquals((await soon("SIGHUP", program.status)).signal?.name, "SIGHUP");
});

test("minicontainer -t shows all of a large output", async () => {
  const { code, stdout } = await cli(["-t", ...shellOf("head -c 10000000 /dev/zero | tr '\\0' x; printf end; exit 7")]);
  assertEquals({ code, length: stdout.length, end: stdout.slice(-4) }, { code: 7, length: 10_000_003, end: "xend" });
});

test("minicontainer -t hands a piped input over, and its end", async () => {
  const script = "stty -echo; cat; echo first; cat; echo second";
  const { code, stdout } = await cliWithInput(["-t", ...shellOf(script)], "one\ntwo without an end");
  assertEquals(code, 0);
  assertMatch(stdout, /one\ntwo without an endfirst\nsecond$/);
});

testContainer("minicontainer -t hands a piped input to a shell that edits its lines", async () => {
  using root = rootfs();
  for (const [input, expected] of [["echo $((6 * 7))\nexit 3\n", 3], ["echo $((6 * 7))\n", 0]] as const) {
    const { code, stdout } = await cliWithInput(["-t", "--rootfs", root.path, "/bin/sh"], input);
    assertEquals(code, expected);
    assertMatch(stdout, /^42$/m);
  }
});

test("minicontainer -t does not wait for who keeps the terminal open", async () => {
  const start = Date.now();
  const { code, stdout } = await cli(["-t", ...shellOf("trap '' HUP; (sleep 5; exit) & echo started; exit 4")]);
  assertEquals({ code, stdout }, { code: 4, stdout: "started\r\n" });
  assert(Date.now() - start < 4000);
});

testContainer("minicontainer -t ends a program whose output nobody reads any more", async () => {
  using root = rootfs();
  const [command, ...args] = [...COMMAND, "-t", "--rootfs", root.path, "yes"];
  const child = new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr: "inherit" }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const { code } = await soon("the command's end", child.status);
  assert(code === 129 || code === 1, `${code}`);
});

testContainer("minicontainer --rootfs gives no terminal where its stdin is none", async () => {
  using root = rootfs();
  const script = "tty; cut -d' ' -f5-7 /proc/self/stat; test -e /dev/console || echo no console; echo ${TERM-none}";
  const { code, stdout } = await cli(["--rootfs", root.path, ...shellOf(script)]);
  assertEquals({ code, stdout }, { code: 0, stdout: "not a tty\n1 1 0\nno console\nnone\n" });
});

for (const [signal, status] of [["SIGTERM", 143], ["SIGINT", 130], ["SIGHUP", 129]] as const) {
  for (const options of [[], ["-t"]]) {
    testContainer(`minicontainer ${["--rootfs", ...options].join(" ")} passes ${signal} on`, async () => {
      using root = rootfs();
      const catching = shellOf(`trap 'exit 9' ${signal.slice(3)}; echo ready; while :; do sleep 0.05; done`);
      for (const [program, expected, sign] of [[["sleep", "60"], status, "PID: 1"], [catching, 9, "ready"]] as const) {
        const command = [...COMMAND, ...options, "--rootfs", root.path, "--debug", ...program];
        // Both outputs are one, and the shell is no longer there when a signal comes.
        const args = ["-c", 'exec "$@" 2>&1', "sh", ...command];
        const child = new Deno.Command("/bin/sh", { args, stdin: "null", stdout: "piped" }).spawn();
        const lines = new Lines(child.stdout);
        while (!(await soon(`a line with ${sign}`, lines.next())).includes(sign));
        child.kill(signal);
        assertEquals((await soon("the command's end", child.status)).code, expected);
        await lines.close();
      }
    });
  }
}

function shellOf(script: string): string[] {
  return ["sh", "-c", script];
}
