/**
 * Containers of Debian's own files: what mmdebstrap makes, and not the one program that busybox is.
 *
 * @module
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { namespaceExec } from "../mod.ts";
import { exists, type Lack, pidNamespaces, requires, tempFolder, textOf, tool } from "./support.ts";
import { cli } from "./support_cli.ts";
import { leavesTheHost } from "./support_rootfs.ts";

/** Kept from one run to the next: it takes 15 seconds and 35 MB to make. */
const ROOT = new URL("../target/tests/debian", import.meta.url).pathname;

/** Longer than that, for a slow network. */
const LONGEST_MS = 90_000;

/** Runs a command of the host's; what it says on stderr where it fails. */
async function failure(command: string, args: string[], cwd?: string): Promise<string | undefined> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  const { success, stderr } = await new Deno.Command(command, { args, cwd, signal, stdout: "null", stderr: "piped" })
    .output();
  return success ? undefined : textOf(stderr).split("\n").filter((line) => !line.startsWith("I: ")).join("; ");
}

/** Makes the root filesystem by mmdebstrap, Debian's package of which is unpacked where it is not installed. */
async function make(): Promise<Lack> {
  if (exists(`${ROOT}/etc/debian_version`)) return undefined;
  const lack = pidNamespaces ?? tool("apt-get") ?? tool("dpkg-deb") ?? tool("perl");
  if (lack !== undefined) return lack;
  using folder = tempFolder();
  let mmdebstrap = "mmdebstrap";
  if (tool("mmdebstrap") !== undefined) {
    const unpack = "apt-get download -qq mmdebstrap && dpkg-deb -x mmdebstrap_*.deb .";
    const failed = await failure("sh", ["-c", unpack], folder.path);
    if (failed !== undefined) return `needs mmdebstrap: ${failed}`;
    mmdebstrap = `${folder.path}/usr/bin/mmdebstrap`;
  }
  const [, suite] = /^VERSION_CODENAME=(.*)$/m.exec(Deno.readTextFileSync("/etc/os-release")) ?? ["", "stable"];
  const made = `${ROOT}.${Deno.pid}`;
  Deno.mkdirSync(ROOT.replace(/\/[^/]*$/, ""), { recursive: true });
  const failed = await failure(mmdebstrap, ["--variant=essential", "--mode=root", suite, made]);
  if (failed === undefined) {
    Deno.renameSync(made, ROOT);
    return undefined;
  }
  if (exists(made)) Deno.removeSync(made, { recursive: true });
  return `needs what mmdebstrap makes: ${failed}`;
}

const lack = await make().catch((error: Error) => `needs mmdebstrap: ${error.message}`);
const test = requires(pidNamespaces, lack);

if (pidNamespaces === undefined && lack === undefined) {
  // The library stays open for as long as the process lives, as in `support.ts`.
  await namespaceExec({ program: "/bin/true", rootfs: ROOT, overlay: { diff: true } });
}

/** What bash says in a container of Debian's. */
async function bash(script: string, config: object = {}): Promise<string> {
  const { exitCode, stdout, stderr } = await namespaceExec({
    program: "/bin/bash",
    argv: ["bash", "-c", script],
    rootfs: ROOT,
    overlay: true,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    timeoutMs: 60_000,
    ...config,
  });
  assertEquals([exitCode, textOf(stderr)], [0, ""]);
  return textOf(stdout);
}

test("a container of Debian's files runs their bash, with their libraries", async () => {
  await leavesTheHost(async () => {
    const version = Deno.readTextFileSync(`${ROOT}/etc/debian_version`).trim();
    assertEquals(await bash("cat /etc/debian_version"), version);
    // The host's are not there, where it has others.
    assertMatch(await bash("cat /proc/self/maps"), / \/(usr\/)?lib\/[^ ]*\/libc\.so\.6\n/);
    const { code, stdout, stderr } = await cli([
      "--rootfs",
      ROOT,
      "--overlay",
      "/bin/bash",
      "-c",
      "cat /etc/debian_version",
    ]);
    assertEquals([code, stdout, stderr], [0, `${version}\n`, ""]);
  });
});

for (const ids of ["root", "nobody"]) {
  const mappings = [{ containerID: 0, hostID: 0, size: 1 }, { containerID: 1, hostID: 100_000, size: 65_535 }];
  const config = ids === "root" ? {} : { uidMappings: mappings, gidMappings: mappings };

  test(`Debian's programs find what they need in a container${ids === "root" ? "" : " with a user namespace"}`, async () => {
    const installed = Number(await bash("dpkg --get-selections | wc -l", config));
    assert(installed > 50, `${installed}`);
    assertEquals(
      await bash("getent passwd daemon | cut -d: -f1,3; id -u; perl -e 'print 6 * 7'", config),
      "daemon:1\n0\n42",
    );
    assertEquals(
      await bash("echo secret | sha256sum - | cut -c1-8; date -u -d @0 +%Y; find /dev/shm", config),
      [
        "b37e50ce",
        "1970",
        "/dev/shm",
      ].join("\n"),
    );
    assertEquals(
      await bash("id -un; touch /tmp/mine; stat -c %U /tmp/mine", { ...config, user: "daemon" }),
      "daemon\ndaemon",
    );
  });
}

test("Debian's packages are removed in a container, and what that changed is told", async () => {
  const { exitCode, stderr, changes } = await namespaceExec({
    program: "/bin/bash",
    argv: ["bash", "-c", "dpkg --purge --force-all hostname"],
    rootfs: ROOT,
    overlay: { diff: true },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  assertEquals(exitCode, 0, textOf(stderr));
  const kinds = new Map(changes?.map(({ path, kind }) => [path, kind]));
  const program = kinds.has("/usr/bin/hostname") ? "/usr/bin/hostname" : "/bin/hostname";
  assertEquals([kinds.get(program), kinds.get("/var/lib/dpkg/status")], ["deleted", "changed"]);
  assert(exists(`${ROOT}/bin/hostname`));
});
