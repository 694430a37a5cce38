/** Limits that hold, what is told of them, and what is left of them: nothing. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { namespaceExec, namespaceExecSync, namespaceSpawn, StateError, SystemError, UnsupportedError } from "../mod.ts";
import { execForms, pidNamespaces, requires, shell, startDeno, textOf } from "./support.ts";
import { cgroupTree, endedScopes, limits, MEMORY_BOMB, ownCgroups, ownFolder } from "./support_cgroups.ts";
import { rootfs, rootfsLack } from "./support_rootfs.ts";

const limited = requires(limits, pidNamespaces, rootfsLack);
const MIB = 1024 * 1024;

const BOMB = shell(MEMORY_BOMB);
const HOG = shell("while :; do :; done");

/** What a call leaves behind of cgroups: nothing. */
async function leavesNothing(call: () => unknown) {
  const before = cgroupTree();
  await call();
  await endedScopes();
  assertEquals(cgroupTree(), before);
}

for (const [name, exec] of execForms) {
  limited(`${name}() holds a memory bomb, and tells it from a kill`, () =>
    leavesNothing(async () => {
      const memoryBytes = 32 * MIB;
      const bomb = await exec({ ...BOMB, limits: { memoryBytes }, enablePidNamespace: true, timeoutMs: 60_000 });
      assertEquals([bomb.oomKilled, bomb.endedBy, bomb.exitCode], [true, "oom", 137]);
      assert(bomb.usage.memoryPeakBytes <= memoryBytes && bomb.usage.memoryPeakBytes > memoryBytes / 2);
      assertEquals(bomb.usage.memoryPeakIsBound, false);
      const killed = await exec({ ...shell("kill -9 $$"), limits: { memoryBytes } });
      assertEquals([killed.oomKilled, killed.endedBy, killed.exitCode], [false, null, 137]);
    }));

  limited(`${name}() holds a fork bomb`, () =>
    leavesNothing(async () => {
      const script = "trap '' TERM; i=0; while [ $i -lt 60 ]; do (sleep 5 &) 2>/dev/null; i=$((i + 1)); done; exit 3";
      const { usage } = await exec({ ...shell(script), stderr: "null", limits: { pids: 12 }, timeoutMs: 20_000 });
      assertEquals(usage.pidsPeak ?? 12, 12);
    }));

  limited(`${name}() holds a program that spins to its part of a processor`, () =>
    leavesNothing(async () => {
      const { usage, endedBy, outOfTime } = await exec({ ...HOG, limits: { cpus: 0.2 }, timeoutMs: 1000 });
      assertEquals([endedBy, outOfTime], ["timeout", true]);
      const used = usage.cpuUserUs + usage.cpuSystemUs;
      assert(used > 100_000 && used < 500_000, `${used} µs of a processor in a second`);
      assert(usage.throttledUs! > 200_000, `${usage.throttledUs} µs throttled`);
    }));

  limited(`${name}() ends what has spent its time on processors, all of it together`, () =>
    leavesNothing(async () => {
      const program = shell("while :; do :; done & while :; do :; done");
      const { usage, endedBy, signal } = await exec({ ...program, limits: { cpuTimeMs: 300 }, timeoutMs: 30_000 });
      assertEquals([endedBy, signal?.name], ["cpuTime", "SIGKILL"]);
      const used = usage.cpuUserUs + usage.cpuSystemUs;
      assert(used >= 300_000 && used < 600_000, `${used} µs`);
    }));

  limited(`${name}() ends what its program leaves running`, () =>
    leavesNothing(async () => {
      const { exitCode } = await exec({ ...shell("sleep 100 & (setsid sleep 100 &) ; exit 3"), limits: {} });
      assertEquals(exitCode, 3);
      assertEquals(ownCgroups(), []);
    }));

  limited(`${name}() leaves no cgroup where the program cannot be started`, () =>
    leavesNothing(async () => {
      await assertRejects(() => exec({ program: "/no/such", limits: { memoryBytes: MIB } }), SystemError, "execute");
      const wrong = { pids: 5, unified: { "no.such": "1" } };
      await assertRejects(() => exec({ program: "true", limits: wrong }), UnsupportedError);
    }));
}

limited(
  "a program is in its cgroup from its first instruction, and in its namespace that is the root",
  () =>
    leavesNothing(async () => {
      const program = { program: "cat", argv: ["cat", "/proc/self/cgroup"], stdout: "piped" } as const;
      const outside = await namespaceExec({ ...program, limits: { pids: 5 } });
      assert(
        /:pids:.*\/minicontainer-\d+-\d+-\d+/.test(textOf(outside.stdout)) ||
          /^0::.*\/minicontainer-/m.test(textOf(outside.stdout)),
      );
      const inside = await namespaceExec({ ...program, limits: { pids: 5 }, enableCgroupNamespace: true });
      const own = textOf(inside.stdout).split("\n").filter((line) =>
        /:(pids|memory|cpu)(,.*)?:/.test(line) || /^0::/.test(line)
      );
      assert(own.length > 0 && own.every((line) => line.endsWith(":/")), own.join("\n"));
    }),
);

