import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { SpecError } from "../../src/native/errors.ts";
import { type NamespaceExecConfig, type Runnable, specFromConfig } from "../../src/spec/exec_config.ts";
import { fieldOfConfig, inTermsOfConfig } from "../../src/spec/field_names.ts";
import type { Spec } from "../../src/spec/types.ts";

/** What JavaScript lets callers pass. */
type Fields = Record<string, unknown>;

const spec = (fields: Fields): Spec => specFromConfig({ program: "sh", ...fields } as NamespaceExecConfig);
const inRoot = (fields: Fields = {}): Spec => spec({ rootfs: "/r", ...fields });

const kinds = (fields: Fields) => spec(fields).linux?.namespaces?.map(({ type }) => type) ?? [];

const mounted = (of: Spec, destination: string) => of.mounts?.find((mount) => mount.destination === destination);

const DEFAULT_CAPABILITIES = [
  ...["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID"],
  ...["CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SYS_CHROOT", "CAP_AUDIT_WRITE"],
  "CAP_SETFCAP",
];

Deno.test("specFromConfig() gives a root filesystem a container's defaults", () => {
  const { mounts, linux, process, ...rest } = inRoot();
  assertEquals(process, {
    args: ["sh"],
    env: [],
    cwd: "/",
    capabilities: {
      bounding: DEFAULT_CAPABILITIES,
      effective: DEFAULT_CAPABILITIES,
      permitted: DEFAULT_CAPABILITIES,
      inheritable: [],
      ambient: [],
    },
    noNewPrivileges: true,
  });
  assertEquals(rest, {
    ociVersion: "1.2.0",
    root: { path: "/r" },
    minicontainer: {
      program: "sh",
      inheritEnv: false,
      defaultEnv: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      stdio: ["inherit", "inherit", "inherit"],
      seccompProfile: "default",
      newKeyring: true,
      devices: "default",
      killOnExit: true,
    },
  });
  assertEquals(linux?.namespaces, [{ type: "pid" }, { type: "mount" }]);
  assertEquals(linux?.maskedPaths?.includes("/proc/kcore"), true);
  assertEquals(linux?.readonlyPaths, ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]);
  assertEquals(mounts?.map(({ destination, type, options }) => `${type} ${destination} ${options?.join()}`), [
    "proc /proc nosuid,noexec,nodev",
    "tmpfs /dev nosuid,strictatime,mode=755,size=65536k",
    "devpts /dev/pts nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5",
    "tmpfs /dev/shm nosuid,noexec,nodev,mode=1777,size=65536k",
    "mqueue /dev/mqueue nosuid,noexec,nodev",
    "sysfs /sys nosuid,noexec,nodev,ro",
    "cgroup /sys/fs/cgroup nosuid,noexec,nodev,relatime,ro",
  ]);
});

Deno.test("specFromConfig() lets what is given stand in place of a default", () => {
  const of = inRoot({
    readOnly: true,
    cwd: "/work",
    envp: ["A=1"],
    noNewPrivileges: false,
    seccomp: "unconfined",
    maskedPaths: [],
    readonlyPaths: ["/etc"],
    killOnExit: false,
    enablePidNamespace: false,
  });
  assertEquals(of.root, { path: "/r", readonly: true });
  assertEquals([of.process.cwd, of.process.env, of.process.noNewPrivileges], ["/work", ["A=1"], false]);
  assertEquals([of.linux?.maskedPaths, of.linux?.readonlyPaths], [[], ["/etc"]]);
  assertEquals(of.linux?.namespaces, [{ type: "mount" }]);
  const { killOnExit, seccompProfile, defaultEnv, inheritEnv } = of.minicontainer!;
  assertEquals([killOnExit, seccompProfile, defaultEnv, inheritEnv], [false, undefined, undefined, false]);
});

