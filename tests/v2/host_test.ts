/**
 * A host with cgroup v2 alone: what is there, and that a container is at home there.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { requires } from "../support.ts";
import { containers, rootfs, says } from "../support_rootfs.ts";
import { cli } from "../support_cli.ts";
import { pureV2, systemd } from "./support.ts";

const test = requires(pureV2, containers);

test("the host has the controllers that limits need, and no version 1", () => {
  const controllers = Deno.readTextFileSync("/sys/fs/cgroup/cgroup.controllers").trim().split(" ");
  for (const needed of ["cpu", "io", "memory", "pids"]) assert(controllers.includes(needed), needed);
  assertEquals(Deno.readTextFileSync("/proc/self/cgroup").trim().split("\n").length, 1);
});

test("namespaceExec() starts a container that sees the cgroup tree when the host has version 2 alone", async () => {
  using root = rootfs();
  const script = "test $$ = 1 && cat /sys/fs/cgroup/cgroup.controllers";
  assert((await says({ rootfs: root.path, enablePidNamespace: true }, script)).includes("memory"));
});

test("minicontainer check tells of version 2 when the host has it alone", async () => {
  const { stdout } = await cli(["check"]);
  assert(/cgroup.*(v2|version 2)/.test(stdout), stdout);
});

requires(pureV2, systemd)("systemd is up and answers when it is PID 1", async () => {
  const { stdout } = await new Deno.Command("systemctl", { args: ["is-system-running"] }).output();
  assertEquals(new TextDecoder().decode(stdout).trim(), "running");
});