limited("a program enters by itself where it cannot be cloned into its cgroup", () =>
  leavesNothing(async () => {
    const spec = {
      ociVersion: "1.2.0",
      process: { args: ["cat", "/proc/self/cgroup"] },
      linux: { resources: { pids: { limit: 5 } }, namespaces: [{ type: "cgroup" as const }] },
      minicontainer: { inheritEnv: true, cgroup: { entry: "descriptor" as const } },
    };
    const { stdout } = await namespaceExec({ spec, stdout: "piped" });
    assert(textOf(stdout).split("\n").some((line) => /^0::\/$/.test(line) || /:pids:\/$/.test(line)), textOf(stdout));
  }));

limited("no process at all is a limit, -1 is none", () =>
  leavesNothing(async () => {
    const spec = (limit: number) => ({
      ociVersion: "1.2.0",
      process: { args: ["sh", "-c", "(true); echo $?"] },
      linux: { resources: { pids: { limit } } },
      minicontainer: { inheritEnv: true },
    });
    const none = await namespaceExec({ spec: spec(0), stdout: "piped", stderr: "null" });
    assert(none.exitCode !== 0);
    assertEquals(textOf((await namespaceExec({ spec: spec(-1), stdout: "piped" })).stdout), "0");
  }));

limited("two programs with 2:1 shares on one processor get 2:1 of it", () =>
  leavesNothing(async () => {
    const run = (cpuShares: number) =>
      namespaceExec({ ...HOG, limits: { cpuShares }, cpuAffinity: "0", timeoutMs: 3000 });
    const [more, less] = await Promise.all([run(2048), run(1024)]);
    const [first, second] = [more, less].map(({ usage }) => usage.cpuUserUs + usage.cpuSystemUs);
    const ratio = first / second;
    assert(ratio > 1.8 && ratio < 2.2, `${first} to ${second} µs is ${ratio}`);
  }));

requires(limits, ownFolder("cpuset") === undefined ? "needs the cgroup controller cpuset" : undefined)(
  "a program runs on the processors that its cgroup has",
  () =>
    leavesNothing(async () => {
      const program = shell("grep Cpus_allowed_list /proc/self/status");
      const { stdout } = await namespaceExec({ ...program, limits: { cpusetCpus: "0" }, stdout: "piped" });
      assertEquals(textOf(stdout), "Cpus_allowed_list:\t0");
    }),
);

limited("a running program tells what it uses, and its limits change", () =>
  leavesNothing(async () => {
    await using program = namespaceSpawn({ ...HOG, limits: { memoryBytes: 64 * MIB, pids: 7, cpus: 1 } });
    const { memory, pids, cpu } = await program.stats();
    assertEquals([memory?.limitBytes, pids?.limit, pids?.current], [64 * MIB, 7, 1]);
    assert(cpu!.usageUs >= 0);
    await program.update({ memoryBytes: 32 * MIB, cpus: 0.1 });
    assertEquals((await program.stats()).memory?.limitBytes, 32 * MIB);
    // Up again, where memory and swap together must go first.
    await program.update({ memoryBytes: 64 * MIB, memorySwapBytes: 64 * MIB });
    await program.update({ memoryBytes: 96 * MIB, memorySwapBytes: 96 * MIB });
    assertEquals((await program.stats()).memory?.limitBytes, 96 * MIB);
    await assertRejects(() => program.update({ cgroupParent: "x" }), Error, "cannot change");
    const seen: number[] = [];
    let isKilled = false;
    for await (const stats of program.stats({ intervalMs: 20 })) {
      seen.push(stats.cpu!.usageUs);
      if (!isKilled && (seen.at(-1)! > seen[0] || seen.length === 200)) {
        program.kill("SIGKILL");
        isKilled = true;
      }
    }
    assert(seen[0] < seen.at(-1)!, `${seen}`);
    await program.status;
    await assertRejects(() => program.stats(), StateError);
  }));

limited(
  "pause() stops all of a program, resume() lets it go on, and events tell of both",
  () =>
    leavesNothing(async () => {
      await using program = namespaceSpawn({ ...HOG, limits: {} });
      const events = program.events();
      const told: string[] = [];
      const listening = (async () => {
        for await (const { type } of events) told.push(type);
      })();
      // What happens before somebody listens is not told.
      await new Promise((resolve) => setTimeout(resolve, 200));
      await program.pause();
      const before = (await program.stats()).cpu!.usageUs;
      await new Promise((resolve) => setTimeout(resolve, 50));
      const after = (await program.stats()).cpu!.usageUs;
      assert(after - before < 5000, `${after - before} µs while it was stopped`);
      await program.resume();
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert((await program.stats()).cpu!.usageUs > after + 5000);
      program.kill("SIGKILL");
      await listening;
      assertEquals(told, ["frozen", "thawed", "exit"]);
    }),
);

