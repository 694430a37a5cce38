/**
 * Who a program is, what it may, and how the kernel treats it: seen from inside.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { namespaceExec, namespaceExecSync, namespaceSpawn, type Spec, SpecError, SystemError } from "../mod.ts";
import { compile, compiler, contained, intel } from "./attacks/support.ts";
import {
  capability,
  exists,
  type Lack,
  pidNamespaces,
  requires,
  shell,
  statusFields,
  tempFolder,
  worksHere,
} from "./support.ts";
import { cli } from "./support_cli.ts";
import { containers, rootfs, says, sh } from "./support_rootfs.ts";

const test = requires(containers);
const testAsRoot = requires(pidNamespaces);

/** What `id` says of its real user, its group, and the groups beside it. */
const WHO = "echo $(id -u):$(id -g):$(grep ^Groups: /proc/self/status | cut -f2)";

for (
  const { user, more = {}, says: expected } of [
    { user: undefined, says: "0:0:" },
    { user: "joe", says: "1000:1000:29 100 1000" },
    { user: "1000", says: "1000:1000:29 100 1000" },
    { user: "joe:audio", says: "1000:29:29" },
    { user: "joe:7", says: "1000:7:7" },
    { user: "4242", says: "4242:0:0" },
    { user: "4242:4243", says: "4242:4243:4243" },
    { user: "010", says: "10:0:0" },
    { user: "root", says: "0:0:0" },
    { user: "joe", more: { additionalGids: [5, 77] }, says: "1000:1000:5 29 77 100 1000" },
    { user: undefined, more: { additionalGids: [5] }, says: "0:0:5" },
  ]
) {
  const given = `user is ${user} and additionalGids ${JSON.stringify(more.additionalGids ?? [])}`;
  test(`the program is ${expected} when ${given}`, async () => {
    using root = rootfs();
    assertEquals((await says({ rootfs: root.path, user, ...more }, WHO)).trimEnd(), expected);
    const options = (more.additionalGids ?? []).map((gid) => `--add-group=${gid}`);
    if (user !== undefined) options.push("--run-as", user);
    const { stdout } = await cli(["--rootfs", root.path, ...options, "/bin/sh", "-c", WHO]);
    assertEquals(stdout.trimEnd(), expected);
  });
}

test("user is looked up in the root's passwd, not in the host's", async () => {
  using root = rootfs();
  await assertRejects(
    () => sh({ rootfs: root.path, user: "daemon" }, ""),
    SpecError,
    'user: cannot find user "daemon"',
  );
  await assertRejects(() => sh({ rootfs: root.path, user: "joe:daemon" }, ""), SpecError, "user: ");
  Deno.writeTextFileSync(`${root.path}/etc/passwd`, "joe:x:77:78::/:/bin/sh\n");
  assertEquals(await says({ rootfs: root.path, user: "joe" }, "id -u; id -g"), "77\n78");
});

test("umask is what new files lack when it is given", async () => {
  using root = rootfs();
  const script = "umask; cd /tmp; touch file; stat -c %a file; rm file";
  assertEquals(await says({ rootfs: root.path, umask: 0o077 }, script), "0077\n600");
  assertEquals(await says({ rootfs: root.path, umask: 0 }, script), "0000\n666");
});

/** The capabilities that a container's program has, as the kernel numbers them. */
const DEFAULTS = [0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 29, 31];
const NET_ADMIN = 12;
const MASKS = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];

function bits(...numbers: number[]): string {
  return numbers.reduce((mask, bit) => mask | 1n << BigInt(bit), 0n).toString(16).padStart(16, "0");
}

/** The five sets, in the order of `MASKS`. */
async function capabilitiesOf(config: Parameters<typeof says>[0]): Promise<string[]> {
  const fields = statusFields(await says(config, "cat /proc/self/status"));
  return MASKS.map((name) => fields.get(name)!);
}

test("a container has the default capabilities, and no inheritable one, when nothing is asked for", async () => {
  using root = rootfs();
  const [none, usual] = [bits(), bits(...DEFAULTS)];
  assertEquals(await capabilitiesOf({ rootfs: root.path }), [none, usual, usual, usual, none]);
  // Who is not root has none, and could get them by a program that is set-user-ID.
  assertEquals(await capabilitiesOf({ rootfs: root.path, user: "joe" }), [none, none, none, usual, none]);
});

test("capAdd and capDrop add and drop, and a user who is not root has what is added", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, capAdd: ["net_admin"], capDrop: ["CHOWN", "CAP_KILL"] };
  const [none, left] = [bits(), bits(NET_ADMIN, ...DEFAULTS.filter((bit) => bit !== 0 && bit !== 5))];
  assertEquals(await capabilitiesOf(config), [none, left, left, left, none]);
  const added = bits(NET_ADMIN);
  assertEquals(await capabilitiesOf({ ...config, user: "joe" }), [added, added, added, left, added]);
  assertEquals(await capabilitiesOf({ rootfs: root.path, capDrop: ["ALL"] }), MASKS.map(() => none));
  const script = "chown joe /tmp";
  assertEquals((await sh({ rootfs: root.path }, script)).code, 0);
  assertEquals((await sh(config, script)).code, 1);
});

