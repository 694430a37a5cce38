/**
 * Cgroups that systemd makes when it is asked to: what it knows of them, what the program finds, and that nothing is left.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { namespaceExec, namespaceSpawn, SystemError } from "../../mod.ts";
import { exists, pidNamespaces, requires, soon, textOf } from "../support.ts";
import { says } from "../support_rootfs.ts";
import { OWN, pureV2, ROOT, scopes, systemctl, systemd } from "./support.ts";

const test = requires(pureV2, systemd, pidNamespaces);

test("namespaceExec() puts the program into a scope of its own when systemd makes the cgroup, and leaves none", async () => {
  const limits = { cgroupManager: "systemd", memoryBytes: 64 << 20, pids: 20, cpus: 0.5 } as const;
  const own = await says({ limits }, OWN);
  assertMatch(own, /^\/system\.slice\/minicontainer-\d+-\d+-\d+\.scope\/container$/);
  const files = "cd /sys/fs/cgroup$(sed -n s/^0:://p /proc/self/cgroup) && cat memory.max pids.max cpu.max";
  assertEquals(await says({ limits }, files), `${64 << 20}\n20\n50000 100000`);
  assertEquals(scopes(), []);
  assert(!exists(`${ROOT}${own}`));
});

test("systemd knows the limits when it makes the cgroup, and does not undo them when it reloads", async () => {
  await using program = await namespaceSpawn({
    program: "/bin/sh",
    argv: ["sh", "-c", `${OWN}; read line`],
    stdin: "piped",
    stdout: "piped",
    limits: { cgroupManager: "systemd", memoryBytes: 64 << 20, pids: 20, cpus: 0.5, cpuShares: 2048 },
  });
  const { value } = await soon("its cgroup", program.stdout.pipeThrough(new TextDecoderStream()).getReader().read());
  const own = value!.trim();
  const unit = own.split("/").at(-2)!;
  const names = ["MemoryMax", "TasksMax", "CPUQuotaPerSecUSec", "CPUWeight", "Delegate"];
  const shown = systemctl("show", unit, ...names.flatMap((name) => ["-p", name])).split("\n").sort();
  const wanted = ["CPUQuotaPerSecUSec=500ms", "CPUWeight=79", "Delegate=yes", `MemoryMax=${64 << 20}`, "TasksMax=21"];
  assertEquals(shown, wanted);
  systemctl("daemon-reload");
  assertEquals(Deno.readTextFileSync(`${ROOT}${own}/memory.max`), `${64 << 20}\n`);
  assertEquals(Deno.readTextFileSync(`${ROOT}${own}/pids.max`), "20\n");
  program.kill();
  await soon("its end", program.status);
  assertEquals(scopes(), []);
});

test("the result tells of use when systemd makes the cgroup", async () => {
  const { usage } = await namespaceExec({ program: "/bin/true", limits: { cgroupManager: "systemd" } });
  assert(usage!.memoryPeakBytes! > 0, JSON.stringify(usage));
});

test("linux.cgroupsPath is slice, prefix and name when systemd makes the cgroup", async () => {
  const spec = (path: string) => ({
    ociVersion: "1.2.0",
    process: { args: ["/bin/sh", "-c", OWN], cwd: "/" },
    linux: { cgroupsPath: path },
    minicontainer: { killOnExit: true, cgroup: { manager: "systemd" as const }, stdio: ["null", "piped", "inherit"] },
  });
  // deno-lint-ignore no-explicit-any -- the spec's type has more than a test needs
  const run = (path: string) => namespaceExec({ spec: spec(path) as any });
  const { stdout } = await run("test-a.slice:test:x/y");
  assertEquals(textOf(stdout), "/test.slice/test-a.slice/test-x\\x2fy.scope/container");
  await assertRejects(() => run("/a/b"), Error, "slice:prefix:name");
  systemctl("stop", "test-a.slice", "test.slice");
});

test("a name that a unit has is refused when systemd makes the cgroup, and that unit stays", async () => {
  const unit = "test-taken.scope";
  const other = new Deno.Command("systemd-run", { args: ["--scope", "--unit", unit, "sleep", "1000"], stderr: "null" })
    .spawn();
  while (!scopes().includes(unit)) await new Promise((resolve) => setTimeout(resolve, 20));
  const spec = {
    ociVersion: "1.2.0",
    process: { args: ["/bin/true"], cwd: "/" },
    linux: { cgroupsPath: ":test:taken" },
    minicontainer: { killOnExit: true, cgroup: { manager: "systemd" } },
  };
  // deno-lint-ignore no-explicit-any -- the spec's type has more than a test needs
  const error = await assertRejects(() => namespaceExec({ spec: spec as any }), SystemError);
  assertEquals(error.code, "EEXIST");
  assertEquals(scopes(), [unit]);
  systemctl("stop", unit);
  await other.status;
});