limited("a program that is stopped can be killed", () =>
  leavesNothing(async () => {
    await using program = namespaceSpawn({ ...shell("sleep 100 & sleep 100"), limits: {} });
    await program.pause();
    program.kill("SIGKILL");
    // Version 2 lets it die where it stands.
    await program.resume().catch((error) => assert(error instanceof StateError));
    assertEquals((await program.status).exitCode, 137);
  }));

limited(
  "events() tells of a process that was killed because memory was out, while the program goes on",
  () =>
    leavesNothing(async () => {
      const script = `sh -c '${BOMB.argv[2].replaceAll("'", "'\\''")}'; sleep 0.2; exit 4`;
      await using program = namespaceSpawn({ ...shell(script), stderr: "null", limits: { memoryBytes: 24 * MIB } });
      const told: string[] = [];
      for await (const event of program.events()) told.push(event.type);
      assertEquals([told[0], told.at(-1)], ["oom", "exit"]);
      const { exitCode, oomKilled, endedBy } = await program.status;
      assertEquals([exitCode, oomKilled, endedBy], [4, true, null]);
    }),
);

limited("many limited programs at once are each told of rightly, and nothing is left", () =>
  leavesNothing(async () => {
    const count = 200;
    const one = async (index: number) => {
      const status = index % 100;
      const memoryBytes = (16 + index % 5) * MIB;
      const program = shell(`(true); exit ${status}`);
      const { exitCode, usage } = await namespaceExec({ ...program, limits: { memoryBytes, pids: 10 } });
      assertEquals(exitCode, status);
      assert(usage.memoryPeakBytes > 0 && usage.memoryPeakBytes <= memoryBytes);
      assert((usage.pidsPeak ?? 2) >= 2);
    };
    let next = 0;
    const worker = async () => {
      while (next < count) await one(next++);
    };
    await Promise.all(Array.from({ length: 50 }, worker));
  }));

limited("what an owner leaves that is killed, the next start removes", () =>
  leavesNothing(async () => {
    const owner = await startDeno(`
      import { namespaceSpawn } from MOD;
      const argv = ["sh", "-c", "sleep 100 & (setsid sleep 100 &) ; echo ready; sleep 100"];
      namespaceSpawn({ program: "/bin/sh", argv, killOnExit: true, limits: { memoryBytes: 1e8 } });
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    `);
    const reader = owner.stdout.getReader();
    assertEquals(textOf((await reader.read()).value), "ready");
    owner.kill("SIGKILL");
    await owner.status;
    await reader.cancel();
    await owner.stderr.cancel();
    const left = ownCgroups();
    assert(left.length > 0, "the owner has left nothing: the test does not see what it is to see");
    const next = await startDeno(`
      import { namespaceExecSync } from MOD;
      namespaceExecSync({ program: "true", limits: {} });
    `);
    await next.output();
    assertEquals(ownCgroups(), []);
  }));

limited(
  "a container with limits uses the devices that it has, and no others that it makes",
  () =>
    leavesNothing(async () => {
      using root = rootfs();
      const script = "mknod /dev/same-as-mem c 1 1 && head -c1 /dev/zero >/dev/null && cat /dev/same-as-mem";
      const { exitCode, stderr } = await namespaceExec({
        ...shell(script),
        rootfs: root.path,
        overlay: true,
        limits: { pids: 20 },
        stderr: "piped",
      });
      assertEquals([exitCode, textOf(stderr)], [1, "cat: can't open '/dev/same-as-mem': Operation not permitted"]);
    }),
);

limited("a container sees its own part of the cgroups, and cannot write to it", () =>
  leavesNothing(async () => {
    using root = rootfs();
    const mounts = [{ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] }];
    const script = "cat $(find /sys/fs/cgroup -name pids.max); touch $(find /sys/fs/cgroup -name pids.max)";
    const { stdout, stderr } = await namespaceExec({
      ...shell(script),
      rootfs: root.path,
      mounts,
      limits: { pids: 20 },
      stdout: "piped",
      stderr: "piped",
    });
    assertEquals(textOf(stdout), "20");
    assert(textOf(stderr).includes("Read-only file system"), textOf(stderr));
  }));

limited("a cgroup parent is made and removed, and one that is there stays", () =>
  leavesNothing(() => {
    const cgroupParent = "/minicontainer-test/below";
    const { exitCode } = namespaceExecSync({
      ...shell('grep -q "minicontainer-test/below/minicontainer-" /proc/self/cgroup'),
      limits: { pids: 5, cgroupParent },
    });
    assertEquals(exitCode, 0);
  }));

Deno.test("a program without limits has no cgroup to look at", async () => {
  await using program = namespaceSpawn({ program: "true" });
  assertThrows(() => program.stats(), TypeError, "without 'limits'");
  assertEquals((await program.status).oomKilled, false);
});