testAsRoot("the five sets of a spec are the program's, each its own, and what is ambient it has", async () => {
  const [CHOWN, KILL, NET_RAW] = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_RAW"];
  const sets = async (user: { uid: number; gid: number }) => {
    const capabilities = {
      bounding: [CHOWN, KILL, NET_RAW],
      permitted: [CHOWN, KILL],
      effective: [KILL],
      inheritable: [CHOWN],
      ambient: [CHOWN],
    };
    const process = { args: ["/bin/cat", "/proc/self/status"], user, capabilities };
    const { stdout } = await contained({ spec: { ociVersion: "1.2.0", process } });
    const fields = statusFields(stdout);
    return MASKS.map((name) => fields.get(name)!);
  };
  const [chown, bounding] = [bits(0), bits(0, 5, 13)];
  assertEquals(await sets({ uid: 1000, gid: 1000 }), [chown, chown, chown, bounding, chown]);
  // To root the kernel gives at each execve(2) what is in the bounding set.
  assertEquals(await sets({ uid: 0, gid: 0 }), [chown, bounding, bounding, bounding, chown]);
});

testAsRoot("capDrop takes from all there are when there is no rootfs", async () => {
  const [, permitted] = await capabilitiesOf({ capDrop: ["SYS_ADMIN"] });
  const ours = BigInt(`0x${statusFields(Deno.readTextFileSync("/proc/self/status")).get("CapPrm")}`);
  assertEquals(BigInt(`0x${permitted}`), ours & ~(1n << 21n));
});

/** A spec that asks for a capability that no kernel has. */
const ASKS_TOO_MUCH: Spec = {
  ociVersion: "1.2.0",
  process: {
    args: ["true"],
    capabilities: { bounding: ["CAP_NO_SUCH"], effective: [], permitted: [], inheritable: [], ambient: [] },
  },
};

testAsRoot(
  "degraded names the capabilities that cannot be granted, in every form, and none where all can",
  async () => {
    const expected = ["capability CAP_NO_SUCH cannot be granted"];
    const config = { spec: ASKS_TOO_MUCH };
    await using handle = namespaceSpawn(config);
    assertEquals([handle.degraded, (await handle.status).degraded], [expected, expected]);
    assertEquals(namespaceExecSync(config).degraded, expected);
    assertEquals(namespaceExecSync({ ...config, stdout: "piped" }).degraded, expected);
    // Others are under way: a container would be started by another thread.
    const several = await Promise.all([config, config, { program: "true" }].map((each) => namespaceExec(each)));
    assertEquals(several.map(({ degraded }) => degraded), [expected, expected, []]);
    await using usual = namespaceSpawn({ program: "true" });
    assertEquals([usual.degraded, (await usual.status).degraded], [[], []]);
  },
);

test("degraded is told of a container that another thread starts", async () => {
  using root = rootfs();
  const spec = { ...ASKS_TOO_MUCH, root: { path: root.path }, linux: { namespaces: [{ type: "mount" }] } } as Spec;
  const ends = await Promise.all([1, 2, 3].map(() => namespaceExec({ spec })));
  assertEquals(ends.map(({ degraded }) => degraded.length), [1, 1, 1]);
});

test("noNewPrivileges is on in a container, and off when it is false", async () => {
  using root = rootfs();
  const look = "grep NoNewPrivs /proc/self/status | cut -f2";
  assertEquals(await says({ rootfs: root.path }, look), "1");
  assertEquals(await says({ rootfs: root.path, noNewPrivileges: false }, look), "0");
});

testAsRoot("rlimits are the program's, soft and hard, when they are given", async () => {
  const limits = (text: string) =>
    new Map(text.split("\n").map((line) => line.slice(0, 66).split(/ {2,}/)).map(([name, ...both]) => [name, both]));
  const rlimits = { NOFILE: { soft: 40, hard: 50 }, rlimit_core: 0, fsize: Infinity, as: -1, stack: 1 << 22 };
  const found = limits(await says({ rlimits }, "cat /proc/self/limits"));
  const names = ["Max open files", "Max core file size", "Max file size", "Max address space", "Max stack size"];
  assertEquals(names.map((name) => found.get(name)?.slice(0, 2)), [
    ["40", "50"],
    ["0", "0"],
    ["unlimited", "unlimited"],
    ["unlimited", "unlimited"],
    [`${1 << 22}`, `${1 << 22}`],
  ]);
  const options = ["--ulimit", "nofile=40:50", "--ulimit=core=0", "--ulimit", "fsize=unlimited"];
  const { stdout } = await cli([...options, "cat", "/proc/self/limits"]);
  assertEquals(
    names.slice(0, 3).map((name) => limits(stdout).get(name)),
    names.slice(0, 3).map((name) => found.get(name)),
  );
});

