/**
 * `check`: what works on this host, held against what other programs and the kernel's files say.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { check, type HostProbe, type HostReport } from "../mod.ts";
import {
  exists,
  type Lack,
  leavesNothing,
  pidNamespaces,
  requires,
  statusFields,
  tempFolder,
  tool,
} from "./support.ts";
import { cli } from "./support_cli.ts";

// The library stays open for as long as the process lives: opened by a test, it would look like that test's leak.
check();

const test = requires();
const testWithUnshare = requires(tool("unshare"));
const testInUserNamespace = requires(tool("unshare"), works("unshare", "-Ur", "true"));
const testAsRoot = requires(pidNamespaces, tool("unshare"));

/** As {@linkcode Lack}: what a command that ends well proves. */
function works(program: string, ...args: string[]): Lack {
  try {
    return succeeds([program, ...args]) ? undefined : `needs "${program} ${args.join(" ")}" to work`;
  } catch {
    return `needs ${program}`;
  }
}

function succeeds([program, ...args]: string[]): boolean {
  return new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).outputSync().success;
}

function named(report: HostReport, name: string): HostProbe {
  const found = report.probes.find((probe) => probe.name === name);
  assert(found !== undefined, `there is no probe ${name}`);
  return found;
}

/** The report as the command has it, started through `prefix`. */
async function reportThrough(...prefix: string[]): Promise<{ code: number; report: HostReport }> {
  const { code, stdout, stderr } = await cli(["check", "--json"], { prefix });
  assertEquals(stderr, "");
  return { code, report: JSON.parse(stdout) };
}

/** A prefix that has the shell run a script, and then what follows. */
const first = (script: string, ...args: string[]) => ["sh", "-c", `${script}; exec "$@"`, "sh", ...args];

function fileText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Root makes namespaces as it is, others in a user namespace. */
const isPrivileged = pidNamespaces === undefined;
const unshare = (...flags: string[]) => ["unshare", ...(isPrivileged ? [] : ["-Ur"]), ...flags];

test("check() tells kernel, architecture and user as they are", () => {
  const { kernel, architecture, uid } = check();
  assertEquals({ kernel, architecture, uid }, {
    kernel: Deno.osRelease(),
    architecture: Deno.build.arch,
    uid: Deno.uid(),
  });
});

test("check() gives each probe a name, a group and what was seen, and a remedy only where it does not work", () => {
  const { probes } = check();
  assertEquals(new Set(probes.map(({ name }) => name)).size, probes.length);
  for (const { name, group, works, detail, remedy } of probes) {
    assertMatch(name, /^[a-z][A-Za-z0-9]+$/);
    assertMatch(group, /^(kernel|namespaces|mounts|ids|privileges|cgroups|tools)$/);
    assert(detail.length > 0 && (!works || remedy === undefined), name);
  }
});

const KINDS: [name: string, ...flags: string[]][] = [
  ["pidNamespace", "-pf"],
  ["mountNamespace", "-m"],
  ["utsNamespace", "-u"],
  ["ipcNamespace", "-i"],
  ["networkNamespace", "-n"],
  ["cgroupNamespace", "-C"],
  ["timeNamespace", "-T"],
];
testWithUnshare("check() says of each namespace what unshare says", () => {
  const report = check();
  assertEquals(named(report, "userNamespace").works, succeeds(["unshare", "-Ur", "true"]));
  for (const [name, ...flags] of KINDS) {
    assertEquals(named(report, name).works, succeeds([...unshare(...flags), "true"]), name);
  }
});

const OVERLAY = "mount -t tmpfs x /mnt && cd /mnt && mkdir l u w m && " +
  "mount -t overlay x m -o lowerdir=l,upperdir=u,workdir=w";
