/**
 * `namespaceExec` and `namespaceExecSync`: what a program sees, and how its end is told.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
} from "@std/assert";
import { namespaceCleanup, namespaceExec, namespaceExecSync, namespaceSpawn, SystemError } from "../mod.ts";
import {
  execForms,
  exists,
  leavesNothing,
  namedPipe,
  pidNamespaces,
  requires,
  runDeno,
  shell,
  tempFolder,
  textOf,
  tool,
} from "./support.ts";

const test = requires();
const testInNamespace = requires(pidNamespaces);

const IGNORING_SIGCHLD = ["env", "--ignore-signal=CHLD"];
const { exitCode } = namespaceExecSync({ program: "env", argv: [...IGNORING_SIGCHLD, "true"], stderr: "null" });
/** Of GNU's env, not of others. */
const ignoringSignals = exitCode === 0 ? undefined : "needs env --ignore-signal";

for (const [name, exec] of execForms) {
  testInNamespace(`${name}() gives the program PID 1 and PPID 0 when enablePidNamespace is set`, async () => {
    const { stdout } = await exec({ ...shell("echo $$ $PPID"), enablePidNamespace: true, stdout: "piped" });
    assertEquals(textOf(stdout), "1 0");
  });

  test(`${name}() gives the program an ordinary PID and this process as parent when it isn't isolated`, async () => {
    const { pid, stdout } = await exec({ ...shell("echo $$ $PPID"), stdout: "piped" });
    assertEquals(textOf(stdout), `${pid} ${Deno.pid}`);
  });

  testInNamespace(`${name}() tells the PID as the host sees it when the program is PID 1`, async () => {
    // procfs is the host's, so it shows the host's number.
    const config = { program: "readlink", argv: ["readlink", "/proc/self"], enablePidNamespace: true } as const;
    const { pid, stdout } = await exec({ ...config, stdout: "piped" });
    assertEquals(textOf(stdout), String(pid));
  });

  for (const status of [0, 1, 42, 126, 127, 128 + 15, 255]) {
    test(`${name}() tells exit status ${status} when the program ends with it`, async () => {
      const { exitedNormally, exitStatus, signal, exitCode, outOfTime } = await exec(shell(`exit ${status}`));
      const expected = { exitedNormally: true, exitStatus: status, signal: null, exitCode: status, outOfTime: false };
      assertEquals({ exitedNormally, exitStatus, signal, exitCode, outOfTime }, expected);
    });
  }

  for (const [number, signalName] of [[15, "SIGTERM"], [9, "SIGKILL"], [34, "SIGRTMIN"], [37, "SIGRTMIN+3"]] as const) {
    test(`${name}() tells ${signalName} when it ends the program`, async () => {
      const { exitedNormally, exitStatus, signal, exitCode } = await exec(shell(`kill -${number} $$`));
      const expected = {
        exitedNormally: false,
        exitStatus: null,
        signal: { number, name: signalName },
        exitCode: 128 + number,
      };
      assertEquals({ exitedNormally, exitStatus, signal, exitCode }, expected);
    });
  }

  testInNamespace(`${name}() tells exit status 42 when PID 1 ends with it`, async () => {
    const { exitCode } = await exec({ ...shell("exit 42"), enablePidNamespace: true });
    assertEquals(exitCode, 42);
  });

  test(`${name}() tells the time on processors when the program computes`, async () => {
    const { usage } = await exec(shell("i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done"));
    assertGreater(usage.cpuUserUs, 0);
    assertGreaterOrEqual(usage.cpuSystemUs, 0);
    assertGreater(usage.wallUs, (usage.cpuUserUs + usage.cpuSystemUs) / 2);
    assertGreater(usage.memoryPeakBytes, 0);
  });

  test(`${name}() captures both outputs when they are piped`, async () => {
    const { stdout, stderr } = await exec({ ...shell("echo out; echo err >&2"), stdout: "piped", stderr: "piped" });
    assertEquals([textOf(stdout), textOf(stderr)], ["out", "err"]);
  });

  test(`${name}() captures what is larger than a pipe when both outputs are written in turn`, async () => {
    const script = "head -c 3000000 /dev/zero; head -c 2000000 /dev/zero >&2; echo end";
    const { stdout, stderr } = await exec({ ...shell(script), stdout: "piped", stderr: "piped" });
    assertEquals([stdout?.length, stderr?.length, textOf(stdout?.subarray(3_000_000))], [3_000_004, 2_000_000, "end"]);
  });

  test(`${name}() has no output in its result when none is piped`, async () => {
    const result = await exec({ ...shell("echo lost"), stdout: "null" });
    assertEquals(["stdout" in result, "stderr" in result], [false, false]);
  });

  for (const stdout of ["null", "piped"] as const) {
    // Long before the program would end, and before the heartbeat that finds ends of which no signal told.
    test(`${name}() kills the program when timeoutMs is over and stdout is "${stdout}"`, async () => {
      const { outOfTime, signal, exitCode } = await exec({ ...shell("exec sleep 0.8"), timeoutMs: 30, stdout });
      const expected = { outOfTime: true, signal: { number: 9, name: "SIGKILL" }, exitCode: 137 };
      assertEquals({ outOfTime, signal, exitCode }, expected);
    });

    test(`${name}() leaves the program alone when it ends in time and stdout is "${stdout}"`, async () => {
      const { outOfTime, exitCode } = await exec({ ...shell("exit 3"), timeoutMs: 60_000, stdout });
      assertEquals({ outOfTime, exitCode }, { outOfTime: false, exitCode: 3 });
    });
  }

  test(`${name}() kills the program when timeoutMs is the least that there is`, async () => {
    const { outOfTime } = await exec({ program: "sleep", argv: ["sleep", "1"], timeoutMs: Number.MIN_VALUE });
    assert(outOfTime);
  });

  testInNamespace(`${name}() kills all programs of the namespace when timeoutMs is over`, async () => {
    // The capture comes to its end only when the last of those who hold the pipe has gone.
    const config = { ...shell("sleep 60 & sleep 60 & wait"), enablePidNamespace: true, timeoutMs: 100 };
    const { outOfTime, exitCode } = await exec({ ...config, stdout: "piped" });
    assertEquals({ outOfTime, exitCode }, { outOfTime: true, exitCode: 137 });
  });

  test(`${name}() leaves neither descriptor nor zombie when it has returned`, async () => {
    await leavesNothing(async () => {
      for (const stdout of ["inherit", "null", "piped"] as const) {
        await exec({ program: "true", stdin: "null", stdout, stderr: stdout, timeoutMs: 60_000, killOnExit: true });
      }
    });
  });
}