const mayRaiseLimits: Lack = capability(24) ? undefined : "needs CAP_SYS_RESOURCE";
const mayNotRaiseLimits: Lack = capability(24) ? "needs to lack CAP_SYS_RESOURCE" : undefined;

requires(mayRaiseLimits)("oomScoreAdj may spare the program when the caller may raise limits", async () => {
  assertEquals(await says({ oomScoreAdj: -500 }, "cat /proc/self/oom_score_adj"), "-500");
});

requires(mayNotRaiseLimits)("oomScoreAdj is refused by the kernel's word when the caller may not spare", async () => {
  const now = Number(Deno.readTextFileSync("/proc/self/oom_score_adj"));
  await assertRejects(() => sh({ oomScoreAdj: now - 1 }, ""), SystemError, "/proc/self/oom_score_adj");
});

testAsRoot("oomScoreAdj has the program killed sooner when it is above this process's", async () => {
  assertEquals(await says({ oomScoreAdj: 987 }, "cat /proc/self/oom_score_adj"), "987");
  const { stdout } = await cli(["--oom-score-adj=987", "cat", "/proc/self/oom_score_adj"]);
  assertEquals(stdout, "987\n");
});

/** Of proc_pid_stat(5); a policy that has no use for it leaves it as it is. */
const ourNice = Number(Deno.readTextFileSync("/proc/self/stat").split(") ").at(-1)!.split(" ")[16]);

for (
  const [name, scheduler, option, policy, nice, priority] of [
    ["batch", { policy: "SCHED_BATCH", nice: 7 }, "batch:7", 3, 7, 0],
    ["idle", { policy: "SCHED_IDLE" }, "idle", 5, ourNice, 0],
    ["fifo", { policy: "SCHED_FIFO", priority: 5 }, "fifo:5", 1, ourNice, 5],
    ["rr", { policy: "SCHED_RR", priority: 9 }, "rr:9", 2, ourNice, 9],
    ["other", { policy: "SCHED_OTHER", nice: 3 }, "other:3", 0, 3, 0],
  ] as const
) {
  testAsRoot(`scheduler is ${name} when it says so`, async () => {
    // Of proc_pid_stat(5): nice, rt_priority, policy.
    const look = "cut -d' ' -f19,40,41 /proc/self/stat";
    assertEquals(await says({ scheduler }, look), `${nice} ${priority} ${policy}`);
    const { stdout } = await cli(["--scheduler", option, "/bin/sh", "-c", look]);
    assertEquals(stdout.trimEnd(), `${nice} ${priority} ${policy}`);
  });
}

test("ioPriority is the program's class and level when it is given", async () => {
  using root = rootfs();
  const [best, idle] = [{ class: "IOPRIO_CLASS_BE", priority: 6 }, { class: "IOPRIO_CLASS_IDLE" }] as const;
  assertEquals(await says({ rootfs: root.path, ioPriority: best }, "ionice -p $$"), "best-effort: prio 6");
  assertEquals(await says({ rootfs: root.path, ioPriority: idle }, "ionice -p $$"), "idle");
  const { stdout } = await cli(["--rootfs", root.path, "--io-priority=be:6", "/bin/ionice", "-p", "1"]);
  assertEquals(stdout, "best-effort: prio 6\n");
});

testAsRoot(
  "cpuAffinity is where the program may run when it is given, and is refused when no such processor is there",
  async () => {
    const look = "grep Cpus_allowed_list /proc/self/status | cut -f2";
    const ours = statusFields(Deno.readTextFileSync("/proc/self/status")).get("Cpus_allowed_list")!;
    const last = ours.split(/[,-]/).at(-1)!;
    assertEquals(await says({ cpuAffinity: last }, look), last);
    assertEquals((await cli(["--cpus-allowed", last, "/bin/sh", "-c", look])).stdout, `${last}\n`);
    assertEquals(await says({}, look), ours);
    await assertRejects(() => sh({ cpuAffinity: "1000" }, ""), SystemError, "cannot set the processors");
  },
);

requires(intel)("personality shows a 32-bit machine when it is LINUX32", async () => {
  const look = "uname -m; cat /proc/self/personality";
  assertEquals(await says({ personality: "LINUX32" }, look), "i686\n00000008");
  assertEquals(await says({}, look), "x86_64\n00000000");
  assertEquals((await cli(["--personality=LINUX32", "uname", "-m"])).stdout, "i686\n");
});