// pivot_root(8) is mostly not in an ordinary user's PATH.
const PIVOT = "mount -t tmpfs x /mnt && cd /mnt && mkdir o && PATH=$PATH:/sbin:/usr/sbin pivot_root . o";
const MOUNTS: [name: string, command: string[]][] = [
  ["procMount", [...unshare("-mpf"), "mount", "-t", "proc", "proc", "/proc"]],
  ["procMountInUserNamespace", ["unshare", "-Urmpf", "mount", "-t", "proc", "proc", "/proc"]],
  ["pivotRoot", [...unshare("-m"), "sh", "-c", PIVOT]],
  ["tmpfs", [...unshare("-m"), "mount", "-t", "tmpfs", "x", "/mnt"]],
  ["mqueue", [...unshare("-mi"), "mount", "-t", "mqueue", "x", "/mnt"]],
  ["devpts", [...unshare("-m"), "mount", "-t", "devpts", "-o", "newinstance", "x", "/mnt"]],
  ["overlay", [...unshare("-m"), "sh", "-c", OVERLAY]],
  ["overlayInUserNamespace", ["unshare", "-Urm", "sh", "-c", OVERLAY]],
];
requires(tool("unshare"), tool("mount"), tool("pivot_root"), exists("/mnt") ? undefined : "needs /mnt")(
  "check() says of each mount what mount says",
  () => {
    const report = check();
    for (const [name, command] of MOUNTS) assertEquals(named(report, name).works, succeeds(command), name);
  },
);

test("check() says that a recent kernel has what it has", () => {
  const report = check();
  // No program can be started without these.
  for (const name of ["pidfdOpen", "closeRange"]) assert(named(report, name).works, named(report, name).detail);
  const [major, minor] = Deno.osRelease().split(".").map(Number);
  const isFiltered = statusFields(fileText("/proc/self/status")).get("Seccomp") === "2";
  const isRecent = major > 6 || (major === 6 && minor >= 3);
  if (isFiltered || !isRecent) return;
  for (const name of ["clone3", "openat2", "mountApi", "mountSetattr", "idmappedMount"]) {
    if (named(report, "userNamespace").works) assert(named(report, name).works, named(report, name).detail);
  }
});

test("check() says of cgroups what is mounted, and leaves none behind", () => {
  const mounts = fileText("/proc/mounts").split("\n").map((line) => line.split(" "));
  const hasV2 = mounts.some(([, , kind]) => kind === "cgroup2");
  // One without a controller is systemd's own.
  const hasV1 = mounts.some(([, , kind, options]) => kind === "cgroup" && !options.includes("name="));
  const report = check();
  const { works, detail } = named(report, "cgroupLayout");
  const layout = hasV1 ? (hasV2 ? "hybrid: v1, and v2 beside it" : "v1") : (hasV2 ? "v2" : "none is mounted");
  assertEquals([works, detail], [hasV1 || hasV2, layout]);
  const folders = named(report, "cgroupCreation").detail.match(/\/sys\/fs\/cgroup[^,: ]*/g) ?? [];
  for (const folder of folders) {
    const left = [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith("minicontainer-check-"));
    assertEquals(left, []);
  }
});

test("check() says of ids, privileges and tools what the files say", () => {
  const report = check();
  const status = statusFields(fileText("/proc/self/status"));
  const capabilities = BigInt(`0x${status.get("CapEff")}`);
  assertEquals(named(report, "capabilities").works, (capabilities >> 21n & 1n) === 1n);
  assertEquals(named(report, "newPrivileges").works, status.get("NoNewPrivs") === "0");
  const actions = fileText("/proc/sys/kernel/seccomp/actions_avail").trim();
  if (actions !== "") assertEquals(named(report, "seccomp").detail, actions);
  for (const name of ["nft", "pasta", "slirp4netns", "criu"]) {
    const found = tool(name) === undefined || exists(`/usr/local/bin/${name}`) || exists(`/usr/local/sbin/${name}`);
    assertEquals(named(report, name).works, found, name);
  }
  if (tool("newuidmap") !== undefined) assertMatch(named(report, "newuidmap").remedy!, /install uidmap/);
  if (!isPrivileged && !fileText("/etc/subuid").includes("nobody") && Deno.uid() === 65534) {
    assertMatch(named(report, "subordinateUids").remedy!, /usermod --add-subuids 100000-165535 nobody/);
  }
});

test("check() leaves neither a descriptor nor a zombie", () => leavesNothing(check));