for (const [name] of execForms) {
  // In a process of its own, started by a small one: only a peak above the caller's own can be told from it.
  requires(tool("dd"))(
    `${name}() tells the peak of memory when it is above this process's`,
    async () => {
      const { stdout } = await runDeno(
        `
      import { namespaceExec, namespaceExecSync } from MOD;
      const argv = ["dd", "if=/dev/zero", "of=/dev/null", "bs=200M", "count=1"];
      const large = await ${name}({ program: "dd", argv, stderr: "null" });
      const small = await ${name}({ program: "true" });
      console.log(JSON.stringify([large.usage, small.usage]));
    `,
        { through: ["/bin/sh", "-c", '"$0" "$@"; exit $?'] },
      );
      const [large, small] = JSON.parse(stdout);
      assertGreater(large.memoryPeakBytes, 200 * 1024 * 1024);
      assertEquals([large.memoryPeakIsBound, small.memoryPeakIsBound], [false, true]);
    },
  );

  // It makes the kernel collect children by itself; a careless parent hands that down.
  requires(ignoringSignals)(`${name}() tells the end when this process was started with SIGCHLD ignored`, async () => {
    const code = `
      import { namespaceExec, namespaceExecSync } from MOD;
      const ignored = () => /SigIgn:\\t(.*)/.exec(Deno.readTextFileSync("/proc/self/status"))[1];
      console.log((BigInt("0x" + ignored()) & (1n << 16n)) !== 0n);
      const { exitCode } = await ${name}({ program: "/bin/sh", argv: ["sh", "-c", "exit 42"] });
      console.log(exitCode);
    `;
    const { stdout } = await runDeno(code, { through: IGNORING_SIGCHLD });
    assertEquals(stdout, "true\n42");
  });
}

