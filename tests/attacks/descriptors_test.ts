/**
 * Descriptors of this process that a container could reach the host by.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertRejects } from "@std/assert";
import { namespaceExec, type NamespaceExecConfig, namespaceSpawn, SystemError } from "../../mod.ts";
import { requires, shell, tempFolder } from "../support.ts";
import { containers, rootfs } from "../support_rootfs.ts";
import { AS_NOBODY, contained, mountApis } from "./support.ts";

const test = requires(containers);

/** More numbers than this process has open, and than the child opens. */
const NUMBERS = Array.from({ length: 200 }, (_, number) => number);

/** Folders of the host's that this process has open, as an application may. */
function openFolders(): Disposable {
  const files = ["/", "/etc", "/proc"].map((path) => Deno.openSync(path));
  return { [Symbol.dispose]: () => files.forEach((file) => file.close()) };
}

/** Tries to start a program in each folder: in the root's own it may, in the host's it is refused. */
async function startIn(folders: string[], config: NamespaceExecConfig): Promise<number> {
  let refused = 0;
  for (const cwd of folders) {
    try {
      const { exitCode } = await namespaceExec({ ...config, cwd, timeoutMs: 15_000 });
      assertEquals(exitCode, 0, `${cwd} leads to the host`);
    } catch (error) {
      assert(error instanceof SystemError, `${error}`);
      if (/outside of the root/.test(error.message)) refused++;
    }
  }
  return refused;
}

/** Succeeds where the way up leads to the root filesystem, in which there is such a file. */
const IS_INSIDE = shell("test -e ../../../../../../../../inside");

/** A root filesystem that a program recognises. */
function markedRootfs() {
  const root = rootfs();
  Deno.writeTextFileSync(`${root.path}/inside`, "");
  return root;
}

for (const [api, apiConfig] of mountApis) {
  test(`CVE-2016-9962, 2024-21626: a container starts in no folder behind a descriptor, by ${api}`, async () => {
    using root = markedRootfs();
    using _open = openFolders();
    const config = { rootfs: root.path, ...IS_INSIDE, ...apiConfig };
    assertGreater(await startIn(NUMBERS.map((number) => `/proc/self/fd/${number}`), config), 2);
    await startIn(["/proc/self/cwd", "/proc/self/root", "/proc/1/root", "/proc/1/cwd/..", "/dev/fd/3/.."], config);
    Deno.symlinkSync("/proc/self/fd", `${root.path}/fd`);
    assertGreater(await startIn(NUMBERS.map((number) => `/fd/${number}/`), config), 2);
    assertEquals(await startIn(["/", "/etc", "/tmp/..", "/proc/self"], config), 0);
  });
}

test("CVE-2024-21626: who joins a container starts in no folder behind a descriptor", async () => {
  using root = markedRootfs();
  using _open = openFolders();
  await using container = namespaceSpawn({ rootfs: root.path, program: "/bin/sleep", argv: ["sleep", "60"] });
  const file = (kind: string) => `/proc/${container.pid}/ns/${kind}`;
  const config = { ...IS_INSIDE, namespaces: { mount: file("mnt"), pid: file("pid") } };
  assertGreater(await startIn(NUMBERS.map((number) => `/proc/self/fd/${number}`), config), 2);
  Deno.symlinkSync("/proc/self/fd", `${root.path}/fd`);
  assertGreater(await startIn(NUMBERS.map((number) => `/fd/${number}`), config), 2);
  assertEquals(await startIn(["/", "/etc", "/proc/self"], config), 0);
});

for (const [who, config] of [["root", {}], ["nobody", AS_NOBODY]] as const) {
  test(`a container of ${who}'s has three descriptors, whatever its files were made of`, async () => {
    using root = rootfs();
    using _open = openFolders();
    using volume = tempFolder();
    Deno.chmodSync(volume.path, 0o755);
    // Files can be put where the container's own user may make them.
    if (who === "nobody") new Deno.Command("chown", { args: ["-R", "100000:100000", root.path] }).outputSync();
    const { stdout } = await contained({
      rootfs: root.path,
      // The shell's own descriptors, without one by which it looks.
      ...shell(
        "for number in 3 4 5 6 7 8 9 10 20 30 40 50 99; do test -e /proc/$$/fd/$number && echo $number; done; " +
          "for number in 0 1 2; do readlink /proc/$$/fd/$number; done",
      ),
      overlay: true,
      files: { "/etc/file": "from memory" },
      volumes: [`${volume.path}:/data`],
      tmpfs: ["/scratch"],
      ...config,
    });
    const [stdin, ...pipes] = stdout.split("\n");
    assertEquals(stdin, "/dev/null");
    assertEquals(pipes.map((pipe) => pipe.replace(/\d+/, "N")), ["pipe:[N]", "pipe:[N]"]);
  });
}

test("a program behind a descriptor is not executed", async () => {
  using root = rootfs();
  using _open = openFolders();
  for (const number of NUMBERS.slice(3, 40)) {
    const program = `/proc/self/fd/${number}/bin/true`;
    await assertRejects(() => contained({ rootfs: root.path, program }), SystemError, program);
  }
  assertEquals((await contained({ rootfs: root.path, program: "/bin/true" })).exitCode, 0);
});
