/** What the tests with container engines share: an installed command, and folders that are gone afterwards. */

import { exists, requires, textOf, tool } from "../support.ts";
import { containers, rootfs } from "../support_rootfs.ts";

const PROJECT = new URL("../../", import.meta.url).pathname;

/** A test of an engine's, which Debian has as a package of that name; cargo is there where the library was built. */
export function withEngine(...tools: string[]): ReturnType<typeof requires> {
  return requires(containers, ...tools.map(tool));
}

/** Made once, by the first test that needs it. */
let command: Promise<string> | undefined;

/** The path of the command, as `deno task install` makes it. */
export function installed(): Promise<string> {
  return command ??= install();
}

async function install(): Promise<string> {
  const prefix = Deno.makeTempDirSync({ prefix: "minicontainer-installed-" });
  addEventListener("unload", () => Deno.removeSync(prefix, { recursive: true }));
  const args = ["run", "-A", `${PROJECT}scripts/install.ts`, "--prefix", prefix];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
  if (!success) throw new Error(textOf(stderr));
  return `${prefix}/bin/minicontainer`;
}

/** A folder for an engine's own files, and a root filesystem; the cgroups that engines leave are removed as well. */
export class Ground implements Disposable {
  readonly folder = Deno.makeTempDirSync({ prefix: "minicontainer-engine-" });
  readonly #rootfs = rootfs();
  readonly #cgroups = new Set(topCgroups());

  /** The path of the root filesystem. */
  get rootfs(): string {
    return this.#rootfs.path;
  }

  [Symbol.dispose]() {
    this.#rootfs[Symbol.dispose]();
    for (const path of topCgroups()) if (!this.#cgroups.has(path)) removeEmpty(path);
    // Podman leaves mounts of its storage.
    const mounts = Deno.readTextFileSync("/proc/self/mountinfo").split("\n").map((line) => line.split(" ")[4] ?? "");
    for (const path of mounts.filter((path) => path.startsWith(`${this.folder}/`)).reverse()) {
      new Deno.Command("umount", { args: ["-l", path] }).outputSync();
    }
    Deno.removeSync(this.folder, { recursive: true });
  }
}

const CGROUPS = "/sys/fs/cgroup";

/** Podman's, and that of the containerd here, whose namespaces are cgroups. */
const OF_ENGINES = ["libpod_parent", "minicontainer-test"];

function topCgroups(): string[] {
  const hierarchies = [...Deno.readDirSync(CGROUPS)].filter(({ isDirectory }) => isDirectory);
  const folders = ["", ...hierarchies.map(({ name }) => `/${name}`)].map((folder) => `${CGROUPS}${folder}`);
  return folders.flatMap((folder) => OF_ENGINES.map((name) => `${folder}/${name}`)).filter(exists);
}

/** What others have put processes into stays. */
function removeEmpty(path: string) {
  try {
    for (const { name, isDirectory } of Deno.readDirSync(path)) if (isDirectory) removeEmpty(`${path}/${name}`);
    new Deno.Command("rmdir", { args: [path], stderr: "null" }).outputSync();
  } catch {
    // Somebody else's, who removed it.
  }
}

/** How a command ended, and what it said. */
export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

/** An engine that is stuck is ended. */
const LONGEST_MS = 60_000;

/** Runs a command to its end, in a folder for temporary files: conmon writes its `oom` where it stands. */
export async function said(command: string, args: string[], input = ""): Promise<Said> {
  const signal = AbortSignal.timeout(LONGEST_MS);
  const options = { args, signal, cwd: whereabouts(), stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(command, options).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/** Made once, and gone at the end. */
let standing: string | undefined;

function whereabouts(): string {
  if (standing === undefined) {
    const folder = standing = Deno.makeTempDirSync({ prefix: "minicontainer-cwd-" });
    addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  }
  return standing;
}

/** A command as a shell in a terminal of its own runs it. */
export function inTerminal(command: string, args: string[]): Promise<Said> {
  const words = [command, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return said("script", ["-qec", words, "/dev/null"]);
}