test("minicontainer check prints each probe by its group, and ends by whether a plain container works", async () => {
  const { code, stdout, stderr } = await cli(["check"]);
  const report = check();
  assertEquals({ code, stderr }, { code: report.works ? 0 : 1, stderr: "" });
  for (const { name, group, works, detail, remedy } of report.probes) {
    assertStringIncludes(stdout, `\n${group}\n`);
    assertMatch(stdout, new RegExp(`^  ${works ? "ok" : "no"}  ${name} `, "m"));
    // The names of the cgroups that were tried are new each time.
    if (group !== "cgroups") assertStringIncludes(stdout, `  ${detail}\n`);
    if (remedy !== undefined) assertStringIncludes(stdout, `        ${remedy}\n`);
  }
  assertStringIncludes(stdout, `A plain container ${report.works ? "works" : "does not work"} here`);
});

test("minicontainer check --json prints the report that check() returns", async () => {
  const { code, report } = await reportThrough("env");
  const expected = check();
  assertEquals(code, expected.works ? 0 : 1);
  assertEquals(report, expected);
});

test("minicontainer check refuses what it does not know", async () => {
  assertMatch((await cli(["check", "now"])).stderr, /check takes no argument: now/);
  const { code, stderr } = await cli(["check", "--jsno"]);
  assertEquals(code, 125);
  assertMatch(stderr, /unknown option --jsno; did you mean --json\?/);
});

test("minicontainer's help and completions know check", async () => {
  assertMatch((await cli(["--help"])).stdout, /^ {2}minicontainer check \[--json\]$/m);
  for (const shell of ["bash", "fish"]) {
    assertMatch((await cli(["completions", shell])).stdout, /\bexplain check completions\b|-a check /);
  }
});

test("minicontainer check works where SIGCHLD is ignored", async () => {
  const { report } = await reportThrough(...first('trap "" CHLD'));
  assertEquals(report, check());
});

const NONE_ALLOWED = "echo 0 > /proc/sys/user/max_user_namespaces";

testInUserNamespace("check() names the sysctl where the limit of user namespaces is 0", async () => {
  const { code, report } = await reportThrough("unshare", "-Ur", ...first(NONE_ALLOWED));
  const { works, detail, remedy } = named(report, "userNamespace");
  assertEquals(works, false);
  assertMatch(detail, /cannot make a user namespace: no space left on device \(ENOSPC\)/);
  assertMatch(remedy!, /user namespaces are switched off: sysctl -w user.max_user_namespaces=/);
  assertEquals(named(report, "overlayInUserNamespace").remedy, "see userNamespace");
  // As root of this one it makes the others without a further user namespace.
  assertEquals([named(report, "pidNamespace").works, report.works, code], [true, true, 0]);
});

requires(tool("unshare"), tool("setpriv"), works("unshare", "-Ur", "true"))(
  "check() says that no container works, with exit code 1, where there is neither a user namespace nor a capability",
  async () => {
    const drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    const prefix = ["unshare", "-Ur", ...first(NONE_ALLOWED, ...drop)];
    const { code, report } = await reportThrough(...prefix);
    assertEquals([code, report.works, named(report, "pidNamespace").works], [1, false, false]);
    assertEquals(named(report, "pidNamespace").remedy, "see userNamespace");
    const { stdout } = await cli(["check"], { prefix });
    assertMatch(stdout, /A plain container does not work here: see above\.\n$/);
  },
);

testInUserNamespace("check() names the limit of one kind of namespace", async () => {
  const script = "echo 0 > /proc/sys/user/max_uts_namespaces";
  const { report } = await reportThrough("unshare", "-Ur", ...first(script));
  assertEquals([named(report, "utsNamespace").works, named(report, "ipcNamespace").works], [false, true]);
  assertMatch(named(report, "utsNamespace").remedy!, /user.max_uts_namespaces is 0: sysctl -w/);
});

