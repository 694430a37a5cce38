/** What the tests of containers share: a root filesystem, and looks at the host before and after. */

import { assertEquals } from "@std/assert";
import { type Lack, pidNamespaces, tool } from "./support.ts";

const SCRIPT = new URL("../scripts/rootfs.sh", import.meta.url).pathname;

/** What a root filesystem needs, made by the script that the README shows. */
export const rootfsLack: Lack = tool("busybox");

/** What a container of root's needs. */
export const containers: Lack = pidNamespaces ?? rootfsLack;

/** A root filesystem of the test's own, which is removed at the end of the block. */
export function rootfs(): Disposable & { path: string } {
  const folder = Deno.makeTempDirSync({ prefix: "minicontainer-rootfs-" });
  Deno.chmodSync(folder, 0o755);
  const path = `${folder}/rootfs`;
  const { success, stderr } = new Deno.Command("sh", { args: [SCRIPT, path] }).outputSync();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return { path, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

/** What a container could change of the host: its mounts, its name, its devices. */
export function hostState() {
  return {
    mounts: Deno.readTextFileSync("/proc/self/mountinfo"),
    hostname: Deno.hostname(),
    devices: [...Deno.readDirSync("/dev")].map(({ name }) => name).sort(),
  };
}

/** Runs `fn`; the host is afterwards as it was. */
export async function leavesTheHost(fn: () => unknown): Promise<void> {
  const before = hostState();
  await fn();
  assertEquals(hostState(), before);
}

/** A line of `proc_pid_mountinfo(5)`. */
export interface MountLine {
  /** Where, in the root of who reads it. */
  target: string;
  /** Of the mount: `ro`, `nosuid`, … */
  options: string[];
  /** `shared:N`, `master:N`, … */
  propagation: string[];
  /** The filesystem's type. */
  type: string;
  /** What is mounted. */
  source: string;
  /** Of the filesystem: `size=64k`, … */
  superOptions: string[];
}

/** Reads the text of `/proc/self/mountinfo`. */
export function mountLines(text: string): MountLine[] {
  return text.trim().split("\n").map((line) => {
    const [left, right] = line.split(" - ");
    const [, , , , target, options, ...propagation] = left.split(" ");
    const [type, source, superOptions] = right.split(" ");
    return {
      target,
      options: options.split(","),
      propagation,
      type,
      source,
      superOptions: superOptions.split(","),
    };
  });
}
