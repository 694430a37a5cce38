/**
 * `namespaceSpawn`: a program that runs beside this one, its streams, its signals, its end.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { namespaceExec, namespaceExecSync, namespaceSpawn, SpecError, StateError } from "../mod.ts";
import {
  exists,
  leavesNothing,
  namedPipe,
  pidNamespaces,
  requires,
  runDeno,
  shell,
  soon,
  tempFolder,
  textOf,
  zombies,
} from "./support.ts";

const test = requires();

const CAT = { program: "cat", stdin: "piped", stdout: "piped" } as const;
/** Runs until it is ended; should a test fail, it does not stay for ever. */
const SLEEP = { program: "sleep", argv: ["sleep", "30"], killOnExit: true };

const bytes = (text: string) => new TextEncoder().encode(text);

test("namespaceSpawn() returns at once with the program's PID when it is started", async () => {
  await using program = namespaceSpawn({ ...shell("echo $$; cat"), ...CAT, program: "/bin/sh" });
  const { value } = await program.stdout.getReader().read();
  assertEquals(textOf(value), String(program.pid));
  assert(exists(`/proc/${program.pid}`));
});

test("status tells the end when it is asked for before and after", async () => {
  const program = namespaceSpawn({ ...shell("read line; exit 6"), stdin: "piped" });
  const before = program.status;
  await program.stdin.close();
  assertEquals([(await before).exitCode, (await program.status).exitCode], [6, 6]);
  assertEquals((await before).pid, program.pid);
  assertGreater((await before).usage.wallUs, 0);
});

for (const timeoutMs of [30, undefined]) {
  // The heartbeat goes on only for programs that are waited for, so it cannot be what ends this one.
  test(`status tells of the program's time when it is unreferenced and timeoutMs is ${timeoutMs}`, async () => {
    const program = namespaceSpawn({ program: "sleep", argv: ["sleep", "0.8"], timeoutMs });
    program.unref();
    const { outOfTime } = await soon("the program ends", program.status);
    assertEquals(outOfTime, timeoutMs !== undefined);
  });
}

for (const [signal, number] of [["SIGTERM", 15], ["SIGUSR1", 10], ["int", 2], ["SIGRTMIN+2", 36], [9, 9]] as const) {
  test(`kill() ends the program when the signal is ${signal}`, async () => {
    const program = namespaceSpawn(SLEEP);
    program.kill(signal);
    assertEquals((await program.status).signal?.number, number);
  });
}

test("kill() sends SIGTERM when no signal is named", async () => {
  const program = namespaceSpawn(SLEEP);
  program.kill();
  assertEquals((await program.status).signal, { number: 15, name: "SIGTERM" });
});

// The C library keeps signals 32 and 33 to itself; they have no names of their own.
test("kill() ends the program when the signal has no name", async () => {
  const program = namespaceSpawn(SLEEP);
  program.kill(32);
  const { signal } = await program.status;
  assertEquals(signal?.number, 32);
  assertMatch(signal?.name ?? "", /^SIG[A-Z0-9]+([+-]\d+)?$/);
});

requires(pidNamespaces)("kill() leaves PID 1 running when the signal's default action is nothing", async () => {
  await using program = namespaceSpawn({ ...CAT, enablePidNamespace: true });
  program.kill("SIGWINCH");
  program.kill("SIGCONT");
  const writer = program.stdin.getWriter();
  await writer.write(bytes("alive"));
  const { value } = await program.stdout.getReader().read();
  assertEquals(textOf(value), "alive");
});

test("kill() throws StateError when the program has ended", async () => {
  const program = namespaceSpawn({ program: "true" });
  await program.status;
  const error = assertThrows(() => program.kill(), StateError, `process ${program.pid}`);
  assertEquals([error.expected, error.actual], ["running", "ended"]);
});

test("kill() throws SpecError and sends nothing when there is no such signal", async () => {
  await using program = namespaceSpawn(CAT);
  for (const signal of ["SIGFOO", "", "SIGSIGTERM", "SIGRTMIN+31", 0, -9, 65, 1.5, NaN]) {
    const error = assertThrows(() => program.kill(signal), SpecError);
    assertEquals(error.path, "signal");
  }
  assertEquals((await program.output()).exitCode, 0);
});

test("output() collects both streams when they are piped", async () => {
  const script = "head -c 300000 /dev/zero; echo err >&2; exit 3";
  const program = namespaceSpawn({ ...shell(script), stdout: "piped", stderr: "piped" });
  const { stdout, stderr, exitCode } = await program.output();
  assertEquals([stdout.length, textOf(stderr), exitCode], [300_000, "err", 3]);
});