test("namespaceExecSync() starts a program with no signal ignored, whatever this process has come to ignore since", async () => {
  const { stdout } = await runDeno(`
    import { namespaceExecSync } from MOD;
    const { symbols } = Deno.dlopen("libc.so.6", { signal: { parameters: ["i32", "usize"], result: "usize" } });
    const ignored = () => {
      const argv = ["grep", "SigIgn", "/proc/self/status"];
      const { stdout } = namespaceExecSync({ program: "grep", argv, stdout: "piped" });
      return BigInt("0x" + new TextDecoder().decode(stdout).trim().slice(8));
    };
    const [SIGUSR2, SIGXCPU, SIG_IGN] = [12, 24, 1n];
    const seen = [ignored()];
    symbols.signal(SIGUSR2, SIG_IGN);
    seen.push(ignored());
    // One that is seldom used is seen when a program has been started.
    symbols.signal(SIGXCPU, SIG_IGN);
    ignored();
    seen.push(ignored());
    console.log(seen.join(" "));
  `);
  assertEquals(stdout, "0 0 0");
});

test("namespaceExec() starts nothing when its signal is aborted already", async () => {
  using folder = tempFolder();
  const trace = `${folder.path}/trace`;
  const config = shell(`touch "$1"`, trace);
  const error = await assertRejects(() =>
    namespaceExec({ ...config, signal: AbortSignal.abort(new Error("no more")) })
  );
  assertEquals([(error as Error).message, exists(trace)], ["no more", false]);
  await namespaceExec({ ...config, signal: new AbortController().signal });
  assert(exists(trace));
});

test("namespaceExec() rejects with its signal's reason when that is aborted while the program runs", async () => {
  using folder = tempFolder();
  const pipe = namedPipe(`${folder.path}/pid`);
  const controller = new AbortController();
  await leavesNothing(async () => {
    const running = namespaceExec({ ...shell(`echo $$ >"$1"; exec sleep 60`, pipe), signal: controller.signal });
    const pid = (await Deno.readTextFile(pipe)).trim();
    assert(exists(`/proc/${pid}`));
    const reason = new Error("no more");
    controller.abort(reason);
    assertStrictEquals(await assertRejects(() => running), reason);
    assert(!exists(`/proc/${pid}`));
  });
});

test("namespaceExec() resolves when its signal is aborted only after the program's end", async () => {
  const controller = new AbortController();
  const { exitCode } = await namespaceExec({ ...shell("exit 4"), signal: controller.signal });
  controller.abort();
  assertEquals(exitCode, 4);
});

test("namespaceExec() leaves the event loop running when the program waits for it", async () => {
  using folder = tempFolder();
  const pipe = namedPipe(`${folder.path}/go`);
  let ticks = 0;
  const ticking = setInterval(() => {
    if (++ticks < 5) return;
    clearInterval(ticking);
    Deno.writeTextFileSync(pipe, "go\n");
  }, 1);
  const { exitCode } = await namespaceExec({ ...shell(`read line <"$1" && exit 9`, pipe), timeoutMs: 20_000 });
  clearInterval(ticking);
  assertEquals([ticks, exitCode], [5, 9]);
});

testInNamespace("namespaceSpawn() tells SIGTERM when it was sent to a PID 1 that has no handler for it", async () => {
  const program = namespaceSpawn({ program: "sleep", argv: ["sleep", "60"], enablePidNamespace: true });
  program.kill("SIGTERM");
  const { signal, exitCode } = await program.status;
  assertEquals({ signal, exitCode }, { signal: { number: 15, name: "SIGTERM" }, exitCode: 143 });
});

