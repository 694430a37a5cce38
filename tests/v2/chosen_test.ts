/**
 * Who makes a cgroup where nobody says: systemd is asked for one scope for all containers of a process, unless it has
 * handed that a cgroup.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { namespaceExec } from "../../mod.ts";
import { exists, pidNamespaces, requires, runDeno, soon, startDeno, textOf, until } from "../support.ts";
import { MEMORY_BOMB } from "../support_cgroups.ts";
import { containers, rootfs } from "../support_rootfs.ts";
import { cli, COMMAND } from "../support_cli.ts";
import { OWN, ownersScopes, pureV2, ROOT, systemctl, systemd } from "./support.ts";

const test = requires(pureV2, systemd, pidNamespaces);

const EXEC_TWICE = `
  for (let i = 0; i < 2; i++) {
    const { stdout, usage } = await namespaceExec({
      program: "/bin/sh",
      argv: ["sh", "-c", "${OWN}; cat ${ROOT}$(${OWN})/memory.max"],
      stdout: "piped",
      enablePidNamespace: true,
      limits: { memoryBytes: 64 << 20 },
    });
    console.log(new TextDecoder().decode(stdout).trim().replace("\\n", " "), usage.memoryPeakBytes > 0);
  }`;

test("systemd is asked once for a scope that all limited programs of a process are below, when it is PID 1", async () => {
  const { stdout, stderr } = await runDeno(`import { namespaceExec } from MOD;${EXEC_TWICE}
    const { stdout } = new Deno.Command("systemctl", { args: ["show", "-pDelegate", "-pTasksMax",
      "minicontainer-" + Deno.pid + "-*.scope"] }).outputSync();
    console.log(new TextDecoder().decode(stdout).trim().replace("\\n", " "));
    console.log(Deno.readTextFileSync("/proc/self/cgroup").trim().slice(3));`);
  assertEquals(stderr, "");
  const lines = stdout.split("\n");
  const scope = /^\/system\.slice\/(minicontainer-\d+-\d+)\.scope\//.exec(lines[0]);
  assert(scope !== null, lines[0]);
  const [below, name] = scope;
  assertEquals(lines.slice(0, 2), [0, 1].map((number) => `${below}${name}-${number} ${64 << 20} true`));
  assertEquals(lines[2].split(" ").sort(), ["Delegate=yes", "TasksMax=infinity"]);
  assertEquals(lines[3], textOf(Deno.readFileSync("/proc/self/cgroup")).slice(3));
  await until("its removal", () => !exists(`${ROOT}${below}`));
});

test("nothing is left of a process's scope when the process is killed", async () => {
  const owner = await startDeno(`
    import { namespaceSpawn } from MOD;
    const { stdout } = await namespaceSpawn({
      program: "/bin/sh", argv: ["sh", "-c", "${OWN}; sleep 1000"], stdout: "piped",
      enablePidNamespace: true, limits: { pids: 5 },
    });
    for await (const bytes of stdout) console.log(new TextDecoder().decode(bytes).trim());`);
  const { value } = await soon("its cgroup", owner.stdout.pipeThrough(new TextDecoderStream()).getReader().read());
  const own = value!.trim();
  assert(exists(`${ROOT}${own}`), own);
  owner.kill("SIGKILL");
  await owner.status;
  await owner.stderr.cancel();
  await until("its removal", () => !exists(`${ROOT}${own}`) && ownersScopes().every((name) => !own.includes(name)));
});

requires(pureV2, systemd, containers)(
  "a detached container is in a scope of its name, which goes with it",
  async () => {
    using root = rootfs();
    const id = `test-${Deno.pid}`;
    const unit = `minicontainer-${id}.scope`;
    const made = await cli(["run", "-d", "--name", id, "--rootfs", root.path, "--memory", "64M", "/bin/sleep", "1000"]);
    assertEquals(made.code, 0, made.stderr);
    assertEquals(systemctl("show", unit, "-pMemoryMax"), `MemoryMax=${64 << 20}`);
    const { stdout } = await cli(["exec", id, "/bin/cat", "/proc/1/cgroup"]);
    assertEquals((await cli(["rm", "-f", id])).code, 0);
    assertEquals(systemctl("show", unit, "-pLoadState"), "LoadState=not-found");
    assert(!exists(`${ROOT}/system.slice/${unit}`), stdout);
  },
);

requires(pureV2, systemd, containers)(
  "what a detached container's end was is known though its scope is empty then",
  async () => {
    using root = rootfs();
    const id = `test-bomb-${Deno.pid}`;
    const limits = ["--memory", "24M", "--restart", "on-failure:1"];
    const made = await cli(["run", "-d", "--name", id, ...limits, "--rootfs", root.path, "/bin/sh", "-c", MEMORY_BOMB]);
    assertEquals(made.code, 0, made.stderr);
    assertEquals((await cli(["wait", id])).stdout, "137\n");
    const [{ restarts, exit }] = JSON.parse((await cli(["inspect", id])).stdout);
    assertEquals([exit.oomKilled, restarts], [true, 1]);
    assertEquals((await cli(["rm", id])).code, 0);
    assertEquals(systemctl("show", `minicontainer-${id}.scope`, "-pLoadState"), "LoadState=not-found");
  },
);

requires(pureV2, systemd, containers)(
  "who has made a detached container and goes on has no zombie of what kept its scope",
  async () => {
    using root = rootfs();
    const { stdout, stderr } = await runDeno(`
      import { Container } from MOD;
      const zombies = () => [...Deno.readDirSync("/proc")].filter(({ name }) => {
        if (!/^\\d+$/.test(name)) return false;
        try {
          const stat = Deno.readTextFileSync("/proc/" + name + "/stat");
          const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
          return state === "Z" && parent === String(Deno.pid);
        } catch {
          return false;
        }
      }).length;
      const limits = { memoryBytes: 64 << 20 };
      const asked = { rootfs: ${JSON.stringify(root.path)}, program: "/bin/true", limits, monitor: true };
      const container = await Container.create(asked);
      await container.start();
      console.log((await container.wait()).exitCode);
      await container.delete();
      for (let tries = 0; zombies() > 0 && tries < 200; tries++) await new Promise((done) => setTimeout(done, 25));
      console.log(zombies());
      Deno.exit();
    `);
    assertEquals([stdout, stderr], ["0\n0", ""]);
  },
);

test("a place that is named as a slice is a unit's, and one named as a folder is a folder", async () => {
  const own = async (parent: string) => {
    const { stdout, stderr } = await cli(["--memory", "64M", "--cgroup-parent", parent, "--", "/bin/sh", "-c", OWN]);
    assertEquals(stderr, "");
    return stdout;
  };
  assertMatch(await own("test.slice"), /^\/test\.slice\/minicontainer-\d+-\d+-\d+\.scope\/container\n$/);
  systemctl("stop", "test.slice");
  assertMatch(await own("/test"), /^\/test\/minicontainer-\d+-\d+-\d+-stays\n$/);
});

test("systemd is not asked by who is in a cgroup that it has delegated", async () => {
  const args = [
    "--scope",
    "--quiet",
    "-p",
    "Delegate=yes",
    ...COMMAND,
    "--pid",
    "--memory",
    "64M",
    "/bin/sh",
    "-c",
    OWN,
  ];
  const { stdout, success } = await new Deno.Command("systemd-run", { args }).output();
  assert(success);
  assertMatch(textOf(stdout), /^\/system\.slice\/run-[^/]+\.scope\/minicontainer-\d+-\d+-\d+$/);
});

test('cgroupManager: "cgroupfs" makes a folder where we are when systemd is PID 1', async () => {
  const { stdout } = await namespaceExec({
    ...{ program: "/bin/sh", argv: ["sh", "-c", OWN], stdout: "piped", enablePidNamespace: true },
    limits: { memoryBytes: 64 << 20, cgroupManager: "cgroupfs" },
  });
  assert(!textOf(stdout).includes(".scope"), textOf(stdout));
});
