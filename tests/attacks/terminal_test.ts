/**
 * A terminal of the container's own: what is bound to /dev/console is that terminal, and on nothing else.
 *
 * @module
 */

import { assertEquals, assertGreater, assertRejects } from "@std/assert";
import { namespaceExec, type Spec, SystemError } from "../../mod.ts";
import { namedPipe, requires, textOf } from "../support.ts";
import { containers, leavesTheHost, rootfs } from "../support_rootfs.ts";
import { compiler, race, Swapper } from "./support.ts";

const CORE_PATTERN = "/proc/sys/kernel/core_pattern";

const DEVPTS = { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] };

/** A container whose /dev is that of the root filesystem, and which has a terminal. */
function withTerminal(root: string, script: string, mounts = [DEVPTS]): { spec: Spec; timeoutMs: number } {
  return {
    spec: {
      ociVersion: "1.2.0",
      process: { args: ["/bin/sh", "-c", script], terminal: true },
      root: { path: root },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }, ...mounts],
      linux: { namespaces: [{ type: "pid" }, { type: "mount" }], readonlyPaths: ["/proc/sys"] },
      minicontainer: { devices: "none" },
    },
    timeoutMs: 15_000,
  };
}

/** A root filesystem whose /dev has been prepared. */
function prepared() {
  const root = rootfs();
  Deno.mkdirSync(`${root.path}/dev/pts`);
  Deno.writeTextFileSync(`${root.path}/etc/victim`, "the root's");
  return root;
}

async function shown(config: ReturnType<typeof withTerminal>): Promise<string> {
  const { stdout } = await namespaceExec(config);
  return textOf(stdout).replaceAll("\r", "");
}

/** 136 is the major number of the terminals of devpts. */
const LOOK = "tty; stat -c '%F %t' /dev/console /etc/victim; cat /etc/victim; stat -f -c %T /proc/sys/kernel";
const AS_IT_SHOULD_BE = "/dev/pts/0\ncharacter special file 88\nregular file 0\nthe root'sproc";

requires(containers)("CVE-2025-52565: a terminal is bound to no file that /dev/console leads to", async () => {
  using root = prepared();
  const before = Deno.readTextFileSync(CORE_PATTERN);
  for (const target of ["/etc/victim", "../etc/victim", CORE_PATTERN, "/proc/self/exe", "/no/such"]) {
    Deno.symlinkSync(target, `${root.path}/dev/console`);
    await leavesTheHost(() => assertRejects(() => shown(withTerminal(root.path, "true")), SystemError, "terminal"));
    Deno.removeSync(`${root.path}/dev/console`);
  }
  // Where the root filesystem has a name for the terminal, that of its devpts is above it.
  Deno.symlinkSync(CORE_PATTERN, `${root.path}/dev/pts/0`);
  assertEquals(await shown(withTerminal(root.path, LOOK)), AS_IT_SHOULD_BE);
  assertEquals(Deno.readTextFileSync(CORE_PATTERN), before);
});

requires(containers)("CVE-2025-52565: what is no terminal is not made one", async () => {
  const forms: ((path: string) => unknown)[] = [
    (path) => Deno.symlinkSync(CORE_PATTERN, path),
    (path) => Deno.symlinkSync("/etc/victim", path),
    (path) => Deno.writeTextFileSync(path, ""),
    namedPipe,
    // The host's, which makes terminals only in a folder of devpts.
    (path) => new Deno.Command("mknod", { args: [path, "c", "5", "2"] }).outputSync(),
  ];
  for (const make of forms) {
    using root = prepared();
    make(`${root.path}/dev/pts/ptmx`);
    await leavesTheHost(() => assertRejects(() => shown(withTerminal(root.path, "true", [])), SystemError, "terminal"));
  }
});

requires(containers, compiler)(
  "CVE-2025-52565: /dev/console is swapped for a link while a terminal is bound there",
  async () => {
    using root = prepared();
    Deno.writeTextFileSync(`${root.path}/dev/console`, "");
    Deno.symlinkSync("/etc/victim", `${root.path}/dev/link`);
    await using _swapper = await Swapper.start(`${root.path}/dev/console`, `${root.path}/dev/link`);
    const { ended } = await race(async () => {
      const said = await shown(withTerminal(root.path, "stat -c %F /etc/victim; cat /etc/victim"));
      assertEquals(said, "regular file\nthe root's");
    });
    assertGreater(ended, 0);
  },
);
