/**
 * Rules about devices, as the program meets them: by a BPF program on version 2, by a list on version 1.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import type { NamespaceExecConfig } from "../mod.ts";
import { leavesNothing, pidNamespaces, requires, tempFolder, tool } from "./support.ts";
import "./support_cgroups.ts";
import { says } from "./support_rootfs.ts";
import { cli } from "./support_cli.ts";

const test = requires(pidNamespaces, tool("mknod"));

/** A device's file, which is there on every host and that root may read: the kernel's log. */
function device() {
  const folder = tempFolder();
  const path = `${folder.path}/log`;
  new Deno.Command("mknod", { args: [path, "c", "1", "11"] }).outputSync();
  return { path, [Symbol.dispose]: () => folder[Symbol.dispose]() };
}

/** Which of them the program can open: `/dev/null` to write, `file` to read. */
function opened(file: string, limits?: NamespaceExecConfig["limits"]): Promise<string> {
  const script = `(: >/dev/null) 2>&- && printf null; (: <${file}) 2>&- && printf ' log'; true`;
  return says({ limits }, script);
}

test("namespaceExec() lets a program open the devices that the rules allow when there are rules, and no others", async () => {
  using log = device();
  await leavesNothing(async () => {
    assertEquals(await opened(log.path), "null log");
    assertEquals(await opened(log.path, {}), "null log");
    assertEquals(await opened(log.path, { devices: ["c 10:229 rwm"] }), "null");
    assertEquals(await opened(log.path, { devices: ["c 1:11 w"] }), "null");
    assertEquals(await opened(log.path, { devices: ["c 1:11 r"] }), "null log");
    assertEquals(await opened(log.path, { devices: ["c 1:* rw"] }), "null log");
  });
});

test("limits.devices is refused when it names no device that there could be", async () => {
  await assertRejects(() => opened("/dev/null", { devices: ["c 4096:0 r"] }), Error, "must be below 4096");
});

test("minicontainer --device-cgroup-rule allows a device when it is given", async () => {
  using log = device();
  const read = (rule: string) => cli(["--device-cgroup-rule", rule, "--", "/bin/sh", "-c", `: <${log.path}`]);
  assertEquals((await read("c 1:11 r")).code, 0);
  const { code, stderr } = await read("c 1:11 w");
  assertEquals({ code: code !== 0, isRefused: stderr.includes("not permitted") }, { code: true, isRefused: true });
});
