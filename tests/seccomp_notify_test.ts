/**
 * System calls that wait for an answer: what each answer does, and what becomes of those that get none.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import {
  explain,
  namespaceExec,
  type NamespaceExecConfig,
  namespaceExecSync,
  namespaceSpawn,
  type Seccomp,
  type SeccompNotification,
  SpecError,
  StateError,
  SystemError,
} from "../mod.ts";
import { exists, leavesNothing, pidNamespaces, requires, shell, soon, tempFolder, textOf } from "./support.ts";
import { cli } from "./support_cli.ts";

const test = requires();

/** A filter that asks about calls. */
function asking(...names: string[]): Seccomp {
  return { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names, action: "SCMP_ACT_NOTIFY" }] };
}

/** What asks about each folder that is made; machines differ in which call that is. */
const ASKS = { noNewPrivileges: true, seccomp: asking("mkdir", "mkdirat") } as const;

// Opens the library's functions for answers, which stay open: see support.ts.
await Array.fromAsync(namespaceSpawn({ program: "true", ...ASKS }).notifications);

const PIPED = { stdin: "null", stdout: "piped", stderr: "piped" } as const;

/** The folder that a call makes. */
function folderOf(call: SeccompNotification): string {
  return call.readString(call.syscall === "mkdir" ? 0 : 1);
}

/** Runs a program and answers each of its calls; what it wrote and how it ended. */
async function answering(config: NamespaceExecConfig, answer: (call: SeccompNotification) => unknown) {
  await using program = namespaceSpawn({ ...PIPED, ...ASKS, ...config });
  const { notifications } = program;
  const output = program.output();
  for await (const call of notifications) await answer(call);
  const { stdout, stderr, exitCode } = await soon("the program ends", output);
  return { stdout: textOf(stdout), stderr: textOf(stderr), exitCode };
}

test("allow() has the kernel make the call, and readString() has told its path", async () => {
  using folder = tempFolder();
  const paths: string[] = [];
  await leavesNothing(async () => {
    const { exitCode } = await answering(shell('mkdir "$1/a" && mkdir "$1/b"', folder.path), (call) => {
      paths.push(folderOf(call));
      assert(!exists(paths.at(-1)!) && !call.isAnswered);
      assertEquals(call.allow(), true);
      assert(call.isAnswered);
    });
    assertEquals(exitCode, 0);
  });
  assertEquals(paths, [`${folder.path}/a`, `${folder.path}/b`]);
  assert(paths.every(exists));
});

test("notifications say who calls what, by which arguments", async () => {
  using folder = tempFolder();
  const seen: SeccompNotification[] = [];
  const program = namespaceSpawn({ program: "mkdir", argv: ["mkdir", "-m", "0700", `${folder.path}/a`], ...ASKS });
  for await (const call of program.notifications) {
    seen.push(call);
    call.allow();
  }
  assertEquals((await program.status).exitCode, 0);
  const [call] = seen;
  assertEquals([seen.length, call.pid, call.args.length], [1, program.pid, 6]);
  assertMatch(call.syscall, /^mkdir(at)?$/);
  assertEquals(call.args[call.syscall === "mkdir" ? 1 : 2], 0o700n);
  assertEquals(call.architecture, Deno.build.arch === "x86_64" ? "SCMP_ARCH_X86_64" : "SCMP_ARCH_AARCH64");
  assert(call.number > 0 && call.instructionPointer > 0n);
});

for (const [errno, words] of [["ENOSPC", "No space left"], [122, "quota"], [undefined, "not permitted"]] as const) {
  test(`deny() has the call fail when the error is ${errno}`, async () => {
    const { stderr, exitCode } = await answering(
      { program: "mkdir", argv: ["mkdir", "/no-such/a"], envp: ["LC_ALL=C", "PATH=/usr/bin:/bin"] },
      (call) => assert(call.deny(errno)),
    );
    assertEquals([exitCode, stderr.includes(words)], [1, true]);
  });
}

test("succeed() lets the program believe in what was not done", async () => {
  using folder = tempFolder();
  const { exitCode } = await answering(
    shell('mkdir "$1/a"', folder.path),
    (call) => assert(call.succeed()),
  );
  assertEquals([exitCode, exists(`${folder.path}/a`)], [0, false]);
});

