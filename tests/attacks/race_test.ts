/**
 * Somebody swaps parts of a root filesystem while containers start in it: what is mounted, made or changed is that of the
 * container, or nothing.
 *
 * @module
 */

import { assertEquals, assertGreater } from "@std/assert";
import { type NamespaceExecConfig, namespaceSpawn, type Spec } from "../../mod.ts";
import { exists, requires, shell, soon, tempFolder } from "../support.ts";
import { containers, leavesTheHost, rootfs } from "../support_rootfs.ts";
import { compiler, contained, mountApis, namesIn, race, Swapper } from "./support.ts";

const test = requires(containers, compiler);

for (const [api, apiConfig] of mountApis) {
  test(`CVE-2021-30465, 2024-45310, 2026-87766: a volume's target is swapped for a link to the host, by ${api}`, async () => {
    using root = rootfs();
    using host = tempFolder();
    using source = tempFolder();
    Deno.mkdirSync(`${root.path}/data`);
    // It leads to a folder of the root too, so that there is a place for the volume either way.
    Deno.mkdirSync(`${root.path}${host.path}`, { recursive: true });
    Deno.symlinkSync(host.path, `${root.path}/link`);
    await using _swapper = await Swapper.start(`${root.path}/data`, `${root.path}/link`);
    const script = `grep -c ' ${source.path} ' /proc/self/mountinfo; echo >/data/new; echo >/data/deeper/new; true`;
    const config = { rootfs: root.path, ...shell(script), ...apiConfig };
    for (const target of ["/data", "/data/deeper"]) {
      await leavesTheHost(async () => {
        const { ended } = await race(async () => {
          // Where it were mounted outside of the root, it would be gone once that is entered.
          const { stdout } = await contained({ ...config, volumes: [`${source.path}:${target}`] });
          assertEquals(stdout, "1");
        });
        assertGreater(ended, 0);
      });
      assertEquals(namesIn(host.path), []);
    }
  });

  test(`a read-only volume stays so when its target is swapped for another's, by ${api}`, async () => {
    using root = rootfs();
    using writable = tempFolder();
    using readOnly = tempFolder();
    for (const name of ["other", "data"]) Deno.mkdirSync(`${root.path}/${name}`);
    Deno.symlinkSync("/other", `${root.path}/link`);
    const volumes = [`${writable.path}:/other`, `${readOnly.path}:/data:ro`];
    const script = "for place in /other /data /link; do echo >$place/new; done; true";
    const config = { rootfs: root.path, ...shell(script), volumes, ...apiConfig };
    {
      await using _swapper = await Swapper.start(`${root.path}/data`, `${root.path}/link`);
      await race(() => contained(config));
      assertEquals(namesIn(readOnly.path), []);
    }
    await contained(config);
    assertEquals([namesIn(writable.path), namesIn(readOnly.path)], [["new"], []]);
  });
}

/** The calls between which something of the container's may be swapped; making a node is none of them. */
const ASKED = ["umask", "openat2", "fchownat", "fchmodat", "fchmod", "chmod", "chown"];

/** Has the kernel ask about those calls. */
const STOPS: Pick<NamespaceExecConfig, "noNewPrivileges" | "seccomp"> = {
  noNewPrivileges: true,
  seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ASKED, action: "SCMP_ACT_NOTIFY" }] },
};

// Opens the library's functions for answers, which stay open: see support.ts.
await Array.fromAsync(namespaceSpawn({ program: "true", ...STOPS }).notifications);

/** Starts a container in another Deno, which stops before each of those calls, for `swap` to swap something. */
async function startWithStops(config: NamespaceExecConfig, swap: () => void): Promise<void> {
  const mod = new URL("../../mod.ts", import.meta.url).href;
  const code = `import { namespaceExec } from "${mod}"; await namespaceExec(${JSON.stringify(config)}).catch(() => {})`;
  await using starter = namespaceSpawn({
    program: Deno.execPath(),
    argv: ["deno", "eval", "--quiet", code],
    stdin: "null",
    ...STOPS,
  });
  for await (const call of starter.notifications) {
    swap();
    call.allow();
  }
  assertEquals((await soon("the start ends", starter.status)).exitCode, 0);
}

test("a device's permissions never go to the host's file that its place is swapped for", async () => {
  using root = rootfs();
  using host = tempFolder();
  const [secret, pipe] = [`${host.path}/secret`, `${root.path}/srv/pipe`];
  Deno.writeTextFileSync(secret, "", { mode: 0o600 });
  Deno.mkdirSync(`${root.path}/srv`);
  const device = { type: "p", path: "/srv/pipe", fileMode: 0o666, uid: 1000, gid: 1000 } as const;
  const config: NamespaceExecConfig = { rootfs: root.path, program: "/bin/true", devices: [device] };
  let swaps = 0;
  await startWithStops(config, () => {
    if (!exists(pipe) || !Deno.lstatSync(pipe).isFifo) return;
    Deno.removeSync(pipe);
    Deno.symlinkSync(secret, pipe);
    swaps++;
  });
  assertGreater(swaps, 0);
  const { mode, uid } = Deno.statSync(secret);
  assertEquals([mode! & 0o777, uid], [0o600, 0]);
  Deno.removeSync(pipe);
  await startWithStops(config, () => {});
  const made = Deno.lstatSync(pipe);
  assertEquals([made.isFifo, made.mode! & 0o777, made.uid], [true, 0o666, 1000]);
});

test("CVE-2025-31133: /dev/null of the root filesystem is not what covers a masked path", async () => {
  using root = rootfs();
  Deno.writeTextFileSync(`${root.path}/etc/shown`, "the root's");
  Deno.writeTextFileSync(`${root.path}/dev/null`, "an attacker's");
  Deno.symlinkSync("/proc/sys/kernel/core_pattern", `${root.path}/dev/link`);
  await using _swapper = await Swapper.start(`${root.path}/dev/null`, `${root.path}/dev/link`);
  const script = "stat -c %F:%t:%T /etc/shown /proc/keys; cat /etc/shown /proc/keys; echo changed >/etc/shown";
  // Without a /dev of its own: that of the root filesystem.
  const spec: Spec = {
    ociVersion: "1.2.0",
    process: { args: ["/bin/sh", "-c", script] },
    root: { path: root.path },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
    linux: { namespaces: [{ type: "pid" }, { type: "mount" }], maskedPaths: ["/etc/shown", "/proc/keys"] },
    minicontainer: { devices: "none" },
  };
  const before = Deno.readTextFileSync("/proc/sys/kernel/core_pattern");
  const { ended, refused } = await race(async () => {
    const { stdout } = await contained({ spec });
    assertEquals(stdout, "character special file:1:3\ncharacter special file:1:3");
  });
  assertGreater(ended, 0);
  assertEquals(refused, 0);
  assertEquals(Deno.readTextFileSync(`${root.path}/etc/shown`), "the root's");
  assertEquals(Deno.readTextFileSync("/proc/sys/kernel/core_pattern"), before);
});
