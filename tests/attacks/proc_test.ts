/**
 * Procfs and the tree of cgroups: what is written there while a container starts goes where it should, and what the
 * program may not change there it cannot.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type NamespaceExecConfig, namespaceExecSync } from "../../mod.ts";
import { requires, shell, tempFolder, tool } from "../support.ts";
import { cli } from "../support_cli.ts";
import { containers, hostState, leavesTheHost, mountLines, rootfs } from "../support_rootfs.ts";
import { AS_NOBODY, contained, mountApis, race, Swapper } from "./support.ts";

const test = requires(containers);

const FORWARD = "/proc/sys/net/ipv4/ip_forward";

/** Whether packets are forwarded on the host, and what is not there. */
const other = Deno.readTextFileSync(FORWARD).trim() === "1" ? "0" : "1";

/** Writes to procfs while it starts: a kernel parameter, and its score. */
const WRITES: Partial<NamespaceExecConfig> = {
  enableNetworkNamespace: true,
  sysctl: { "net.ipv4.ip_forward": other },
  oomScoreAdj: 777,
};

/** Says what its network namespace has, through a procfs that nothing is mounted over. */
const LOOK = "mount -t proc proc /mnt; cat /mnt/sys/net/ipv4/ip_forward /mnt/self/oom_score_adj";

for (const [api, apiConfig] of mountApis) {
  test(`CVE-2025-52881: what is written to procfs does not go to what is mounted over it, by ${api}`, async () => {
    using root = rootfs();
    using fake = tempFolder();
    Deno.mkdirSync(`${root.path}/mnt`);
    for (const name of ["ip_forward", "oom_score_adj"]) Deno.writeTextFileSync(`${fake.path}/${name}`, "fake");
    for (const folder of ["sys/net/ipv4", "net/ipv4", "self", "self/attr", "1"]) {
      Deno.mkdirSync(`${fake.path}/${folder}`, { recursive: true });
      for (const name of ["ip_forward", "oom_score_adj", "exec"]) {
        Deno.writeTextFileSync(`${fake.path}/${folder}/${name}`, "fake");
      }
    }
    const before = Deno.readTextFileSync(FORWARD);
    for (const target of ["/proc", "/proc/sys", "/proc/sys/net/ipv4", "/proc/self", "/proc/1", "/proc/thread-self"]) {
      await leavesTheHost(async () => {
        const { stdout } = await contained({
          rootfs: root.path,
          ...shell(LOOK),
          ...WRITES,
          volumes: [`${fake.path}:${target}`],
          capAdd: ["SYS_ADMIN"],
          ...apiConfig,
        });
        assertEquals(stdout, `${other}\n777`, target);
      });
    }
    for (const [path, text] of [["ip_forward", "fake"], ["net/ipv4/ip_forward", "fake"], ["self/exec", "fake"]]) {
      assertEquals(Deno.readTextFileSync(`${fake.path}/${path}`), text);
    }
    assertEquals(Deno.readTextFileSync(FORWARD), before);
  });
}

test("CVE-2025-52881: what is written to procfs goes there while somebody swaps the root's /proc for a link", async () => {
  using root = rootfs();
  using fake = tempFolder();
  for (const folder of ["sys/net/ipv4", "self"]) Deno.mkdirSync(`${fake.path}/${folder}`, { recursive: true });
  const files = [`${fake.path}/sys/net/ipv4/ip_forward`, `${fake.path}/self/oom_score_adj`];
  for (const file of files) Deno.writeTextFileSync(file, "fake");
  // It leads to the host's folder for the host, and to one of the root's for who resolves it there.
  Deno.symlinkSync(fake.path, `${root.path}/link`);
  Deno.mkdirSync(`${root.path}${fake.path}`, { recursive: true });
  const before = Deno.readTextFileSync(FORWARD);
  {
    await using _swapper = await Swapper.start(`${root.path}/proc`, `${root.path}/link`);
    const seen = new Set<string>();
    await race(async () => {
      const script = `cat ${FORWARD} /proc/self/oom_score_adj`;
      const { stdout } = await contained({ rootfs: root.path, ...shell(script), ...WRITES });
      stdout.split("\n").forEach((line) => seen.add(line));
    });
    // Where it is swapped after the start, the program finds nothing.
    seen.delete("");
    assertEquals([...seen].sort(), [other, "777"]);
  }
  assertEquals(files.map((file) => Deno.readTextFileSync(file)), ["fake", "fake"]);
  assertEquals(Deno.readTextFileSync(FORWARD), before);
});

/** A mount namespace whose kernel parameters of IPC are a file of a tmpfs, until the command ends. */
const FAKED = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs x "$0"; echo fake >"$0/shmmni"; "$@"; cat "$0/shmmni"'];

requires(containers, tool("unshare"))("CVE-2025-52881: what is no procfs is not taken for it", async () => {
  const command = ["--ipc", "--sysctl", "kernel.shmmni=99", "cat", "/proc/sys/kernel/shmmni"];
  const { stdout, stderr } = await cli(command, { prefix: [...FAKED, "/proc/sys/kernel"] });
  assertEquals(stdout, "fake\n");
  assertMatch(stderr, /cannot write "99" to "\/proc\/sys\/kernel\/shmmni": cross-device link/);
  assertEquals((await cli(command)).stdout, "99\n");
});