/** What Docker's profile does to a process without CAP_SYS_ADMIN, as seccomp(2)'s program for x86-64. */
function dockersFilter(): Uint8Array<ArrayBuffer> {
  const [LOAD, EQUAL, ANY_OF, RETURN] = [0x20, 0x15, 0x45, 0x06];
  const [UNSHARE, CLONE, CLONE3, NAMESPACES] = [272, 56, 435, 0x7e020000];
  const [ALLOW, EPERM, ENOSYS] = [0x7fff0000, 0x50001, 0x50026];
  const program: [code: number, jumpTrue: number, jumpFalse: number, value: number][] = [
    [LOAD, 0, 0, 0], // the number
    [EQUAL, 5, 0, UNSHARE],
    [EQUAL, 5, 0, CLONE3],
    [EQUAL, 0, 2, CLONE],
    [LOAD, 0, 0, 16], // the first argument
    [ANY_OF, 1, 0, NAMESPACES],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, EPERM],
    [RETURN, 0, 0, ENOSYS],
  ];
  const view = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [code, jumpTrue, jumpFalse, value]] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jumpTrue);
    view.setUint8(index * 8 + 3, jumpFalse);
    view.setUint32(index * 8 + 4, value, true);
  }
  return new Uint8Array(view.buffer);
}

requires(
  tool("bwrap"),
  works("bwrap", "--dev-bind", "/", "/", "true"),
  Deno.build.arch === "x86_64" ? undefined : "needs x86-64",
)("check() names the seccomp filter that refuses namespaces, as Docker's does", async () => {
  using folder = tempFolder();
  const filter = `${folder.path}/filter`;
  Deno.writeFileSync(filter, dockersFilter());
  const script = 'filter=$1; shift; exec bwrap --seccomp 9 --dev-bind / / "$@" 9<"$filter"';
  const { code, report } = await reportThrough("sh", "-c", script, "sh", filter);
  const { works, detail, remedy } = named(report, "userNamespace");
  assertEquals([code, works], [1, false]);
  assertMatch(detail, /operation not permitted \(EPERM\)/);
  assertMatch(remedy!, /--security-opt seccomp=unconfined/);
  assertMatch(named(report, "clone3").remedy!, /needs Linux 5.3, and that no seccomp filter hides it/);
  // bwrap sets it.
  assertMatch(named(report, "newPrivileges").remedy!, /NoNewPrivileges=no/);
});

testAsRoot("check() names what covers /proc where that keeps a user namespace from mounting its own", async () => {
  const { code, report } = await reportThrough("unshare", "-m", ...first("mount --bind /dev/null /proc/uptime"));
  const { works, detail, remedy } = named(report, "procMountInUserNamespace");
  assertEquals([code, works], [0, false]);
  assertMatch(detail, /cannot mount proc: operation not permitted/);
  assertMatch(remedy!, /parts of \/proc are covered \(\/proc\/uptime\).*--security-opt systempaths=unconfined/);
  assert(named(report, "procMount").works, "root may mount it all the same");
});

/** Makes `$1` a root that is no mount point, and that nothing outside of the mount namespace sees. */
const CHROOT = `
folder=$1; shift
mount -t tmpfs none "$folder"
for entry in /*; do
  if [ -L "$entry" ]; then mkdir -p "$folder/root"; cp -P "$entry" "$folder/root/"
  elif [ -d "$entry" ]; then mkdir -p "$folder/root$entry"; mount --rbind "$entry" "$folder/root$entry"
  fi
done
exec chroot "$folder/root" "$@"`;

requires(pidNamespaces, tool("unshare"), tool("chroot"))("check() names the chroot that it is in", async () => {
  using folder = tempFolder();
  const { code, report } = await reportThrough("unshare", "-m", "sh", "-c", CHROOT, "sh", folder.path);
  const { works, remedy } = named(report, "userNamespace");
  assertEquals([code, works], [1, false]);
  assertMatch(remedy!, /in a chroot, where the kernel allows none: enter by pivot_root/);
  assertMatch(named(report, "pivotRoot").remedy!, /the root is no mount point/);
});

requires(tool("setpriv"))("check() tells that no_new_privs is set", async () => {
  const { report } = await reportThrough("setpriv", "--no-new-privs");
  assertEquals(named(report, "newPrivileges").works, false);
});

testAsRoot("check() tries in a user namespace where root has no capability", async () => {
  const drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
  const { report } = await reportThrough(...drop);
  const { works, remedy } = named(report, "capabilities");
  assertEquals([report.uid, works], [0, false]);
  assertMatch(remedy!, /run as root, or with CAP_SYS_ADMIN/);
  if (named(report, "userNamespace").works) {
    assertStringIncludes(named(report, "pidNamespace").detail, "in a user namespace");
  }
});