test("output() has no bytes when nothing is piped", async () => {
  const { stdout, stderr } = await namespaceSpawn({ program: "true" }).output();
  assertEquals([stdout.length, stderr.length], [0, 0]);
});

test("output() ends the program's input when nobody writes to it", async () => {
  const { exitCode, stdout } = await namespaceSpawn(CAT).output();
  assertEquals([exitCode, stdout.length], [0, 0]);
});

test("output() rejects with TypeError when a stream is being read already", async () => {
  await using program = namespaceSpawn(CAT);
  const reader = program.stdout.getReader();
  await assertRejects(() => program.output(), TypeError);
  reader.releaseLock();
});

for (const [what, use] of [["read to its end", Array.fromAsync], ["cancelled", cancel]] as const) {
  test(`output() tells the rest when stdout has been ${what}`, async () => {
    const program = namespaceSpawn({
      ...shell("trap '' PIPE; echo out 2>/dev/null; echo err >&2"),
      stdout: "piped",
      stderr: "piped",
    });
    await use(program.stdout);
    const { stdout, stderr } = await program.output();
    assertEquals([stdout.length, textOf(stderr)], [0, "err"]);
  });
}

function cancel(stream: ReadableStream): Promise<void> {
  return stream.cancel();
}

for (const name of ["stdin", "stdout", "stderr"] as const) {
  test(`${name} throws TypeError when it is not piped`, async () => {
    await using plain = namespaceSpawn(SLEEP);
    assertThrows(() => plain[name], TypeError, name);
    await using piped = namespaceSpawn({ ...SLEEP, [name]: "piped" });
    assertInstanceOf(piped[name], name === "stdin" ? WritableStream : ReadableStream);
  });
}

test("stdin and stdout carry 100 MB unchanged when both are used at once", async () => {
  const program = namespaceSpawn(CAT);
  const piece = crypto.getRandomValues(new Uint8Array(65_000));
  const total = 100_000_000;
  const sending = (async () => {
    const writer = program.stdin.getWriter();
    for (let sent = 0; sent < total; sent += piece.length) await writer.write(piece.subarray(0, total - sent));
    await writer.close();
  })();
  let received = 0;
  let wrong = 0;
  for await (const chunk of program.stdout) {
    for (const byte of chunk) if (byte !== piece[received++ % piece.length]) wrong++;
  }
  await sending;
  assertEquals({ received, wrong, exitCode: (await program.status).exitCode }, {
    received: total,
    wrong: 0,
    exitCode: 0,
  });
});

for (const exec of [namespaceExec, namespaceExecSync]) {
  test(`${exec.name}() captures 100 MB when stdout is piped`, async () => {
    const config = { program: "head", argv: ["head", "-c", "100000000", "/dev/zero"], stdout: "piped" } as const;
    const { stdout } = await exec(config);
    assertEquals([stdout?.length, stdout?.findLastIndex((byte) => byte !== 0)], [100_000_000, -1]);
  });
}

test("stdout gives what the program wrote when it has ended before", async () => {
  const program = namespaceSpawn({ ...shell("echo late"), stdout: "piped" });
  await program.status;
  assertEquals(textOf((await Array.fromAsync(program.stdout))[0]), "late");
});

test("stdout fills the reader's own buffer when it is read as a byte stream", async () => {
  await using program = namespaceSpawn(CAT);
  const writer = program.stdin.getWriter();
  await writer.write(bytes("abcdef"));
  const reader = program.stdout.getReader({ mode: "byob" });
  const first = await reader.read(new Uint8Array(4));
  const second = await reader.read(new Uint8Array(4));
  await writer.close();
  const last = await reader.read(new Uint8Array(4));
  assertEquals([textOf(first.value), textOf(second.value), last.done], ["abcd", "ef", true]);
});

test("stdout ends the program by SIGPIPE when it is cancelled", async () => {
  const program = namespaceSpawn({ program: "yes", stdout: "piped" });
  const reader = program.stdout.getReader();
  assertGreater((await reader.read()).value?.length, 0);
  await reader.cancel();
  assertEquals((await program.status).signal?.name, "SIGPIPE");
});

test("stdout passes through other streams when it is piped to them", async () => {
  const program = namespaceSpawn({ ...shell("printf 'gr\\303'; printf '\\274n'"), stdout: "piped" });
  const text = program.stdout.pipeThrough(new TextDecoderStream());
  assertEquals((await Array.fromAsync(text)).join(""), "gr\u00fcn");
  await program.status;
});