/** Ways to get at what is covered or made read-only, and what may be written: nothing of it may succeed. */
const UNCOVERS = `
  for path in /proc/keys /proc/timer_list /proc/acpi /sys/firmware /proc/sys /proc/bus /sys /sys/fs/cgroup /dev/null; do
    umount $path && echo unmounted $path
    umount -l $path && echo detached $path
    mount -o remount,rw $path && echo remounted $path
    mount -o remount,bind,rw $path && echo made $path writable
    mount --move $path /mnt && echo moved $path
  done
  mount -t proc proc /mnt && echo mounted another procfs
  mount -t sysfs sysfs /mnt && echo mounted another sysfs
  mount --bind /proc/sys /mnt && echo bound /proc/sys
  rm /proc/keys && echo removed
  for file in /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches; do
    (echo h >$file) && echo wrote to $file
  done
  cat /proc/keys /proc/timer_list /proc/kcore
  ls /proc/acpi /sys/firmware
  for path in /proc/keys /proc/sys /sys/firmware; do
    mount --bind /etc/passwd $path && echo bound over $path
    mount -t tmpfs none $path && echo mounted over $path
  done
`;

/** The same, where a user namespace of the program's own gives it all capabilities over mounts of its own. */
const IN_A_NAMESPACE = `unshare -Urm sh -c '${UNCOVERS}'`;

for (const [who, ids] of [["root", {}], ["nobody", AS_NOBODY]] as const) {
  test(`masked and read-only paths stay so in ${who}'s container`, async () => {
    using root = rootfs();
    Deno.mkdirSync(`${root.path}/mnt`);
    const config = { rootfs: root.path, ...ids };
    const headings = /^\/(proc\/acpi|sys\/firmware):$|^$/;
    const before = hostState();
    for (const seccomp of ["default", "unconfined"] as const) {
      const { stdout } = await contained({ ...config, ...shell(UNCOVERS), seccomp });
      assertEquals(stdout.split("\n").filter((line) => !headings.test(line)), [], seccomp);
    }
    // Mounts of its own it may make there, and what covers a file, /dev/null, be writable.
    const { stdout } = await contained({ ...config, ...shell(IN_A_NAMESPACE), seccomp: "unconfined" });
    const came = stdout.split("\n").filter((line) => !headings.test(line));
    assertEquals(came.includes("mounted over /sys/firmware"), true, stdout);
    assertEquals(
      came.filter((line) =>
        !/^((mounted|bound) over .*|made \S+\/(keys|timer_list|null) writable|bound \/proc\/sys)$/.test(line)
      ),
      [],
    );
    assertEquals((await contained({ ...config, ...shell(IN_A_NAMESPACE) })).stdout, "");
    assertEquals(hostState(), before);
    // Nothing but these is withheld.
    const reads = shell("head -c 1 /proc/meminfo /proc/sys/kernel/hostname /sys/class/net/lo/mtu | wc -c");
    assertMatch((await contained({ ...config, ...reads })).stdout, /^[1-9]/);
  });
}

/** Tries to make a cgroup below each that it sees, to move itself, and to set a limit. */
const CGROUPS = `
  cd /sys/fs/cgroup || exit 1
  find . -type d -maxdepth 3 | while read folder; do
    mkdir $folder/escape 2>/dev/null && echo made $folder/escape
    (echo 0 >$folder/cgroup.procs) 2>/dev/null && echo moved to $folder
    (echo /bin/true >$folder/release_agent) 2>/dev/null && echo has an agent in $folder
    (echo 1 >$folder/notify_on_release) 2>/dev/null && echo is told of $folder
  done
  find . -type d | wc -l
`;

for (const [who, ids] of [["root", {}], ["nobody", AS_NOBODY]] as const) {
  test(`CVE-2022-0492, 2023-25809: the tree of cgroups cannot be written to in ${who}'s container`, async () => {
    using root = rootfs();
    for (const enableCgroupNamespace of [true, false]) {
      for (const mountApi of ["new", "classic"] as const) {
        const config = { rootfs: root.path, ...shell(CGROUPS), enableCgroupNamespace, mountApi, ...ids };
        const { exitCode, stdout } = await contained(config);
        assertEquals(exitCode, 0);
        // Nothing but how many there are to be looked at.
        assertMatch(stdout, /^\d+$/);
      }
    }
  });
}

test("nothing of what is mounted below the host's /sys can be written to, though root is root on both sides", async () => {
  using root = rootfs();
  const asItself = [{ containerID: 0, hostID: 0, size: 1 }];
  const config = { rootfs: root.path, uidMappings: asItself, gidMappings: asItself };
  const { stdout, stderr } = await contained({
    ...config,
    ...shell("cat /sys/kernel/mm/transparent_hugepage/enabled >/dev/null; cat /proc/self/mountinfo"),
  });
  assertEquals(stderr, "");
  const below = mountLines(stdout).filter(({ target }) => /^\/sys(\/|$)/.test(target));
  assert(below.length > 0, stdout);
  assertEquals(below.filter(({ options }) => !options.includes("ro")), []);
  const told = (more: Partial<NamespaceExecConfig>) =>
    namespaceExecSync({ ...config, program: "true", ...more }).degraded.filter((line) => line.includes("below /sys"));
  assertEquals(told({}), []);
  assertEquals(told(mountApis[1][1]), [
    "what is mounted below /sys is not read-only: mount(2) changes no mounts below",
  ]);
});