/** Prints the number of its session keyring, keyctl(2). */
const SESSION_KEYRING = `
  #include <stdio.h>
  #include <sys/syscall.h>
  #include <unistd.h>
  int main(void) { printf("%ld\\n", syscall(SYS_keyctl, 0L, -3L, 0L)); }
`;

requires(containers, compiler)("a container has a session keyring of its own", async () => {
  using root = rootfs();
  await compile(`${root.path}/keyring`, SESSION_KEYRING);
  const config = { rootfs: root.path, program: "/keyring", seccomp: "unconfined" } as const;
  const [one, other] = [await contained(config), await contained(config)];
  const ours = await contained({ program: `${root.path}/keyring` });
  for (const [a, b] of [[one, other], [one, ours], [other, ours]]) assertNotEquals(a.stdout, b.stdout);
  assert(Number(one.stdout) > 0 && Number(ours.stdout) > 0, `${one.stdout}, ${ours.stdout}`);
});

const landlock = worksHere("landlock");

requires(landlock)(
  "landlock lets the program reach what it names, and nothing else, when there is no root and no namespace",
  async () => {
    using folder = tempFolder();
    for (const name of ["read", "write", "other"]) {
      Deno.mkdirSync(`${folder.path}/${name}`);
      Deno.writeTextFileSync(`${folder.path}/${name}/file`, name);
    }
    const script =
      'cd /; for name in read write other; do cat "$1/$name/file" && echo; echo new >"$1/$name/new"; done; true';
    const system = ["/bin", "/usr", "/lib", "/lib64", "/etc", "/dev"].filter(exists);
    const config = {
      ...shell(script, folder.path),
      landlock: { readOnly: [...system, `${folder.path}/read`], readWrite: [`${folder.path}/write`] },
    };
    const { exitCode, stdout } = await contained(config);
    assertEquals([exitCode, stdout], [0, "read\nwrite"]);
    const made = ["read", "write", "other"].filter((name) => exists(`${folder.path}/${name}/new`));
    assertEquals(made, ["write"]);
    const { stdout: all } = await contained({ ...config, landlock: undefined });
    assertEquals(all, "read\nwrite\nother");
  },
);

requires(landlock)("minicontainer --landlock-ro and --landlock-rw let the program reach what they name", async () => {
  using folder = tempFolder();
  for (const name of ["read", "write"]) Deno.mkdirSync(`${folder.path}/${name}`);
  const system = ["/bin", "/usr", "/lib", "/lib64", "/proc"].filter(exists).map((path) => `--landlock-ro=${path}`);
  const options = [...system, "--landlock-ro", `${folder.path}/read`, "--landlock-rw", `${folder.path}/write`];
  const script = 'grep NoNewPrivs /proc/self/status; for name in . read write; do echo new >"$1/$name/new"; done; ' +
    'ls "$1/read" "$1/write"; ls "$1"';
  const { stdout } = await cli([...options, "/bin/sh", "-c", script, "sh", folder.path]);
  assertEquals(stdout, `NoNewPrivs:\t1\n${folder.path}/read:\n\n${folder.path}/write:\nnew\n`);
  assert(exists(`${folder.path}/write/new`) && !exists(`${folder.path}/read/new`) && !exists(`${folder.path}/new`));
});

requires(containers, landlock)("landlock names the container's own paths when there is a rootfs", async () => {
  using root = rootfs();
  const config = { rootfs: root.path, landlock: { readOnly: ["/"], readWrite: ["/tmp"] } };
  const script = "echo new >/tmp/new; echo new >/root/new; cat /tmp/new";
  const { stdout, stderr } = await sh(config, script);
  assertEquals(stdout, "new");
  assertStringIncludes(stderr, "/root/new: Permission denied");
  assertEquals((await sh({ rootfs: root.path }, "echo new >/root/new")).code, 0);
});

const lsm = (folder: string): Lack => exists(folder) ? "needs a host without it" : undefined;

for (
  const [field, value, option, name, folder] of [
    ["apparmorProfile", "some-profile", "--apparmor", "AppArmor", "/sys/kernel/security/apparmor"],
    ["selinuxLabel", "a:b:c:s0", "--selinux", "SELinux", "/sys/fs/selinux"],
  ] as const
) {
  requires(lsm(folder))(`${field} is refused by name when the host has no ${name}`, async () => {
    const message = `asks for ${name}, which this host does not have`;
    await assertRejects(() => sh({ [field]: value }, ""), SpecError, `${field}: ${message}`);
    const { code, stderr } = await cli([option, value, "true"]);
    assertEquals([code, stderr], [125, `minicontainer: ${option}: ${message}\n`]);
    assertEquals((await sh({}, "exit 3")).code, 3);
  });
}