Deno.test("specFromConfig() isolates nothing that is not asked for where there is no root filesystem", () => {
  const of = spec({ hostname: "box" });
  assertEquals(Object.keys(of).sort(), ["hostname", "linux", "minicontainer", "ociVersion", "process"]);
  assertEquals(of.linux, { namespaces: [{ type: "uts" }] });
  assertEquals(of.process, { args: ["sh"], env: [] });
  assertEquals(of.minicontainer?.inheritEnv, true);
});

Deno.test("specFromConfig() makes the namespaces that are asked for, and those that fields need", () => {
  const cases: [Fields, string[]][] = [
    [{}, []],
    [{ enablePidNamespace: true }, ["pid"]],
    [{ enableAllNamespaces: true }, ["pid", "mount", "network", "uts", "ipc", "cgroup"]],
    [{ enableAllNamespaces: true, enableNetworkNamespace: false }, ["pid", "mount", "uts", "ipc", "cgroup"]],
    [{ enableUserNamespace: true, enableTimeNamespace: true }, ["user", "time"]],
    [{ hostname: "a", domainname: "b" }, ["uts"]],
    [{ volumes: ["/a:/b"] }, ["mount"]],
    [{ volumes: [] }, []],
    [{ timeOffsets: { boottime: { secs: 1 } } }, ["time"]],
    [{ uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }] }, ["user"]],
    [{ rootfs: "/r", enableIpcNamespace: true }, ["pid", "mount", "ipc"]],
  ];
  for (const [fields, expected] of cases) assertEquals(kinds(fields), expected, JSON.stringify(fields));
});

Deno.test("specFromConfig() joins a namespace by its path", () => {
  const namespaces = { network: "/proc/1/ns/net", pid: "/proc/1/ns/pid" };
  const of = spec({ namespaces, enableAllNamespaces: true });
  assertEquals(of.linux?.namespaces?.filter(({ path }) => path), [
    { type: "pid", path: "/proc/1/ns/pid" },
    { type: "network", path: "/proc/1/ns/net" },
  ]);
  assertEquals(of.minicontainer?.killOnExit, false);
  assertEquals(kinds({ namespaces: { uts: "/x" }, hostname: "a" }), ["uts"]);
});

Deno.test("specFromConfig() mounts in a user namespace only what belongs to it", () => {
  const alone = inRoot({ enableUserNamespace: true });
  assertEquals(mounted(alone, "/sys")?.options, ["rbind", "rprivate", "nosuid", "noexec", "nodev", "ro", "rro"]);
  assertEquals(mounted(alone, "/dev/mqueue"), undefined);
  assertEquals(mounted(alone, "/dev/pts")?.options?.includes("gid=5"), false);
  const whole = inRoot({
    enableUserNamespace: true,
    enableAllNamespaces: true,
    gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  });
  assertEquals([mounted(whole, "/sys")?.type, mounted(whole, "/dev/mqueue")?.type], ["sysfs", "mqueue"]);
  assertEquals(mounted(whole, "/dev/pts")?.options?.includes("gid=5"), true);
  const hostsProcesses = inRoot({ enableUserNamespace: true, enablePidNamespace: false });
  assertEquals(mounted(hostsProcesses, "/proc")?.type, "bind");
});

Deno.test("specFromConfig() mounts from the root downwards, in place of the defaults where they are the same", () => {
  const of = inRoot({
    tmpfs: ["/data/cache", "/dev/shm:size=1g"],
    volumes: ["/b:/data/cache/deep", "/a:/data"],
    mounts: [{ destination: "/x/y/z", type: "proc" }, { destination: "/x", type: "tmpfs" }],
  });
  const destinations = of.mounts?.map(({ destination }) => destination) ?? [];
  assertEquals(destinations.slice(0, 4), ["/proc", "/dev", "/dev/pts", "/dev/shm"]);
  assertEquals(mounted(of, "/dev/shm")?.options, ["nosuid", "nodev", "noexec", "size=1g"]);
  assertEquals(destinations.slice(7), ["/data", "/data/cache", "/data/cache/deep", "/x/y/z", "/x"]);
  assertEquals(inRoot({ volumes: ["/dev:/dev/"] }).minicontainer?.devices, "none");
  assertEquals(inRoot({ tmpfs: ["/dev"] }).minicontainer?.devices, "default");
});

