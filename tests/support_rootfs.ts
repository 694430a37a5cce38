/** What the tests of containers share: a root filesystem, and looks at the host before and after. */

import { assertEquals } from "@std/assert";
import { namespaceExec, type NamespaceExecConfig } from "../mod.ts";
import { type Lack, pidNamespaces, shell, textOf, tool } from "./support.ts";

const SCRIPT = new URL("../scripts/rootfs.sh", import.meta.url).pathname;

/** What a root filesystem needs, made by the script that the README shows. */
export const rootfsLack: Lack = tool("busybox");

/** What a container of root's needs. */
export const containers: Lack = pidNamespaces ?? rootfsLack;

/** Made once, by the first test that needs one. */
let template: string | undefined;

function makeTemplate(): string {
  const folder = Deno.makeTempDirSync({ prefix: "minicontainer-rootfs-" });
  addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  const { success, stderr } = new Deno.Command("sh", { args: [SCRIPT, `${folder}/rootfs`] }).outputSync();
  if (!success) throw new Error(textOf(stderr));
  return `${folder}/rootfs`;
}

/** A root filesystem of the test's own, which is removed at the end of the block. */
export function rootfs(): Disposable & { path: string } {
  template ??= makeTemplate();
  const folder = Deno.makeTempDirSync({ prefix: "minicontainer-rootfs-" });
  Deno.chmodSync(folder, 0o755);
  const { success, stderr } = new Deno.Command("cp", { args: ["-a", template, folder] }).outputSync();
  if (!success) throw new Error(textOf(stderr));
  return { path: `${folder}/rootfs`, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

/** How a shell's script ends that is run as a configuration has it, and what it says. */
export async function sh(
  config: Omit<NamespaceExecConfig, "program" | "spec">,
  script: string,
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { exitCode, stdout, stderr } = await namespaceExec({
    ...shell(script),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    ...config,
  });
  return { code: exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/** What a script says that must not fail. */
export async function says(...asked: Parameters<typeof sh>): Promise<string> {
  const { code, stdout, stderr } = await sh(...asked);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return stdout;
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
