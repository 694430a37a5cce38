/**
 * Namespaces: made, joined, named, and what is set in them.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import { namespaceExec, namespaceSpawn, type Spec, SpecError, SystemError } from "../mod.ts";
import { leavesNothing, pidNamespaces, requires, shell, textOf, tool, until, zombies } from "./support.ts";
import { cli, processState } from "./support_cli.ts";
import { containers, leavesTheHost, rootfs, says, sh } from "./support_rootfs.ts";

const testAsRoot = requires(pidNamespaces);
const testInRoot = requires(containers);
const testWithIp = requires(pidNamespaces, tool("ip"));

/** Each kind, its switch, its option and the kernel's name for it. */
const KINDS = [
  { kind: "pid", enable: "enablePidNamespace", option: "--pid", file: "pid" },
  { kind: "mount", enable: "enableMountNamespace", option: "--mountns", file: "mnt" },
  { kind: "uts", enable: "enableUtsNamespace", option: "--uts", file: "uts" },
  { kind: "ipc", enable: "enableIpcNamespace", option: "--ipc", file: "ipc" },
  { kind: "network", enable: "enableNetworkNamespace", option: "--net", file: "net" },
  { kind: "cgroup", enable: "enableCgroupNamespace", option: "--cgroupns", file: "cgroup" },
  { kind: "user", enable: "enableUserNamespace", option: "--user", file: "user" },
  { kind: "time", enable: "enableTimeNamespace", option: "--time", file: "time" },
] as const;

const FILES = KINDS.map(({ file }) => file);

/** Says which namespace of each kind it is in. */
const LOOK = `for each in ${FILES.join(" ")}; do readlink /proc/$$/ns/$each; done`;

/** The same, where the host's procfs knows a program by another number. */
const LOOK_AT_SELF = `for each in ${FILES.join(" ")}; do readlink /proc/self/ns/$each; done`;

const own = () => FILES.map((file) => Deno.readLinkSync(`/proc/self/ns/${file}`));

/** The kinds in which what was said differs from this process's. */
const different = (said: string) => {
  const ours = own();
  return said.split("\n").flatMap((each, index) => each === ours[index] ? [] : [FILES[index]]);
};

testAsRoot("a program shares this process's namespaces when none is asked for", async () => {
  assertEquals(different(await says({}, LOOK)), []);
});

for (const { enable, option, file } of KINDS) {
  testAsRoot(`${enable} makes that namespace, and no other, when it is true`, async () => {
    await leavesTheHost(async () => {
      assertEquals(different(await says({ [enable]: true }, LOOK_AT_SELF)), [file]);
      assertEquals(different(await says({ [enable]: false }, LOOK_AT_SELF)), []);
    });
    const { stdout, stderr } = await cli([option, "/bin/sh", "-c", LOOK_AT_SELF]);
    assertEquals({ different: different(stdout.trimEnd()), stderr }, { different: [file], stderr: "" });
  });
}

testAsRoot("enableAllNamespaces makes all but the user and the time namespace, where not said otherwise", async () => {
  assertEquals(different(await says({ enableAllNamespaces: true }, LOOK_AT_SELF)), FILES.slice(0, 6));
  const some = { enableAllNamespaces: true, enableNetworkNamespace: false, enableTimeNamespace: true };
  const expected = FILES.filter((file) => file !== "net" && file !== "user");
  assertEquals(different(await says(some, LOOK_AT_SELF)), expected);
});

/** A program that waits for its end, with all namespaces of its own. */
function neighbour(more: object = {}) {
  const config = { ...shell("echo $$; exec sleep 600"), stdout: "piped", enableAllNamespaces: true, ...more } as const;
  return namespaceSpawn(config);
}

async function ready(program: ReturnType<typeof neighbour>) {
  const reader = program.stdout.getReader();
  const { value } = await reader.read();
  reader.releaseLock();
  return textOf(value);
}

for (const { kind, option, file } of KINDS.filter(({ kind }) => kind !== "pid" && kind !== "time")) {
  testAsRoot(`namespaces.${kind} joins the namespace of another program when it is its path`, async () => {
    await using other = neighbour({ enableUserNamespace: kind === "user" });
    await ready(other);
    const path = `/proc/${other.pid}/ns/${file}`;
    const expected = Deno.readLinkSync(path);
    const look = `readlink /proc/self/ns/${file}`;
    assertEquals(await says({ namespaces: { [kind]: path } }, look), expected);
    assertNotEquals(await says({}, look), expected);
    const { stdout } = await cli([`${option}=${path}`, "/bin/sh", "-c", look]);
    assertEquals(stdout.trimEnd(), expected);
  });
}

