/** Our own full container, and the like of it for others: the same mounts, masks, capabilities and seccomp filter. */

import { specFromConfig } from "../src/spec/exec_config.ts";
import { OCI_VERSION, writeBundle } from "./bundle.ts";

const PROJECT = new URL("..", import.meta.url).pathname;

/** What bubblewrap's `--proc` makes read-only itself. */
const READ_ONLY_WITH_PROC = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus"];

/** What is run, and what it reads from its stdin. */
export interface Line {
  line: string[];
  stdin?: Uint8Array<ArrayBuffer>;
}

/** A full container of `/bin/true` in the folder `rootfs`, as `namespaceExec` takes it. */
export function fullConfig(rootfs: string) {
  return { program: "/bin/true", rootfs, enableAllNamespaces: true, envp: ["PATH=/bin"] };
}

/** A bundle of the same for OCI runtimes; its path. */
export async function makeFullBundle(folder: string): Promise<string> {
  const { process, mounts, linux } = specFromConfig(fullConfig("rootfs"));
  return await writeBundle(folder, "full", {
    ociVersion: OCI_VERSION,
    process: { ...process, user: { uid: 0, gid: 0 }, cwd: "/" },
    root: { path: "../rootfs" },
    mounts,
    linux: { ...linux, seccomp: JSON.parse(new TextDecoder().decode(await defaultSeccomp("oci"))) },
    hostname: "bench",
  });
}

/** Bubblewrap's container of the same namespaces and file systems, without masks and a filter. */
export function plainBwrap(rootfs: string): Line {
  return { line: [...isolation(rootfs), "/bin/true"] };
}

/** Bubblewrap's like of a full container. */
export async function fullBwrap(rootfs: string): Promise<Line> {
  const { maskedPaths = [], readonlyPaths = [] } = specFromConfig(fullConfig(rootfs)).linux ?? {};
  const masks = await Promise.all(maskedPaths.map(async (path) => {
    const found = await Deno.stat(path).catch(() => undefined);
    if (found === undefined) return [];
    return found.isDirectory ? ["--tmpfs", path, "--remount-ro", path] : ["--ro-bind", "/dev/null", path];
  }));
  const readOnly = readonlyPaths.filter((path) => !READ_ONLY_WITH_PROC.includes(path))
    .flatMap((path) => ["--ro-bind-try", path, path]);
  return {
    line: [
      ...[...isolation(rootfs), "--mqueue", "/dev/mqueue"],
      ...[...masks.flat(), ...readOnly, "--seccomp", "0", "/bin/true"],
    ],
    stdin: await defaultSeccomp("bpf"),
  };
}

function isolation(rootfs: string): string[] {
  return [
    ...["bwrap", "--unshare-all", "--die-with-parent", "--bind", rootfs, "/", "--proc", "/proc", "--dev", "/dev"],
    ...["--tmpfs", "/dev/shm", "--ro-bind", "/sys", "/sys", "--clearenv", "--cap-drop", "ALL"],
  ];
}

/** The filter that a full container has by default: OCI's JSON, or what seccomp(2) takes. */
async function defaultSeccomp(form: "oci" | "bpf"): Promise<Uint8Array<ArrayBuffer>> {
  const { process } = specFromConfig(fullConfig("rootfs"));
  const example = ["run", "--quiet", "--locked", "--package", "minicontainer", "--example", "default_seccomp"];
  const args = [...example, "--", form, ...process.capabilities?.bounding ?? []];
  const { success, stdout, stderr } = await new Deno.Command("cargo", { args, cwd: PROJECT }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return stdout;
}
