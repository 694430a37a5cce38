/**
 * A root filesystem of the program's own: what is its `/`, what a container finds in it, and what is refused.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { namespaceExec, SpecError, SystemError } from "../mod.ts";
import { exists, leavesNothing, requires, tempFolder, textOf } from "./support.ts";
import { cli } from "./support_cli.ts";
import { containers, leavesTheHost, mountLines, rootfs, says, sh } from "./support_rootfs.ts";

const test = requires(containers);

const mountsOf = async (...asked: Parameters<typeof says>) => mountLines(await says(...asked));
const MOUNTS = "cat /proc/self/mountinfo";

test("rootfs makes the folder the program's / when it is given, and nothing else is there", async () => {
  using root = rootfs();
  Deno.writeTextFileSync(`${root.path}/only-here`, "");
  await leavesTheHost(async () => {
    const names = (await says({ rootfs: root.path }, "ls -A /")).split("\n");
    assertEquals(names, [...Deno.readDirSync(root.path)].map(({ name }) => name).sort());
    assert(names.includes("only-here"));
    assertEquals(await says({ rootfs: root.path }, "ls -A /.."), names.join("\n"));
  });
});

test("rootfs leaves no mount of the host's when it is entered", async () => {
  using root = rootfs();
  const found = await mountsOf({ rootfs: root.path }, MOUNTS);
  const targets = found.map(({ target }) => target).filter((target) => !target.startsWith("/sys/fs/cgroup/"));
  const covered = targets.filter((target) => /^\/(proc|sys)\/./.test(target) && target !== "/sys/fs/cgroup");
  const own = targets.filter((target) => !covered.includes(target));
  assertEquals(own, ["/", "/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys", "/sys/fs/cgroup"]);
  assert(found.every(({ propagation }) => propagation.length === 0), "a mount passes something on");
});

test("rootfs has OCI's devices with their numbers and links when nothing else is asked for", async () => {
  using root = rootfs();
  const nodes = await says(
    { rootfs: root.path },
    "cd /dev; for each in null zero full random urandom tty; do stat -c '%n %t:%T %a %u:%g' $each; done",
  );
  assertEquals(nodes.split("\n"), [
    ...["null 1:3 666 0:0", "zero 1:5 666 0:0", "full 1:7 666 0:0", "random 1:8 666 0:0", "urandom 1:9 666 0:0"],
    "tty 5:0 666 0:0",
  ]);
  const links = await says(
    { rootfs: root.path },
    "cd /dev; for each in ptmx fd stdin stdout stderr; do readlink $each; done",
  );
  assertEquals(links.split("\n"), ["pts/ptmx", "/proc/self/fd", ...[0, 1, 2].map((fd) => `/proc/self/fd/${fd}`)]);
  assertEquals(await says({ rootfs: root.path }, "ls -A /dev | wc -l"), "14");
  assertEquals([...Deno.readDirSync(`${root.path}/dev`)], []);
});

for (const mountApi of ["new", "classic"] as const) {
  const by = `by the ${mountApi} calls`;

  test(`rootfs gives its filesystems a container's options when nothing else is asked for, ${by}`, async () => {
    using root = rootfs();
    const found = await mountsOf({ rootfs: root.path, mountApi }, MOUNTS);
    const options = (path: string) => found.find(({ target }) => target === path)?.options.join();
    assertEquals(options("/proc"), "rw,nosuid,nodev,noexec,relatime");
    assertEquals(options("/sys"), "ro,nosuid,nodev,noexec,relatime");
    assertEquals(options("/dev"), "rw,nosuid");
    assertEquals(options("/dev/shm"), "rw,nosuid,nodev,noexec,relatime");
    // By mount(2) each is mounted once more, read-only.
    const cgroups = new Map(found.map(({ target, options }) => [target, options[0]]));
    for (const [target, access] of cgroups) if (target.startsWith("/sys/fs/cgroup")) assertEquals(access, "ro", target);
  });

  test(`rootfs covers what tells of the host when nothing else is asked for, ${by}`, async () => {
    using root = rootfs();
    const script = `
    for each in /proc/acpi /proc/scsi /sys/firmware /sys/devices/virtual/powercap; do
      [ ! -d $each ] || [ -z "$(ls -A $each)" ] || echo "$each has files"
    done
    for each in /proc/interrupts /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug; do
      [ ! -e $each ] || [ ! -s $each -a -z "$(cat $each)" ] || echo "$each has text"
    done
    for each in /proc/sys/kernel/panic /proc/irq/default_smp_affinity /proc/sysrq-trigger; do
      [ ! -e $each ] || ! (echo 0 >$each) 2>/dev/null || echo "$each can be written to"
    done`;
    assertEquals(await says({ rootfs: root.path, mountApi, capAdd: ["ALL"], seccomp: "unconfined" }, script), "");
  });

  test(`maskedPaths and readonlyPaths take the place of the usual ones when they are given, ${by}`, async () => {
    using root = rootfs();
    Deno.mkdirSync(`${root.path}/srv`);
    Deno.writeTextFileSync(`${root.path}/srv/file`, "text");
    const config = {
      rootfs: root.path,
      mountApi,
      maskedPaths: ["/etc/passwd", "/srv", "/missing"],
      readonlyPaths: ["/tmp", "/no"],
    };
    assertEquals(await says(config, "cat /etc/passwd; ls -A /srv; wc -c <<E\nE"), "0");
    assertMatch((await sh(config, "echo >/srv/x")).stderr, /Read-only file system/);
    assertMatch((await sh(config, "echo >/tmp/x")).stderr, /Read-only file system/);
    assertEquals(await says({ ...config, maskedPaths: [], readonlyPaths: [] }, "echo >/tmp/x; cat /srv/file"), "text");
  });

  test(`readOnly lets nothing be written to the root when it is true, and to what is mounted in it when that is not, ${by}`, async () => {
    using root = rootfs();
    const config = { rootfs: root.path, mountApi, readOnly: true, tmpfs: ["/tmp"] };
    assertMatch((await sh(config, "echo >/x")).stderr, /Read-only file system/);
    assertEquals(await says(config, "echo >/tmp/x; echo >/dev/shm/x; echo >/dev/null"), "");
    assertEquals(await says({ ...config, readOnly: false }, "echo >/x; ls /x"), "/x");
  });
}

test("umask is 022 when nothing else is asked for, whatever this process's is", async () => {
  using root = rootfs();
  const before = Deno.umask(0o077);
  try {
    assertEquals(await says({ rootfs: root.path }, "umask"), "0022");
    assertEquals(await says({ rootfs: root.path, umask: 0o027 }, "umask"), "0027");
    assertEquals(await says({ rootfs: root.path }, "stat -c %a /dev /dev/shm /proc/sys"), "755\n1777\n555");
  } finally {
    Deno.umask(before);
  }
});

test("cwd is / when it is not given, else an absolute folder of the root", async () => {
  using root = rootfs();
  assertEquals(await says({ rootfs: root.path }, "pwd"), "/");
  assertEquals(await says({ rootfs: root.path, cwd: "/usr/../home/joe/" }, "pwd -P"), "/home/joe");
  await assertRejects(() => sh({ rootfs: root.path, cwd: "home" }, ""), SpecError, "cwd: must be an absolute path");
  const missing = 'cannot change to directory "/missing": no such file or directory';
  await assertRejects(() => sh({ rootfs: root.path, cwd: "/missing" }, ""), SystemError, missing);
});

test("cwd is refused when it leads out of the root by a descriptor of this process's", async () => {
  using root = rootfs();
  using _folder = Deno.openSync("/");
  const folders = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => name).filter((name) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${name}`) === "/";
    } catch {
      return false;
    }
  });
  assert(folders.length > 0);
  for (const number of folders) {
    // CVE-2024-21626
    await assertRejects(() => sh({ rootfs: root.path, cwd: `/proc/self/fd/${number}` }, "ls"), SystemError);
  }
});

test("envp is short and the container's own when it is not given, with HOME from the root's passwd", async () => {
  using root = rootfs();
  const PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  const env = async (config: object) =>
    (await says({ rootfs: root.path, ...config }, "/bin/env")).split("\n").filter((line) => !/^(PWD|SHLVL)=/.test(line))
      .sort();
  assertEquals(await env({}), ["HOME=/root", PATH]);
  assertEquals(await env({ user: "joe" }), ["HOME=/home/joe", PATH]);
  assertEquals(await env({ user: "4242" }), ["HOME=/", PATH]);
  assertEquals(await env({ hostname: "box" }), ["HOME=/root", "HOSTNAME=box", PATH]);
  assertEquals(await env({ envp: ["A=1", "HOME=/x", "PATH=/y"] }), ["A=1", "HOME=/x", "PATH=/y"]);
  Deno.env.set("MINICONTAINER_TEST", "outside");
  try {
    assert((await env({ inheritEnv: true })).includes("MINICONTAINER_TEST=outside"));
  } finally {
    Deno.env.delete("MINICONTAINER_TEST");
  }
});

test("program is looked up in the root's folders of PATH when it has no slash", async () => {
  using root = rootfs();
  Deno.mkdirSync(`${root.path}/opt/tools`, { recursive: true });
  Deno.writeTextFileSync(`${root.path}/opt/tools/deno`, '#!/bin/sh\necho "$0" "$@"\n', { mode: 0o755 });
  const run = (program: string, more: object) =>
    namespaceExec({ program, argv: [program, "1"], rootfs: root.path, stdout: "piped", ...more });
  const { stdout } = await run("deno", { envp: { PATH: "/nowhere:/opt/tools" } });
  assertEquals(textOf(stdout), "/opt/tools/deno 1");
  assertEquals(textOf((await run("./deno", { cwd: "/opt/tools" })).stdout), "./deno 1");
});

test("program is told to be missing, with the exit code 127, when the root lacks what the host has", async () => {
  using root = rootfs();
  assert(exists("/usr/bin/env"));
  for (const program of ["/usr/bin/env", "ldconfig"]) {
    const error = await assertRejects(() => namespaceExec({ program, rootfs: root.path }), SystemError);
    assertMatch(error.message, /^cannot execute ".*": no such file or directory/);
    assertEquals((await cli(["--rootfs", root.path, program])).code, 127);
  }
  assertEquals((await cli(["--rootfs", root.path, "/etc/passwd"])).code, 126);
});

test("rootfs may be relative when this process's folder is meant", async () => {
  using root = rootfs();
  const here = Deno.cwd();
  Deno.chdir(`${root.path}/..`);
  try {
    assertEquals(await says({ rootfs: "rootfs" }, "cat /etc/passwd | head -n 1"), "root:x:0:0:root:/root:/bin/sh");
    assertEquals(await says({ rootfs: "./rootfs/../rootfs" }, "pwd"), "/");
  } finally {
    Deno.chdir(here);
  }
});

test("rootfs is refused by name when it is missing, no folder, or empty", async () => {
  using folder = tempFolder();
  Deno.writeTextFileSync(`${folder.path}/file`, "");
  await leavesNothing(async () => {
    for (const [path, reason] of [["missing", "no such file or directory"], ["file", "not a directory"]]) {
      const rootfs = `${folder.path}/${path}`;
      const message = `cannot open the root filesystem ${JSON.stringify(rootfs)}: ${reason}`;
      await assertRejects(() => sh({ rootfs }, ""), SystemError, message);
      assertMatch((await cli(["--rootfs", rootfs, "sh"])).stderr, new RegExp(`^minicontainer: ${message}`));
    }
    await assertRejects(() => sh({ rootfs: "" }, ""), SpecError, "rootfs: must name a folder");
  });
});

for (const mountApi of ["new", "classic"] as const) {
  test(`rootfs shows the host's own files and keeps them when it is / with an overlay, by the ${mountApi} calls`, async () => {
    using folder = tempFolder();
    const config = { rootfs: "/", overlay: true, mountApi };
    await leavesTheHost(async () => {
      const before = [...Deno.readDirSync("/")].length;
      assertEquals(
        await says(config, `ls -d ${folder.path}; echo >${folder.path}/x; ls ${folder.path}`),
        `${folder.path}\nx`,
      );
      assertEquals([...Deno.readDirSync(folder.path)], []);
      assertEquals([...Deno.readDirSync("/")].length, before);
      // The former root was still mounted above the new one, and `..` of the root led there.
      assertEquals(
        await says(config, `echo >/../${folder.path}/x; ls -di / | cut -d' ' -f1`),
        await says(config, "ls -di /.. | cut -d' ' -f1"),
      );
      assertEquals([...Deno.readDirSync(folder.path)], []);
      assertEquals((await mountsOf(config, MOUNTS)).filter(({ target }) => target === "/").length, 1);
    });
  });

  test(`rootfs can be / without an overlay, by the ${mountApi} calls`, async () => {
    using folder = tempFolder();
    await leavesTheHost(async () => {
      const config = { rootfs: "/", mountApi };
      assertEquals((await mountsOf(config, MOUNTS)).filter(({ target }) => target === "/").length, 1);
      await says({ ...config, files: { [`${folder.path}/file`]: "text" } }, `cat ${folder.path}/file`);
    });
  });
}
