/**
 * Cgroups that systemd makes on a host with version 1, alone or with version 2 beside it: what it knows of them, where the
 * program is, and that nothing is left, also in the hierarchies that systemd has no use for.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Container, namespaceExec, namespaceSpawn, type Spec, SystemError } from "../../mod.ts";
import { Root } from "../oci/doors.ts";
import { pidNamespaces, requires, runDeno, shell, soon, startDeno, textOf, until } from "../support.ts";
import { cgroupTree, MEMORY_BOMB, ownFolder } from "../support_cgroups.ts";
import { cli } from "../support_cli.ts";
import { containers, rootfs, says } from "../support_rootfs.ts";
import { legacy, scopes, systemctl, systemd, throwAway } from "./support.ts";

const test = requires(legacy, systemd, pidNamespaces, throwAway);
const contained = requires(legacy, systemd, containers, throwAway);

const manager = { cgroupManager: "systemd" } as const;
const MEMORY = 64 << 20;

/** Where who says them is, by hierarchy. */
const PATHS = "cut -d: -f2- /proc/self/cgroup";

/** Runs `fn`; the host's cgroups are afterwards as they were. */
async function leavesNothing(fn: () => unknown, look: () => string[] = cgroupTree) {
  const before = look();
  await fn();
  // What stands by a container removes it after its end; and who listened for that end is told in a turn of the loop.
  await until("the host's cgroups as they were", () => String(look()) === String(before)).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  assertEquals(look(), before);
  assertEquals(scopes(), []);
}

/** The cgroups but slices: where systemd has none, one that was made for a container stays for the next, as with runc. */
const withoutSlices = () => cgroupTree().filter((path) => !path.endsWith(".slice"));