Deno.test("specFromConfig() adds and drops capabilities", () => {
  const bounding = (fields: Fields) => spec(fields).process.capabilities?.bounding;
  assertEquals(bounding({}), undefined);
  assertEquals(bounding({ rootfs: "/r", capDrop: ["all"], capAdd: ["net_raw"] }), ["CAP_NET_RAW"]);
  assertEquals(bounding({ rootfs: "/r", capAdd: ["ALL"] })?.length, 41);
  assertEquals(bounding({ capDrop: ["CAP_SYS_ADMIN"] })?.length, 40);
  assertEquals(bounding({ capDrop: ["ALL"] }), []);
  assert(bounding({ rootfs: "/r", capAdd: ["SYS_ADMIN"] })?.includes("CAP_SYS_ADMIN"));
  const { ambient, inheritable } = inRoot({ user: "app", capAdd: ["net_admin"] }).process.capabilities!;
  assertEquals([ambient, inheritable], [["CAP_NET_ADMIN"], ["CAP_NET_ADMIN"]]);
});

Deno.test("specFromConfig() hands limits, ids and words on in OCI's form", () => {
  const of = spec({
    user: "1000:100",
    additionalGids: [4, 5],
    umask: 0o27,
    rlimits: { nofile: 64, RLIMIT_CORE: { soft: 0, hard: Infinity } },
    oomScoreAdj: -5,
    scheduler: { policy: "SCHED_FIFO", priority: 3 },
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 7 },
    cpuAffinity: "0-1,3",
    personality: "LINUX32",
    sysctl: { "net.ipv4.ip_forward": "1" },
    timeOffsets: { monotonic: { secs: -2, nanosecs: 5 } },
    landlock: { readOnly: ["/usr"] },
    rootfsPropagation: "rslave",
    mountApi: "classic",
    mapIds: "single",
    apparmorProfile: "p",
    selinuxLabel: "l",
    terminal: true,
    seccomp: { defaultAction: "SCMP_ACT_ALLOW" },
  });
  assertEquals(of.process, {
    args: ["sh"],
    env: [],
    user: { umask: 0o27, additionalGids: [4, 5] },
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 64, hard: 64 }, { type: "RLIMIT_CORE", soft: 0, hard: -1 }],
    oomScoreAdj: -5,
    scheduler: { policy: "SCHED_FIFO", priority: 3 },
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 7 },
    execCPUAffinity: { final: "0-1,3" },
    noNewPrivileges: true,
    apparmorProfile: "p",
    selinuxLabel: "l",
    terminal: true,
  });
  assertEquals(spec({ landlock: {}, noNewPrivileges: false }).process.noNewPrivileges, false);
  assertEquals(of.linux, {
    namespaces: [{ type: "mount" }, { type: "time" }],
    timeOffsets: { monotonic: { secs: -2, nanosecs: 5 } },
    sysctl: { "net.ipv4.ip_forward": "1" },
    seccomp: { defaultAction: "SCMP_ACT_ALLOW" },
    rootfsPropagation: "rslave",
    personality: { domain: "LINUX32" },
  });
  const { runAs, landlock, mountApi, mapIds, seccompProfile } = of.minicontainer!;
  assertEquals({ runAs, landlock, mountApi, mapIds, seccompProfile }, {
    runAs: "1000:100",
    landlock: { readOnly: ["/usr"], readWrite: [] },
    mountApi: "classic",
    mapIds: "single",
    seccompProfile: undefined,
  });
});