test("stdin rejects with BrokenPipe when the program has closed it", async () => {
  await using program = namespaceSpawn({
    ...shell("exec <&-; echo closed; sleep 30"),
    stdin: "piped",
    stdout: "piped",
  });
  await program.stdout.getReader().read();
  const writer = program.stdin.getWriter();
  await assertRejects(() => writer.write(bytes("lost")), Deno.errors.BrokenPipe);
  await assertRejects(() => writer.closed, Deno.errors.BrokenPipe);
});

test("stdin rejects with TypeError when it is given a string", async () => {
  await using program = namespaceSpawn(CAT);
  const writer = program.stdin.getWriter();
  await assertRejects(() => writer.write("text" as unknown as Uint8Array<ArrayBuffer>), TypeError);
  await assertRejects(() => writer.closed, TypeError);
});

test("namespaceSpawn() kills the program when its signal is aborted", async () => {
  const controller = new AbortController();
  const program = namespaceSpawn({ ...SLEEP, signal: controller.signal });
  controller.abort();
  assertEquals((await program.status).signal?.name, "SIGKILL");
  const other = namespaceSpawn({ ...shell("exit 2"), signal: new AbortController().signal });
  assertEquals((await other.status).exitCode, 2);
});

test("namespaceSpawn() throws its signal's reason and starts nothing when it is aborted already", () => {
  using folder = tempFolder();
  const reason = new Error("no more");
  const config = shell('touch "$1"', `${folder.path}/trace`);
  assertStrictEquals(assertThrows(() => namespaceSpawn({ ...config, signal: AbortSignal.abort(reason) })), reason);
  assert(!exists(`${folder.path}/trace`));
});

test("Symbol.asyncDispose kills, reaps and closes when the block ends", async () => {
  await leavesNothing(async () => {
    let pid: number;
    {
      await using program = namespaceSpawn({ ...SLEEP, stdin: "piped", stdout: "piped", stderr: "piped" });
      pid = program.pid;
      assert(exists(`/proc/${pid}`));
    }
    assert(!exists(`/proc/${pid}`));
  });
});

test("Symbol.asyncDispose keeps the status when the program has ended before", async () => {
  const program = namespaceSpawn(shell("exit 8"));
  await program.status;
  await program[Symbol.asyncDispose]();
  await program[Symbol.asyncDispose]();
  assertEquals([(await program.status).exitCode, zombies()], [8, []]);
});

/** What a Deno says that ends only when nothing keeps its event loop alive. */
async function said(code: string) {
  const { stdout } = await soon(
    "the event loop has nothing left",
    runDeno(`import { namespaceSpawn } from MOD; ${code}`),
  );
  return stdout;
}

const LONG = `{ program: "sleep", argv: ["sleep", "30"], killOnExit: true, stdout: "piped" }`;

test("ref() keeps the process when unref() was called before", async () => {
  const code = `const program = namespaceSpawn({ program: "/bin/sh", argv: ["sh", "-c", "sleep 0.1; exit 3"] });
    program.unref(); program.ref();
    program.status.then(({ exitCode }) => console.log(exitCode));`;
  assertEquals(await said(code), "3");
});

test("unref() lets the process end when nothing else is left", async () => {
  const code = `const program = namespaceSpawn(${LONG}); program.unref();
    program.status.then(() => console.log("waited")); console.log("end");`;
  assertEquals(await said(code), "end");
});

test("unref() lets the process end when the program's output is being read", async () => {
  const code = `const program = namespaceSpawn(${LONG}); program.unref();
    program.stdout.getReader().read().then(() => console.log("read")); console.log("end");`;
  assertEquals(await said(code), "end");
});

test("unref() still tells the end when something else keeps the process", async () => {
  using folder = tempFolder();
  const pipe = namedPipe(`${folder.path}/go`);
  await using other = namespaceSpawn(SLEEP);
  const program = namespaceSpawn(shell('read line <"$1"; exit 3', pipe));
  program.unref();
  await Deno.writeTextFile(pipe, "go\n");
  assertEquals((await soon("the unreferenced program ends", program.status)).exitCode, 3);
  assert(exists(`/proc/${other.pid}`));
});

test("unref() still gives the program's output when something else keeps the process", async () => {
  await using other = namespaceSpawn(SLEEP);
  await using program = namespaceSpawn(CAT);
  program.unref();
  const reader = program.stdout.getReader();
  const reading = reader.read();
  const writer = program.stdin.getWriter();
  await writer.write(bytes("heard"));
  assertEquals(textOf((await soon("the output comes", reading)).value), "heard");
  assert(exists(`/proc/${other.pid}`));
});