function shown(unit: string, ...names: string[]): Record<string, string> {
  const lines = systemctl("show", unit, ...names.flatMap((name) => ["-p", name])).split("\n");
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

/** A program that waits, and its unit. */
async function waiting(limits: object) {
  const program = await namespaceSpawn({
    ...shell(`${PATHS} | grep ^name=; read line`),
    stdin: "piped",
    stdout: "piped",
    limits: { ...manager, ...limits },
  });
  const { value } = await soon("its cgroup", program.stdout.pipeThrough(new TextDecoderStream()).getReader().read());
  return { program, unit: value!.trim().split("/").at(-2)! };
}

/** What a file of a unit's container has in it; of the unit itself with `inside` empty. */
function read(controller: string, unit: string, file: string, inside = "/container"): string {
  const mount = ownFolder(controller)!.replace(/(\/sys\/fs\/cgroup\/[^/]+).*/, "$1");
  return Deno.readTextFileSync(`${mount}/system.slice/${unit}${inside}/${file}`).trim();
}

test("the program is in a scope of its own in every hierarchy when systemd makes the cgroup on a host with version 1", () =>
  leavesNothing(async () => {
    const lines = (await says({ limits: manager }, PATHS)).split("\n");
    const everywhere = textOf(Deno.readFileSync("/proc/self/cgroup")).split("\n").map((line) => line.split(":")[1]);
    assertEquals(lines.map((line) => line.split(":")[0]).sort(), everywhere.sort());
    const [unit] = /\/system\.slice\/minicontainer-\d+-\d+-\d+\.scope\/container$/.exec(lines[0]) ?? [];
    assertEquals(lines.map((line) => line.slice(line.indexOf(":") + 1)), lines.map(() => unit));
  }));

test("systemd knows the limits in version 1's words, and neither a reload nor an update undoes them", () =>
  leavesNothing(async () => {
    const { program, unit } = await waiting({ memoryBytes: MEMORY, pids: 20, cpus: 0.5, cpuShares: 2048 });
    await using _program = program;
    const names = ["MemoryLimit", "TasksMax", "CPUQuotaPerSecUSec", "CPUShares", "Delegate"];
    const wanted = { MemoryLimit: `${MEMORY}`, TasksMax: "21", CPUQuotaPerSecUSec: "500ms", CPUShares: "2048" };
    assertEquals(shown(unit, ...names), { ...wanted, Delegate: "yes" });
    systemctl("daemon-reload");
    const files = () => [
      read("memory", unit, "memory.limit_in_bytes"),
      read("pids", unit, "pids.max"),
      read("cpu", unit, "cpu.cfs_quota_us"),
      read("cpu", unit, "cpu.shares"),
    ];
    assertEquals(files(), [`${MEMORY}`, "20", "50000", "2048"]);
    // A quota must not be above that of the scope, nor be left above it.
    for (const cpus of [1.5, 0.25]) {
      await program.update({ cpus });
      assertEquals(shown(unit, "CPUQuotaPerSecUSec").CPUQuotaPerSecUSec, cpus > 1 ? "1.500000s" : "250ms");
      assertEquals([read("cpu", unit, "cpu.cfs_quota_us"), read("cpu", unit, "cpu.cfs_quota_us", "")], [
        `${cpus * 100_000}`,
        `${cpus * 100_000}`,
      ]);
    }
    program.kill();
    await soon("its end", program.status);
  }));

test("limits hold where systemd makes the cgroup on a host with version 1, and the result tells of use", () =>
  leavesNothing(async () => {
    const bomb = shell(MEMORY_BOMB);
    const ended = await namespaceExec({ ...bomb, limits: { ...manager, memoryBytes: 32 << 20 }, timeoutMs: 60_000 });
    assertEquals([ended.oomKilled, ended.endedBy, ended.exitCode], [true, "oom", 137]);
    assert(ended.usage.memoryPeakBytes > 16 << 20 && ended.usage.memoryPeakBytes <= 32 << 20);
    const forks = shell("i=0; while [ $i -lt 40 ]; do (sleep 5 &) 2>/dev/null; i=$((i + 1)); done");
    const { usage } = await namespaceExec({ ...forks, stderr: "null", limits: { ...manager, pids: 12 } });
    assertEquals(usage.pidsPeak ?? 12, 12);
    const hog = shell("while :; do :; done");
    const spun = await namespaceExec({ ...hog, limits: { ...manager, cpus: 0.2 }, timeoutMs: 3000 });
    const used = spun.usage.cpuUserUs + spun.usage.cpuSystemUs;
    assert(used < 1_500_000 && spun.usage.throttledUs! > 200_000, JSON.stringify(spun.usage));
  }));

contained(
  "rules about devices hold on version 1 in a scope of systemd's, also when it reloads",
  () =>
    leavesNothing(async () => {
      using root = rootfs();
      const script = "mknod /fuse c 10 229; echo up; read line; exec 2>&1; : </dev/null && : </fuse";
      const program = await namespaceSpawn({
        ...shell(script),
        ...{ rootfs: root.path, stdin: "piped", stdout: "piped", limits: { ...manager, pids: 20 } },
      });
      await using _program = program;
      const lines = program.stdout.pipeThrough(new TextDecoderStream()).getReader();
      assertEquals((await soon("its start", lines.read())).value, "up\n");
      systemctl("daemon-reload");
      await program.stdin.close();
      let said = "";
      while (!said.endsWith("\n")) said += (await soon("its word", lines.read())).value!;
      assertMatch(said, /fuse: Operation not permitted/);
      await soon("its end", program.status);
      await lines.cancel();
    }),
);

const linux = (path: string): Partial<Spec> => ({
  linux: {
    cgroupsPath: path,
    resources: { memory: { limit: MEMORY }, pids: { limit: 30 }, devices: [{ allow: false, access: "rwm" }] },
    namespaces: [{ type: "pid" }, { type: "mount" }, { type: "ipc" }, { type: "cgroup" }],
  },
  mounts: [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"] },
  ],
});

contained(
  "create, exec, update and delete of a bundle are in slice:prefix:name with --systemd-cgroup on version 1",
  () =>
    leavesNothing(async () => {
      await using root = new Root();
      const call = (...args: string[]) =>
        cli(["--root", root.containers, "--systemd-cgroup", ...args], { streams: "file" });
      const bundle = root.bundle({ args: ["sh", "-c", "sleep 1000"] }, linux("test-a.slice:test:x/y"));
      const unit = "test-x\\x2fy.scope";
      assertEquals(await call("create", "-b", bundle, "a"), { code: 0, stdout: "", stderr: "" });
      assertEquals(scopes(), [unit]);
      assertEquals(shown(unit, "Slice", "MemoryLimit"), { Slice: "test-a.slice", MemoryLimit: `${MEMORY}` });
      assertEquals((await call("start", "a")).code, 0);
      const { pid } = JSON.parse((await call("state", "a")).stdout);
      const paths = textOf(Deno.readFileSync(`/proc/${pid}/cgroup`)).split("\n").map((line) => line.split(":")[2]);
      assertEquals(new Set(paths), new Set([`/test.slice/test-a.slice/${unit}/container`]));
      // Both processes find themselves at the root of what is mounted, and systemd's own hierarchy is among that.
      const look = await call(
        "exec",
        "a",
        "sh",
        "-c",
        "wc -l </sys/fs/cgroup/systemd/cgroup.procs; cut -d: -f3 /proc/1/cgroup",
      );
      const [count, ...roots] = look.stdout.trim().split("\n");
      assertEquals([look.code, Number(count) >= 2, new Set(roots)], [0, true, new Set(["/"])]);
      assertEquals(await call("update", "--pids-limit=40", "a"), { code: 0, stdout: "", stderr: "" });
      assertEquals(shown(unit, "TasksMax"), { TasksMax: "41" });
      const { pids, memory } = JSON.parse((await call("events", "--stats", "a")).stdout).data;
      assertEquals([pids.limit, memory.usage.limit], [40, MEMORY]);
      assertEquals((await call("delete", "--force", "a")).code, 0);
      systemctl("stop", "test-a.slice", "test.slice");
    }, withoutSlices),
);

contained(
  "a quota that systemd is told of on version 1 goes with the period that is there",
  () =>
    leavesNothing(async () => {
      await using root = new Root();
      const asked = linux("test.slice::test-quota");
      asked.linux!.resources = { cpu: { quota: 25_000, period: 50_000 } };
      const bundle = root.bundle({}, asked);
      await using container = await Container.create({
        id: "a",
        bundle,
        root: root.containers,
        cgroupManager: "systemd",
      });
      const scope = () => shown("test-quota.scope", "CPUQuotaPerSecUSec").CPUQuotaPerSecUSec;
      assertEquals(scope(), "500ms");
      await container.update({ cpu: { quota: 10_000 } });
      assertEquals(scope(), "200ms");
      await container.update({ cpu: { period: 20_000 } });
      assertEquals(scope(), "500ms");
      systemctl("stop", "test.slice");
    }, withoutSlices),
);

contained(
  "a container is removed whole on version 1 when it has ended by itself and its scope with it",
  () =>
    leavesNothing(async () => {
      await using root = new Root();
      const bundle = root.bundle({ args: ["true"] }, linux("test.slice::test-ended"));
      const container = await Container.create({ id: "a", bundle, root: root.containers, cgroupManager: "systemd" });
      await container.start();
      await until("its end", () => scopes().length === 0);
      await container.delete();
      systemctl("stop", "test.slice");
    }, withoutSlices),
);

contained(
  "what a detached container's end was is known on version 1 though its scope is empty then",
  () =>
    leavesNothing(async () => {
      using root = rootfs();
      const id = `test-bomb-${Deno.pid}`;
      const limits = ["--cgroup-manager", "systemd", "--memory", "24M"];
      const made = await cli([
        "run",
        "-d",
        "--name",
        id,
        ...limits,
        "--rootfs",
        root.path,
        "/bin/sh",
        "-c",
        MEMORY_BOMB,
      ]);
      assertEquals(made.code, 0, made.stderr);
      assertEquals((await cli(["wait", id])).stdout, "137\n");
      assertEquals(JSON.parse((await cli(["inspect", id])).stdout)[0].exit.oomKilled, true);
      assertEquals((await cli(["rm", id])).code, 0);
    }, withoutSlices),
);

test("a name that a unit has, and one that is none, are refused on version 1", () =>
  leavesNothing(async () => {
    const run = (cgroupsPath: string) =>
      namespaceExec({
        spec: {
          ociVersion: "1.2.0",
          process: { args: ["/bin/true"], cwd: "/" },
          linux: { cgroupsPath },
          minicontainer: { killOnExit: true, cgroup: { manager: "systemd" } },
          // deno-lint-ignore no-explicit-any -- the spec's type has more than a test needs
        } as any,
      });
    await assertRejects(() => run("/a/b"), Error, "slice:prefix:name");
    const unit = "test-taken.scope";
    const args = ["--scope", "--unit", unit, "sleep", "1000"];
    const other = new Deno.Command("systemd-run", { args, stderr: "null" }).spawn();
    await until("the unit", () => scopes().includes(unit));
    assertEquals((await assertRejects(() => run(":test:taken"), SystemError)).code, "EEXIST");
    assertEquals(scopes(), [unit]);
    systemctl("stop", unit);
    await other.status;
    assertEquals((await run(":test:taken")).exitCode, 0);
  }));

test("what a killed process leaves in hierarchies that systemd has no use for goes with the next start", () =>
  leavesNothing(async () => {
    const owner = await startDeno(`
      import { namespaceSpawn } from MOD;
      const { stdout } = await namespaceSpawn({ program: "/bin/sh", argv: ["sh", "-c", "echo up; sleep 1000"],
        stdout: "piped", enablePidNamespace: true, limits: { cgroupManager: "systemd" } });
      for await (const bytes of stdout) console.log(new TextDecoder().decode(bytes).trim());`);
    await soon("its start", owner.stdout.pipeThrough(new TextDecoderStream()).getReader().read());
    owner.kill("SIGKILL");
    await owner.status;
    await owner.stderr.cancel();
    await until("the removal of its scope", () => scopes().length === 0);
    assert(withoutSlices().some((path) => path.endsWith(".scope/container")));
    // Each process looks once.
    const next = await cli(["--cgroup-manager", "systemd", "--pid", "--memory", "64M", "/bin/true"]);
    assertEquals([next.code, next.stderr], [0, ""]);
  }, withoutSlices));

test("a user who is not root is told on version 1 that systemd hands no controller down", () => {
  const script = `setpriv --reuid 4243 --regid 4243 --clear-groups "$@"`;
  const place = Deno.makeTempDirSync();
  Deno.chmodSync(place, 0o755);
  const project = new URL("../../", import.meta.url).pathname;
  const files = ["mod.ts", "cli.ts", "deno.json", "src", "std", "target/release/libminicontainer.so"];
  const copy = `cp "$0" ${place}/deno && cd "$1" && cp -R --parents ${
    files.join(" ")
  } ${place} && chmod -R a+rX ${place}`;
  assert(new Deno.Command("sh", { args: ["-ec", copy, Deno.execPath(), project] }).outputSync().success);
  const args = ["-c", script, "sh", `${place}/deno`, "run", "--no-lock", "-A", `${place}/cli.ts`];
  const asked = ["--user", "--pid", "--cgroup-manager", "systemd", "--memory", "64M", "/bin/true"];
  const options = { args: [...args, ...asked], env: { DENO_DIR: `/tmp/deno-4243`, HOME: "/tmp" } };
  const { code, stderr } = new Deno.Command("sh", options).outputSync();
  Deno.removeSync(place, { recursive: true });
  assert(code !== 0);
  assertMatch(textOf(stderr), /systemd as the cgroup manager: root, or a host of cgroup version 2 alone/);
});

test("systemd is asked once for a scope of a process's, on a host with version 1 too", async () => {
  const before = withoutSlices();
  const { stdout, stderr } = await runDeno(`
    import { namespaceExec } from MOD;
    for (let i = 0; i < 2; i++) {
      const argv = ["sh", "-c", "${PATHS} | grep -E '^(memory|freezer|name=systemd):'"];
      const limits = { memoryBytes: ${MEMORY} };
      const asked = { program: "/bin/sh", argv, stdout: "piped", enablePidNamespace: true, limits };
      const { stdout, usage } = await namespaceExec(asked);
      console.log(new TextDecoder().decode(stdout).trim(), usage.memoryPeakBytes > 0);
    }`);
  assertEquals(stderr, "");
  const [, owner] = /\/(minicontainer-\d+-\d+)\.scope\//.exec(stdout) ?? [];
  const lines = stdout.replaceAll(" true", "").split("\n").sort();
  const paths = [0, 1].map((number) => `:/system.slice/${owner}.scope/${owner}-${number}`);
  assertEquals(lines, ["freezer", "memory", "name=systemd"].flatMap((name) => paths.map((path) => name + path)));
  await until("the removal of the scope", () => cgroupTree().every((path) => !path.includes(owner)));
  assertEquals(withoutSlices(), before);
});