Deno.test("specFromConfig() writes files and lays an overlay in a root filesystem", () => {
  const extras = (fields: Fields) => inRoot(fields).minicontainer;
  assertEquals(extras({ files: { "/a": "é", "/b": new Uint8Array([255]) } })?.files, [
    { path: "/a", content: "w6k=" },
    { path: "/b", content: "/w==" },
  ]);
  assertEquals(extras({ overlay: true })?.overlay, {});
  assertEquals(extras({ overlay: false })?.overlay, undefined);
  assertEquals(extras({ overlay: { folder: "/o" } })?.overlay, { folder: "/o" });
  assertEquals(extras({ overlay: { sizeBytes: 9, diff: true } })?.overlay, { sizeBytes: 9, diff: true });
});

Deno.test("specFromConfig() gives a container the caller's environment only when it is asked to", () => {
  const { inheritEnv, defaultEnv } = inRoot({ inheritEnv: true }).minicontainer!;
  assertEquals([inheritEnv, defaultEnv], [true, undefined]);
  const names = inRoot({ hostname: "box", terminal: true }).minicontainer?.defaultEnv;
  assertEquals(names?.slice(1), ["HOSTNAME=box", "TERM=xterm"]);
});

Deno.test("specFromConfig() makes a program's streams its terminal, of a size or of none", () => {
  const { process, minicontainer } = spec({ terminal: { rows: 50, columns: 132 } });
  assertEquals([process.terminal, process.consoleSize], [true, { height: 50, width: 132 }]);
  assertEquals(minicontainer?.stdio, ["piped", "piped", "inherit"]);
  assertEquals(spec({ terminal: true }).process.consoleSize, undefined);
});

const oci: Spec = {
  ociVersion: "1.2.0",
  process: { args: ["true"], cwd: "/" },
  linux: { namespaces: [{ type: "pid" }] },
  minicontainer: { killOnExit: false, stdio: ["null", "null", "null"] },
};

Deno.test("specFromConfig() takes a whole spec, and lays over it what stands beside it", () => {
  assertEquals(specFromConfig({ spec: oci }), oci);
  assertEquals(specFromConfig({ spec: oci, stdout: "piped", timeoutMs: 5, killOnExit: true }).minicontainer, {
    killOnExit: true,
    stdio: ["inherit", "piped", "inherit"],
    timeoutMs: 5,
  });
  const { minicontainer: _, ...plain } = oci;
  assertEquals(specFromConfig({ spec: plain }).minicontainer, {
    killOnExit: true,
    stdio: ["inherit", "inherit", "inherit"],
  });
});

Deno.test("inTermsOfConfig() names the field that a spec's stands for", () => {
  const config: Runnable = {
    program: "sh",
    rootfs: "/r",
    volumes: ["/a:/b"],
    tmpfs: ["/b/c"],
    namespaces: { network: "/n" },
    mounts: [{ destination: "/m", type: "proc" }],
  };
  const cases: [string, string][] = [
    ["root.path", "rootfs"],
    ["mounts[7].source", "volumes[0]"],
    ["mounts[8]", "tmpfs[0]"],
    ["mounts[9].options[0]", "mounts[0].options[0]"],
    ["mounts[0]", "mounts[0]"],
    ["linux.uidMappings[0].size", "uidMappings[0].size"],
    ["linux.sysctl", "sysctl"],
    ["linux.namespaces[0]", "enablePidNamespace"],
    ["linux.namespaces[2].path", "namespaces.network"],
    ["process.rlimits[0]", "rlimits[0]"],
    ["process.user.umask", "umask"],
    ["minicontainer.runAs", "user"],
    ["minicontainer.stdio[1]", "stdout"],
    ["minicontainer.timeoutMs", "timeoutMs"],
    ["hostname", "hostname"],
  ];
  for (const [path, field] of cases) assertEquals(fieldOfConfig(config, path), field, path);
  assertEquals(fieldOfConfig({ spec: oci }, "mounts[0].source"), "spec.mounts[0].source");
  assertEquals(fieldOfConfig({ spec: oci }, "minicontainer.timeoutMs"), "timeoutMs");
  const told = assertThrows(
    () =>
      inTermsOfConfig(config, () => {
        throw new SpecError("root.path", "is no folder");
      }),
    SpecError,
    "rootfs: is no folder",
  );
  assertEquals(told.path, "rootfs");
});

