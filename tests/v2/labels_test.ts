/**
 * Labels of AppArmor and SELinux, on hosts that have them and are thrown away: what the program has, and its caller not.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { type Spec, SystemError } from "../../mod.ts";
import { contained } from "../attacks/support.ts";
import { exists, type Lack, requires } from "../support.ts";
import { cli } from "../support_cli.ts";
import { containers, rootfs, says, sh } from "../support_rootfs.ts";
import { throwAway } from "./support.ts";

const POLICY = "/sys/kernel/security/apparmor/.load";
const CURRENT = "/proc/self/attr/current";

const apparmor: Lack = exists(POLICY) ? undefined : "needs AppArmor";
const selinux: Lack = Deno.readTextFileSync("/proc/filesystems").includes("selinuxfs") ? undefined : "needs SELinux";

/** Numbers and strings as AppArmor's policies have them: a type, and for a string its length with the zero. */
const number = (value: number) => [2, ...new Uint8Array(new Uint32Array([value]).buffer)];
const text = (type: number, value: string) => [type, value.length + 1, 0, ...new TextEncoder().encode(value), 0];
const [NAME, STRING, STRUCT, END] = [4, 5, 7, 8];
const struct = (name: string, ...fields: number[][]) => [...text(NAME, name), STRUCT, ...fields.flat(), END];

/** A profile that only complains, of version 5 of the format: name, mode, and four sets of capabilities. */
function profile(name: string): Uint8Array<ArrayBuffer> {
  const COMPLAIN = 1;
  const flags = struct("flags", number(0), number(COMPLAIN), number(0));
  const capabilities = [0, 0, 0, 0].map(number);
  const whole = struct("profile", text(STRING, name), flags, ...capabilities);
  return new Uint8Array([...text(NAME, "version"), ...number(5), ...whole]);
}

/** What `label` gives a program that is isolated in each way; without it, the label is its caller's. */
async function labels(field: "apparmorProfile" | "selinuxLabel", option: string, label: string): Promise<string[]> {
  using root = rootfs();
  const argv = ["cat", CURRENT];
  const config = { program: "cat", argv, [field]: label };
  const spec: Spec = { ociVersion: "1.2.0", process: { args: argv, [field]: label } };
  const found = [
    await contained(config),
    await contained({ ...config, rootfs: root.path, user: "joe" }),
    await contained({ ...config, rootfs: root.path, enableUserNamespace: true }),
    await contained({ spec }),
    await cli(["--rootfs", root.path, option, label, ...argv]),
  ].map(({ stdout }) => stdout);
  return found.map((each) => each.replace(/[\0\n]+$/, ""));
}

requires(throwAway, containers, apparmor)("apparmorProfile is the program's profile when it is given", async () => {
  Deno.writeFileSync(POLICY, profile("of-the-test"));
  const before = Deno.readTextFileSync(CURRENT);
  assertEquals(await labels("apparmorProfile", "--apparmor", "of-the-test"), Array(5).fill("of-the-test (complain)"));
  assertEquals([await says({}, `cat ${CURRENT}`), Deno.readTextFileSync(CURRENT)], [before.trim(), before]);
  const message = 'cannot write "exec no-such" to "/proc/self/attr/apparmor/exec": no such file or directory';
  await assertRejects(() => sh({ apparmorProfile: "no-such" }, ""), SystemError, message);
  assertEquals((await cli(["--apparmor", "no-such", "true"])).code, 125);
});

requires(throwAway, containers, selinux)("selinuxLabel is the program's label when it is given", async () => {
  assertEquals(new Deno.Command("mount", { args: ["-t", "selinuxfs", "x", "/sys/fs/selinux"] }).outputSync().code, 0);
  const before = Deno.readTextFileSync(CURRENT);
  // Before a policy is loaded there are the kernel's own labels: its own, and that of what has none.
  assertEquals(await labels("selinuxLabel", "--selinux", "unlabeled"), Array(5).fill("unlabeled"));
  assertEquals(await labels("selinuxLabel", "--selinux", "kernel"), Array(5).fill("kernel"));
  assertEquals([before.replace("\0", ""), Deno.readTextFileSync(CURRENT)], ["kernel", before]);
});