test("succeed() gives the program the value", async () => {
  const seccomp = asking("getuid", "geteuid");
  const config = { program: "id", argv: ["id", "-u"], seccomp };
  const { stdout } = await answering(config, (call) => call.succeed(4242n));
  assertEquals(stdout, "4242");
});

test("a call is denied with EPERM when the loop goes on without an answer", async () => {
  let count = 0;
  const { exitCode, stderr } = await answering(
    { program: "mkdir", argv: ["mkdir", "/no-such/a", "/no-such/b"], envp: ["LC_ALL=C", "PATH=/usr/bin:/bin"] },
    () => count++,
  );
  assertEquals([count, exitCode, stderr.match(/Operation not permitted/g)?.length], [2, 1, 2]);
});

test("a thousand calls come in their order", async () => {
  const names = Array.from({ length: 1000 }, (_, index) => `/no-such/${index}`);
  const seen: string[] = [];
  await leavesNothing(async () => {
    const { exitCode } = await answering({ program: "mkdir", argv: ["mkdir", ...names] }, (call) => {
      seen.push(folderOf(call));
      call.succeed();
    });
    assertEquals(exitCode, 0);
  });
  assertEquals(seen, names);
});

test("the loop can wait for others before it answers", async () => {
  const { exitCode } = await answering(shell("mkdir /no-such/a"), async (call) => {
    const { exitCode } = await namespaceExec({ program: "true" });
    if (exitCode === 0) call.succeed();
  });
  assertEquals(exitCode, 0);
});

test("two programs are answered each by its own loop when they run at once", async () => {
  const run = async (name: string) => {
    const paths: string[] = [];
    const { exitCode } = await answering(shell('for i in 1 2 3 4 5; do mkdir "/no-such/$1$i"; done', name), (call) => {
      paths.push(folderOf(call));
      call.succeed();
    });
    assertEquals(paths, [1, 2, 3, 4, 5].map((number) => `/no-such/${name}${number}`));
    return exitCode;
  };
  await leavesNothing(async () => assertEquals(await Promise.all(["a", "b"].map(run)), [0, 0]));
});

/** Asks twice, and says how each ended. */
const TWICE = {
  ...shell("for i in 1 2; do mkdir /no-such/$i; done 2>&1"),
  envp: ["LC_ALL=C", "PATH=/usr/bin:/bin"],
};

test("calls fail with ENOSYS when the loop was left", async () => {
  await leavesNothing(async () => {
    const program = namespaceSpawn({ ...TWICE, ...PIPED, ...ASKS });
    for await (const call of program.notifications) {
      call.deny("ENOSPC");
      break;
    }
    const { stdout } = await soon("the program ends", program.output());
    assertMatch(textOf(stdout), /No space left on device\n.*Function not implemented$/);
    assertEquals(await Array.fromAsync(program.notifications), []);
  });
});

test("the call at hand fails with ENOSYS when the loop throws", async () => {
  const program = namespaceSpawn({ ...TWICE, ...PIPED, ...ASKS });
  let last: SeccompNotification | undefined;
  await assertRejects(async () => {
    for await (const call of program.notifications) {
      last = call;
      throw new Error("no");
    }
  });
  const { stdout } = await soon("the program ends", program.output());
  assertEquals(textOf(stdout).match(/Function not implemented/g)?.length, 2);
  assertEquals(last?.allow(), false);
});

test("calls fail with ENOSYS when nobody asks for them", async () => {
  await leavesNothing(async () => {
    const program = namespaceSpawn({ ...TWICE, ...PIPED, ...ASKS });
    const { stdout } = await soon("the program ends", program.output());
    assertEquals(textOf(stdout).match(/Function not implemented/g)?.length, 2);
    assertThrows(() => program.notifications, StateError, "in the turn");
  });
});