/** The field that is named; what is refused; words of the message; what is nearly the same, and is taken. */
const refusals: [path: string, refused: Fields, says: string, taken: Fields][] = [
  ["rootfs", { rootfs: "" }, "must name a folder", { rootfs: "." }],
  ["readOnly", { readOnly: true }, "needs a rootfs", { rootfs: "/r", readOnly: true }],
  ["overlay", { overlay: true }, "needs a rootfs", { rootfs: "/r", overlay: true }],
  ["files", { files: {} }, "needs a rootfs", { rootfs: "/r", files: {} }],
  ["files", { rootfs: "/r", files: { a: "" } }, "absolute path", { rootfs: "/r", files: { "/a": "" } }],
  ['files["/a"]', { rootfs: "/r", files: { "/a": 1 } }, "a string or a Uint8Array", {}],
  ["overlay.sizeBytes", { rootfs: "/r", overlay: { folder: "o", sizeBytes: 1 } }, "memory, not a folder", {}],
  ["hostname", { hostname: "a".repeat(65) }, "at most 64 bytes; it has 65", { hostname: "a".repeat(64) }],
  ["hostname", { hostname: "a", enableUtsNamespace: false }, "enableUtsNamespace refuses", { hostname: "a" }],
  ["rootfs", { rootfs: "/r", enableMountNamespace: false }, "enableMountNamespace refuses", {}],
  ["rootfs", { rootfs: "/r", namespaces: { mount: "/m" } }, "needs a new namespace", { namespaces: { mount: "/m" } }],
  ["namespaces", { namespaces: { net: "/n" } }, '"net" is no kind of namespace: user, pid,', {}],
  ["namespaces.network", { namespaces: { network: "n" } }, "absolute path", { namespaces: { network: "/n" } }],
  ["namespaces.pid", { namespaces: { pid: "/n" }, enablePidNamespace: true }, "cannot be joined", {}],
  ["enableIpcNamespace", { enableIpcNamespace: "yes" }, "must be true or false", { enableIpcNamespace: false }],
  ["gidMappings", { rootfs: "/r", enableUserNamespace: true, gidMappings: -1 }, "must be an array", {}],
  ["uidMappings[0].size", { uidMappings: [{ containerID: 0, hostID: 0, size: 0 }] }, "from 1 to", {
    uidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
  }],
  ["mapIds", { mapIds: "all" }, "one of auto, single", { mapIds: "auto" }],
  ["user", { user: ":100" }, "USER or USER:GROUP", { user: "a:100" }],
  ["umask", { umask: 0o1000 }, "from 0 to 511", { umask: 0o777 }],
  ["additionalGids[1]", { additionalGids: [1, -1] }, "whole number", { additionalGids: [] }],
  ["capAdd[0]", { capAdd: ["NET"] }, '"NET" is no capability', { capAdd: ["cap_net_raw"] }],
  ["capAdd[0]", { capAdd: ["KILL"], capDrop: ["CAP_KILL"] }, "in capDrop as well", {
    capAdd: ["KILL"],
    capDrop: ["ALL"],
  }],
  ["seccomp", { seccomp: "none" }, "one of default, unconfined", { seccomp: "default" }],
  ["seccomp.defaultAction", { seccomp: {} }, "it is missing", {}],
  ["seccompFile", { seccompFile: "f", seccomp: "default" }, "beside seccomp", { seccompFile: "f" }],
  ["rlimits", { rlimits: { files: 1 } }, '"files" is no limit', { rlimits: { NOFILE: 1 } }],
  ["rlimits.nofile", { rlimits: { nofile: { soft: 2, hard: 1 } } }, "above the hard one", {
    rlimits: { nofile: { soft: 1, hard: 1 } },
  }],
  ["rlimits", { rlimits: { nofile: 1, RLIMIT_NOFILE: 1 } }, "RLIMIT_NOFILE twice", {}],
  ["oomScoreAdj", { oomScoreAdj: 1001 }, "from -1000 to 1000; it is 1001", { oomScoreAdj: 1000 }],
  ["scheduler.policy", { scheduler: { policy: "FIFO" } }, "must be one of", { scheduler: { policy: "SCHED_IDLE" } }],
  ["scheduler.priority", { scheduler: { policy: "SCHED_RR" } }, "1 to 99", {}],
  ["ioPriority.priority", { ioPriority: { class: "IOPRIO_CLASS_BE", priority: 8 } }, "from 0 to 7", {}],
  ["cpuAffinity", { cpuAffinity: "all" }, 'such as "0-3,7"', { cpuAffinity: "0" }],
  ["personality", { personality: "BSD" }, "one of LINUX, LINUX32", {}],
  ["sysctl", { sysctl: { ip: "1" } }, "no kernel parameter", { sysctl: { "net.ipv4.conf.eth0/1.x": "1" } }],
  ["sysctl.net.x", { sysctl: { "net.x": 1 } }, "must be a string", {}],
  ["timeOffsets.boottime.nanosecs", { timeOffsets: { boottime: { secs: 1, nanosecs: -1 } } }, "999999999", {}],
  ["landlock.readOnly[0]", { landlock: { readOnly: ["usr"] } }, "absolute path", { landlock: {} }],
  ["maskedPaths[0]", { maskedPaths: ["x"] }, "absolute path", { maskedPaths: ["/x"] }],
  ["rootfsPropagation", { rootfsPropagation: "none" }, "one of private, rprivate", {}],
  ["mounts[0].destination", { mounts: [{ type: "proc" }] }, "it is missing", { mounts: [{ destination: "/p" }] }],
  ["mounts[0]", { mounts: ["/a"] }, "must be an object", {}],
  ["devices[0].type", { rootfs: "/r", devices: [{ path: "/dev/x" }] }, "one of c, b, u, p", {}],
  ["tmpfs", { tmpfs: "/a" }, "must be an array", {}],
  ["terminal", { terminal: 1 }, "true or false", { terminal: false }],
  ["terminal.rows", { terminal: { rows: 0, columns: 80 } }, "1 to 65535", { terminal: { rows: 1, columns: 65535 } }],
  ["terminal.columns", { terminal: { rows: 24 } }, "must be a whole number", { terminal: { rows: 24, columns: 80 } }],
  ["stdout", { terminal: true, stdout: "null" }, "cannot be set", { terminal: true, stdin: "piped", stdout: "piped" }],
  ["stderr", { terminal: true, stderr: "piped" }, "cannot be set", { terminal: false, stderr: "piped" }],
  ["program", { spec: oci }, "cannot stand beside spec", {}],
  ["spec", { program: undefined, spec: 5 }, "must be an object", { program: undefined, spec: oci }],
  ["spec.linux.namespaces[0]", { program: undefined, spec: { linux: { namespaces: [null] } } }, "it is null", {}],
  ["spec", { program: undefined, spec: { size: 1n } }, "must be plain data", {}],
];
for (const [path, refused, says, taken] of refusals) {
  Deno.test(`specFromConfig() refuses ${Deno.inspect(refused, { breakLength: Infinity })} and names ${path}`, () => {
    const error = assertThrows(() => spec(refused), SpecError, says);
    assertEquals(error.path, path);
    assertMatch(error.message, /^\S+: [^.]/);
    spec(taken);
  });
}