testInRoot(
  "namespaces.pid joins another program's when it is its path: it is seen there, and reaped here",
  async () => {
    using root = rootfs();
    await using other = neighbour({ rootfs: root.path });
    assertEquals(await ready(other), "1");
    await leavesNothing(async () => {
      const config = { rootfs: root.path, namespaces: { pid: `/proc/${other.pid}/ns/pid` } };
      const [pid, processes] = (await says(config, "echo $$; set -- /proc/[0-9]*; echo $#")).split("\n");
      assert(Number(pid) > 1, `it is process ${pid}`);
      assertEquals(Number(processes), 2);
    });
    await leavesNothing(async () => {
      const { code } = await cli([`--pid=/proc/${other.pid}/ns/pid`, "/bin/sh", "-c", "exit 42"]);
      assertEquals(code, 42);
      assertEquals((await sh({ namespaces: { pid: `/proc/${other.pid}/ns/pid` } }, "kill -TERM $$")).code, 143);
    });
  },
);

testInRoot("namespaces.pid has the program killed by its timeout and by the end of the namespace", async () => {
  await using other = neighbour();
  await ready(other);
  const config = { namespaces: { pid: `/proc/${other.pid}/ns/pid` } };
  assertEquals((await sh({ ...config, timeoutMs: 100 }, "exec sleep 600")).code, 137);
  await using joined = namespaceSpawn({ ...shell("exec sleep 600"), ...config });
  await until("it sleeps", () => processState(joined.pid) === "S");
  other.kill("SIGKILL");
  assertEquals((await joined.status).signal?.name, "SIGKILL");
  await other.status;
  assertEquals(zombies(), []);
});

for (const { kind, option, file } of KINDS) {
  testAsRoot(`namespaces.${kind} is refused by name when the path is any other kind's`, async () => {
    for (const other of FILES.filter((each) => each !== file)) {
      const path = `/proc/self/ns/${other}`;
      const message = `namespaces.${kind}: ${JSON.stringify(path)} is no namespace of that type`;
      await assertRejects(() => sh({ namespaces: { [kind]: path } }, ""), SpecError, message);
    }
    const { code, stderr } = await cli([`${option}=/proc/self/ns/${FILES.find((each) => each !== file)}`, "true"]);
    assertEquals([code, stderr.startsWith(`minicontainer: ${option}: `)], [125, true], stderr);
  });
}

testAsRoot("namespaces.X is refused by name when the path is no namespace, or missing", async () => {
  const net = (network: string) => sh({ namespaces: { network } }, "");
  await assertRejects(() => net("/etc/passwd"), SpecError, "namespaces.network: ");
  await assertRejects(() => net("/missing"), Error, "namespaces.network: ");
  assertEquals(await says({ namespaces: { network: "/proc/self/ns/net" } }, "echo joined"), "joined");
});

testAsRoot("namespaces.time joins the clocks of another process, and a failure behind that is told", async () => {
  const time = "/proc/self/ns/time";
  await using other = namespaceSpawn({
    program: "sleep",
    argv: ["sleep", "60"],
    timeOffsets: { boottime: { secs: 86_400 } },
  });
  const path = `/proc/${other.pid}/ns/time`;
  const joined = { namespaces: { time: path } };
  assertEquals(await says(joined, `readlink ${time}`), Deno.readLinkSync(path));
  assertNotEquals(Deno.readLinkSync(path), Deno.readLinkSync(time));
  const uptime = async (config: object) => Number(await says(config, "cut -d. -f1 /proc/uptime"));
  assert(await uptime(joined) - await uptime({}) > 86_000);
  await assertRejects(
    () => namespaceExec({ program: "/no/such", ...joined }),
    Error,
    'execute "/no/such": no such file',
  );
  assertEquals(await says({ ...joined, enablePidNamespace: true }, "echo $$"), "1");
  await using init = namespaceSpawn({ ...shell("exec sleep 60"), ...joined, enablePidNamespace: true });
  init.kill();
  assertEquals((await init.status).signal?.name, "SIGTERM");
  assertEquals((await sh({ ...joined, timeoutMs: 100 }, "exec sleep 60")).code, 137);
  const { stdout } = await cli([`--time=${path}`, "/bin/readlink", time]);
  assertEquals(stdout.trim(), Deno.readLinkSync(path));
});

testAsRoot("linux.namespaces is refused when a kind stands there twice", async () => {
  const spec = (...namespaces: { type: "uts" | "ipc" }[]): Spec => ({
    ociVersion: "1.2.0",
    process: { args: ["true"] },
    linux: { namespaces },
  });
  const run = async (given: Spec) => (await namespaceSpawn({ spec: given }).status).exitCode;
  await assertRejects(
    () => run(spec({ type: "uts" }, { type: "uts" })),
    SpecError,
    "spec.linux.namespaces[1].type: stands there twice",
  );
  assertEquals(await run(spec({ type: "uts" }, { type: "ipc" })), 0);
});