test("a call waits when it is asked for and the loop begins later", async () => {
  using folder = tempFolder();
  const program = namespaceSpawn({ ...shell('mkdir "$1/a"', folder.path), ...ASKS });
  const { notifications } = program;
  await new Promise((resolve) => setTimeout(resolve, 50));
  for await (const call of notifications) call.allow();
  assertEquals([(await program.status).exitCode, exists(`${folder.path}/a`)], [0, true]);
});

test("nothing is left when notifications are asked for and nobody goes through them", async () => {
  await leavesNothing(async () => {
    const program = namespaceSpawn({ program: "true", ...ASKS });
    assert(program.notifications);
    assertEquals((await program.status).exitCode, 0);
  });
});

test("answers are not taken when the program was killed while a call waits", async () => {
  await leavesNothing(async () => {
    const program = namespaceSpawn({ program: "mkdir", argv: ["mkdir", "/no-such/a"], ...ASKS });
    const answers: boolean[] = [];
    for await (const call of program.notifications) {
      program.kill("SIGKILL");
      assertEquals((await program.status).signal?.name, "SIGKILL");
      assertThrows(() => folderOf(call), StateError, "waits no more");
      answers.push(call.allow());
    }
    assertEquals(answers, [false]);
  });
});

test("the loop ends when the handle is disposed of", async () => {
  await leavesNothing(async () => {
    await using program = namespaceSpawn({ program: "sleep", argv: ["sleep", "30"], ...ASKS });
    const { notifications } = program;
    const waiting = Array.fromAsync(notifications);
    await program[Symbol.asyncDispose]();
    assertEquals(await soon("the loop ends", waiting), []);
  });
});

test("the loop ends when the program ends that has left another running", async () => {
  using folder = tempFolder();
  const script = '(read line <"$1/go"; mkdir "$1/a" 2>"$1/said") & exit 3';
  assertEquals(namespaceExecSync({ program: "mkfifo", argv: ["mkfifo", `${folder.path}/go`] }).exitCode, 0);
  using go = Deno.openSync(`${folder.path}/go`, { read: true, write: true });
  const program = namespaceSpawn({
    ...shell(script, folder.path),
    ...ASKS,
    envp: { LC_ALL: "C", PATH: "/usr/bin:/bin" },
  });
  assertEquals(await soon("the loop ends", Array.fromAsync(program.notifications)), []);
  assertEquals((await program.status).exitCode, 3);
  go.writeSync(new TextEncoder().encode("\n"));
  const said = () => exists(`${folder.path}/said`) ? Deno.readTextFileSync(`${folder.path}/said`) : "";
  while (!said().includes("Function not implemented")) await new Promise((resolve) => setTimeout(resolve, 5));
});

test("calls are answered when the program is unreferenced", async () => {
  const program = namespaceSpawn({ ...shell("mkdir /no-such/a"), ...ASKS });
  program.unref();
  const loop = (async () => {
    for await (const call of program.notifications) call.succeed();
  })();
  assertEquals((await soon("the program ends", program.status)).exitCode, 0);
  await loop;
});

test("a call can be answered once, and by what there is", async () => {
  const { exitCode } = await answering(shell("mkdir /no-such/a"), (call) => {
    for (const errno of ["EFOO", "", 0, -1, 4096, 1.5, NaN]) {
      assertEquals(assertThrows(() => call.deny(errno), SpecError).path, "errno");
    }
    for (const value of [1n << 63n, -(1n << 63n) - 1n, 0.5, NaN, 2 ** 60]) {
      assertEquals(assertThrows(() => call.succeed(value), SpecError).path, "value");
    }
    assert(call.succeed());
    for (const again of [() => call.allow(), () => call.deny(), () => call.succeed()]) assertThrows(again, StateError);
    assertThrows(() => folderOf(call), StateError);
  });
  assertEquals(exitCode, 0);
});

test("readString() throws when no string is there", async () => {
  await answering(shell("mkdir /no-such/a"), (call) => {
    for (const index of [-1, 6, 0.5]) assertEquals(assertThrows(() => call.readString(index), SpecError).path, "index");
    // The mode, which is no address.
    const error = assertThrows(() => call.readString(call.syscall === "mkdir" ? 1 : 2), SystemError, "0x1ff");
    assertEquals([error.code, error.errno], ["EFAULT", 14]);
  });
});

