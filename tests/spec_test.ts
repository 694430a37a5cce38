/**
 * A whole OCI object as `spec`: each of its fields, as the program finds it.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Spec } from "../mod.ts";
import { execForms, requires, statusFields, tempFolder, textOf } from "./support.ts";
import { containers, leavesTheHost, mountLines, rootfs } from "./support_rootfs.ts";

const test = requires(containers);

/** Prints what each field has set, each under its name. */
const LOOK = `
  exec 2>&1
  show() { echo "== $1"; shift; "$@"; }
  show names cat /proc/sys/kernel/hostname /proc/sys/kernel/domainname
  show environment env
  show folder pwd
  show ids id
  show umask umask
  show status cat /proc/self/status
  show limits sh -c "ulimit -n; ulimit -Hn"
  show oom cat /proc/self/oom_score_adj
  show priority ionice -p $$
  show policy cut -d' ' -f19,41 /proc/self/stat
  show personality cat /proc/self/personality
  show parameter cat /proc/sys/kernel/shmmni
  show clock cat /proc/self/timens_offsets
  show mounts cat /proc/self/mountinfo
  show device stat -c "%F %t:%T %a %u:%g" /dev/own
  show volume sh -c 'cat /data/file; echo x >/data/new || true'
  show masked sh -c 'wc -c </etc/motd; ls -A /srv'
  show protected sh -c 'echo x >/opt/x || true'
  show root sh -c 'echo x >/x || true'
  show filter sh -c 'mkdir /tmp/made || true'
`;

function whole(root: string, volume: string): Spec {
  const capabilities = ["CAP_CHOWN", "CAP_KILL"];
  return {
    ociVersion: "1.2.0",
    process: {
      args: ["/bin/sh", "-c", LOOK],
      env: ["PATH=/bin", "GIVEN=1"],
      cwd: "/home",
      user: { uid: 1000, gid: 100, umask: 0o27, additionalGids: [29, 77] },
      capabilities: { bounding: capabilities, permitted: [], effective: [], inheritable: [], ambient: [] },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 30, hard: 40 }],
      noNewPrivileges: true,
      oomScoreAdj: 321,
      scheduler: { policy: "SCHED_BATCH", nice: 4 },
      ioPriority: { class: "IOPRIO_CLASS_BE", priority: 6 },
    },
    root: { path: root, readonly: true },
    hostname: "whole",
    domainname: "example",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755"] },
      { destination: "/tmp", type: "tmpfs", source: "scratch", options: ["size=64k", "mode=1777", "noexec"] },
      { destination: "data", type: "bind", source: volume, options: ["rbind", "ro"] },
    ],
    linux: {
      namespaces: (["pid", "mount", "network", "uts", "ipc", "cgroup", "time"] as const).map((type) => ({ type })),
      timeOffsets: { boottime: { secs: 77 } },
      devices: [{ type: "c", path: "/dev/own", major: 1, minor: 3, fileMode: 0o640, uid: 3, gid: 4 }],
      sysctl: { "kernel.shmmni": "123" },
      maskedPaths: ["/etc/motd", "/srv", "/no/such"],
      readonlyPaths: ["/opt"],
      rootfsPropagation: "rprivate",
      personality: { domain: "LINUX32" },
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
      },
    },
  };
}

/** What a program has printed under each name; what it complained of stands with the rest. */
function shown(text: string): Record<string, string> {
  const parts = text.split(/^== /m).slice(1).map((part) => part.split(/\n([^]*)/));
  return Object.fromEntries(parts.map(([name, rest = ""]) => [name, rest.trimEnd()]));
}

/** A root filesystem with what the spec covers and protects, and a folder with a file. */
function scene() {
  const root = rootfs();
  const volume = tempFolder();
  for (const name of ["srv", "opt", "data"]) Deno.mkdirSync(`${root.path}/${name}`, { mode: 0o777 });
  for (const file of [`${root.path}/srv/secret`, `${root.path}/etc/motd`]) Deno.writeTextFileSync(file, "the root's");
  Deno.writeTextFileSync(`${volume.path}/file`, "text\n");
  Deno.chmodSync(volume.path, 0o777);
  return {
    spec: whole(root.path, volume.path),
    [Symbol.dispose]() {
      root[Symbol.dispose]();
      volume[Symbol.dispose]();
    },
  };
}

/** What is shown of the fields, but for mounts and status. */
const EXPECTED = {
  names: "whole\nexample",
  folder: "/home",
  ids: "uid=1000(joe) gid=100(users) groups=29(audio),77",
  umask: "0027",
  limits: "30\n40",
  oom: "321",
  priority: "best-effort: prio 6",
  policy: "4 3",
  personality: "00000008",
  parameter: "123",
  device: "character special file 1:3 640 3:4",
  volume: "text\nsh: can't create /data/new: Read-only file system",
  masked: "0",
  protected: "sh: can't create /opt/x: Read-only file system",
  root: "sh: can't create /x: Read-only file system",
  filter: "mkdir: can't create directory '/tmp/made': No space left on device",
};

for (const [name, exec] of execForms) {
  test(`${name}() gives the program all that a whole spec says, and the host nothing`, async () => {
    using place = scene();
    await leavesTheHost(async () => {
      const { exitCode, stdout, degraded } = await exec({ spec: place.spec, stdin: "null", stdout: "piped" });
      const { mounts, status, environment, clock, ...rest } = shown(textOf(stdout));
      assertEquals([exitCode, degraded, rest], [0, [], EXPECTED]);
      assert(environment.split("\n").includes("GIVEN=1") && !environment.includes("HOSTNAME"), environment);
      assertMatch(clock, /^monotonic +0 +0\nboottime +77 +0$/);
      const fields = statusFields(status);
      assertEquals(["NoNewPrivs", "Seccomp", "CapBnd", "CapEff"].map((field) => fields.get(field)), [
        ...["1", "2"],
        ...["0000000000000021", "0000000000000000"],
      ]);
      const found = mountLines(mounts);
      assert(found.every(({ propagation }) => propagation.length === 0), mounts);
      const options = (path: string) => found.find(({ target }) => target === path)?.options.join();
      assertEquals(options("/tmp"), "rw,noexec,relatime");
      assertEquals([options("/dev"), options("/proc")], ["rw,nosuid", "rw,nosuid,nodev,noexec,relatime"]);
      assert(options("/data")?.startsWith("ro,"), mounts);
    });
  });
}