testAsRoot("hostname and domainname name the namespace, not the host, when they are given", async () => {
  await leavesTheHost(async () => {
    const look = "cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname";
    const before = await says({}, look);
    assertEquals(await says({ hostname: "box", domainname: "example" }, look), "box\nexample");
    const { stdout } = await cli(["--hostname", "box", "--domainname=example", "/bin/sh", "-c", look]);
    assertEquals(stdout, "box\nexample\n");
    assertEquals(await says({}, look), before);
    const refused = { hostname: "box", enableUtsNamespace: false };
    await assertRejects(() => sh(refused, ""), SpecError, "hostname: needs a namespace");
  });
});

testAsRoot("enablePidNamespace gives the program PID 1 and no parent when it is true", async () => {
  assertEquals(await says({ enablePidNamespace: true }, "echo $$ $PPID"), "1 0");
});

testWithIp("enableNetworkNamespace brings nothing but lo, which is up, when it is true", async () => {
  const script =
    "ip -o link | cut -d: -f2; ip -o -4 addr show dev lo | grep -o 127.0.0.1/8; ip link show up | grep -c lo:";
  const expected = " lo\n127.0.0.1/8\n1";
  // The first of a process is made for it, the next were made ahead.
  assertEquals((await cli(["--net", "/bin/sh", "-c", script])).stdout, `${expected}\n`);
  for (let turn = 0; turn < 3; turn++) assertEquals(await says({ enableNetworkNamespace: true }, script), expected);
});

testAsRoot("enableCgroupNamespace shows the program's cgroups as / when it is true", async () => {
  const paths = (text: string) => new Set(text.split("\n").map((line) => line.split(":").slice(2).join(":")));
  assertEquals(paths(await says({ enableCgroupNamespace: true }, "cat /proc/self/cgroup")), new Set(["/"]));
  assertEquals(
    paths(await says({}, "cat /proc/self/cgroup")),
    paths(Deno.readTextFileSync("/proc/self/cgroup").trimEnd()),
  );
});

testAsRoot("timeOffsets moves the program's clocks, and no others, when they are given", async () => {
  const uptime = async (config: object) => Number((await says(config, "cut -d. -f1 /proc/uptime")).trim());
  const before = await uptime({});
  const moved = await uptime({ timeOffsets: { boottime: { secs: 86_400 } } });
  assert(moved - before >= 86_400 && moved - before < 86_460, `${before} became ${moved}`);
  assert(await uptime({}) - before < 60);
  const look = "cat /proc/self/timens_offsets";
  const config = { timeOffsets: { monotonic: { secs: -1, nanosecs: 5 }, boottime: { secs: 7 } } };
  assertMatch(await says(config, look), /^monotonic\s+-1\s+5\nboottime\s+7\s+0$/);
  const { stdout } = await cli(["--time-offset", "boottime=7", "/bin/sh", "-c", look]);
  assertMatch(stdout, /boottime\s+7\s+0/);
});

testAsRoot("sysctl sets what belongs to a namespace of the program's own, and not the host's", async () => {
  const file = "/proc/sys/net/ipv4/ip_forward";
  const before = Deno.readTextFileSync(file);
  const other = before.trim() === "1" ? "0" : "1";
  const sysctl = { "net.ipv4.ip_forward": other, "net.ipv4.conf.lo.rp_filter": "2" };
  const script = `cat ${file} /proc/sys/net/ipv4/conf/lo/rp_filter`;
  assertEquals(await says({ enableNetworkNamespace: true, sysctl }, script), `${other}\n2`);
  assertEquals(Deno.readTextFileSync(file), before);
  const { stdout } = await cli(["--net", "--sysctl", `net.ipv4.ip_forward=${other}`, "cat", file]);
  assertEquals(stdout, `${other}\n`);
  const ipc = { enableIpcNamespace: true, sysctl: { "kernel.shmmni": "99", "fs.mqueue.msg_max": "7" } };
  assertEquals(await says(ipc, "cat /proc/sys/kernel/shmmni /proc/sys/fs/mqueue/msg_max"), "99\n7");
});

for (
  const [name, config, message] of [
    ["its namespace is the host's", { sysctl: { "net.ipv4.ip_forward": "1" } }, "needs a network namespace"],
    ["it belongs to the whole host", { sysctl: { "kernel.panic": "1" } }, "belongs to no namespace"],
    ["it climbs", { enableNetworkNamespace: true, sysctl: { "net/../kernel/panic": "1" } }, "sysctl"],
    [
      "hostname says it too",
      { hostname: "a", sysctl: { "kernel.hostname": "b" } },
      "conflicts with hostname",
    ],
  ] as const
) {
  testAsRoot(`sysctl is refused by name when ${name}`, async () => {
    await assertRejects(() => sh(config, ""), SpecError, message);
  });
}

testAsRoot("sysctl is told to be missing when the kernel has no such parameter", async () => {
  const config = { enableNetworkNamespace: true, sysctl: { "net.ipv4.nothing_such": "1" } };
  await assertRejects(() => sh(config, ""), SystemError, "/proc/sys/net/ipv4/nothing_such");
});