test("readString() reads up to 4095 bytes", async () => {
  const found: (number | string)[] = [];
  const paths = [4095, 4096].map((length) => `/${"x".repeat(length - 1)}`);
  await answering({ program: "mkdir", argv: ["mkdir", ...paths] }, (call) => {
    try {
      found.push(folderOf(call).length);
    } catch (error) {
      found.push((error as SystemError).code);
    }
  });
  assertEquals(found, [4095, "ENAMETOOLONG"]);
});

test("the program has three descriptors when its filter asks", async () => {
  const { stdout } = await answering({ program: "ls", argv: ["ls", "-l", "/proc/self/fd"] }, () => {});
  assertEquals([...stdout.matchAll(/(\d+) -> (?!\/proc\/\d+\/fd)/g)].map(([, number]) => number), ["0", "1", "2"]);
});

requires(pidNamespaces)("notifications tell the host's number of a thread in a PID namespace", async () => {
  const config = { program: "mkdir", argv: ["mkdir", "/no-such/a"], enablePidNamespace: true, ...ASKS };
  await using program = namespaceSpawn(config);
  const pids: number[] = [];
  for await (const call of program.notifications) {
    pids.push(call.pid);
    assertEquals(folderOf(call), "/no-such/a");
    call.succeed();
  }
  assertEquals([pids, (await program.status).exitCode], [[program.pid], 0]);
});

test("namespaceSpawn() starts nothing when it has no program for its filter", async () => {
  await leavesNothing(() => {
    const error = assertThrows(() => namespaceSpawn({ program: "/no/such/program", ...ASKS }), SystemError);
    assertEquals(error.exitCode, 127);
  });
});

test("notifications throws TypeError when the filter asks about nothing", async () => {
  await using program = namespaceSpawn({ program: "true" });
  assertThrows(() => program.notifications, TypeError, "SCMP_ACT_NOTIFY");
});

const REFUSED: [path: string, config: Partial<NamespaceExecConfig>][] = [
  ["noNewPrivileges", { noNewPrivileges: undefined }],
  ["seccomp.listenerPath", { seccomp: { ...ASKS.seccomp, listenerPath: "/run/listener" } }],
  ["seccomp.syscalls[0].names[1]", { seccomp: asking("mkdir", "execve") }],
  ["seccomp.syscalls[0].names[0]", { seccomp: asking("sendmsg") }],
];

for (const [path, config] of REFUSED) {
  test(`namespaceSpawn() throws SpecError when nobody could answer because of ${path}`, () => {
    const error = assertThrows(() => namespaceSpawn({ program: "true", ...ASKS, ...config }), SpecError);
    assertEquals(error.path, path);
  });
}

test("what waits for the end throws SpecError when the filter asks", async () => {
  const config = { program: "true", ...ASKS };
  const sync = assertThrows(() => namespaceExecSync(config), SpecError, "namespaceSpawn");
  const piped = assertThrows(() => namespaceExecSync({ ...config, stdout: "piped" }), SpecError, "namespaceSpawn");
  const promised = await assertRejects(() => namespaceExec(config), SpecError, "namespaceSpawn");
  assertEquals([sync.path, piped.path, promised.path], ["seccomp", "seccomp", "seccomp"]);
});

test("the command refuses a filter that asks", async () => {
  using folder = tempFolder();
  Deno.writeTextFileSync(`${folder.path}/asks.json`, JSON.stringify(ASKS.seccomp));
  const { code, stderr } = await cli(["--no-new-privs", "--seccomp", `${folder.path}/asks.json`, "true"]);
  assertEquals(code, 125);
  assertMatch(stderr, /--seccomp: SCMP_ACT_NOTIFY needs somebody who answers/);
});

test("explain() shows where the listener goes", () => {
  const steps = explain({ program: "/bin/true", ...ASKS }).filter(({ side }) => side === "child");
  const calls = steps.map(({ syscall }) => syscall);
  assertEquals(calls.slice(-3), ["seccomp", "sendmsg", "execve"]);
  assert(steps.some(({ arguments: [, , flags] }) => flags === "CLOSE_RANGE_CLOEXEC"));
});