testInNamespace("namespaceSpawn() lets a PID 1 handle SIGTERM when it has a handler for it", async () => {
  const script = "trap 'exit 7' TERM; echo ready; read line";
  const pipes = { stdin: "piped", stdout: "piped" } as const;
  await using program = namespaceSpawn({ ...shell(script), enablePidNamespace: true, ...pipes });
  await program.stdout.getReader().read();
  program.kill("SIGTERM");
  const { exitStatus } = await program.status;
  assertEquals(exitStatus, 7);
});

testInNamespace("namespaceExec() tells on stderr what it does when enableDebug is set", async () => {
  const { stdout, stderr } = await runDeno(`
    import { namespaceExec } from MOD;
    const argv = ["sh", "-c", "exit 5"];
    const { pid } = await namespaceExec({ program: "/bin/sh", argv, enablePidNamespace: true, enableDebug: true });
    console.log(pid);
  `);
  assertEquals(stderr.split("\n"), [
    '[parent] executing: "/bin/sh"',
    "[parent] creating PID namespace",
    `[parent] child PID in parent namespace: ${stdout}`,
    "[child] PID: 1, PPID: 0",
    "[parent] the program exited with status 5",
  ]);
});

test("namespaceExec() is silent when enableDebug is not set", async () => {
  const { exitCode, stderr } = await runDeno(`
    import { namespaceExec } from MOD;
    Deno.exit((await namespaceExec({ program: "/bin/sh", argv: ["sh", "-c", "exit 5"] })).exitCode);
  `);
  assertEquals([exitCode, stderr], [5, ""]);
});

test("namespaceCleanup() returns nothing when it is given a result, each time", async () => {
  const result = await namespaceExec({ program: "true" });
  assertEquals([namespaceCleanup(result), namespaceCleanup(result)], [undefined, undefined]);
});

// The bounding set is empty, so not even user 0 has a capability after exec.
requires(pidNamespaces, tool("setpriv"))("namespaceExec() says what is missing when it may not isolate", async () => {
  const code = `
    import { namespaceExec } from MOD;
    for (const enablePidNamespace of [true, false]) {
      const { exitCode } = await namespaceExec({ program: "true", enablePidNamespace }).catch((error) => error);
      console.log(exitCode);
    }
    await namespaceExec({ program: "true", enablePidNamespace: true });
  `;
  const { stdout, stderr } = await runDeno(code, { through: ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] });
  assertEquals(stdout, "125\n0");
  assertStringIncludes(stderr, "cannot create PID namespace: operation not permitted; run as root");
});

test("namespaceExec() rejects with the failed step when the program is not there", async () => {
  const error = await assertRejects(() => namespaceExec({ program: "/no/such/program" }), SystemError);
  assertEquals([error.code, error.errno, error.exitCode], ["ENOENT", 2, 127]);
  assertEquals([error.operation, error.step?.number], ['execute "/no/such/program"', error.step?.of]);
  assertMatch(error.message, /^cannot execute "\/no\/such\/program": no such file or directory/);
});

for (const [name, exec] of execForms) {
  Deno.test(`${name}() kills who writes more than outputBytes, and keeps so many`, async () => {
    const streams = { stdout: "piped", stderr: "piped" } as const;
    const endless = await exec({ program: "yes", ...streams, outputBytes: 1000, timeoutMs: 20_000 });
    assertEquals([endless.endedBy, endless.signal?.name, endless.stdout?.length], ["output", "SIGKILL", 1000]);
    const enough = await exec({ ...shell("echo out; echo err >&2"), ...streams, outputBytes: 8 });
    assertEquals([enough.endedBy, enough.exitCode, enough.stdout?.length, enough.stderr?.length], [null, 0, 4, 4]);
  });
}
