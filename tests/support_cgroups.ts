/**
 * What the tests of cgroups share.
 *
 * @module
 */

import { namespaceSpawn } from "../mod.ts";
import { exists, type Lack, until } from "./support.ts";

/** The host's cgroups, each a folder: what a test has left is a difference, what others make meanwhile is none. */
export function cgroupTree(): string[] {
  const found: string[] = [];
  const visit = (folder: string) => {
    for (const { name, isDirectory } of entriesOf(folder)) {
      if (!isDirectory) continue;
      const path = `${folder}/${name}`;
      found.push(path);
      visit(path);
    }
  };
  visit("/sys/fs/cgroup");
  return found.filter((path) => !isOthers(path)).sort();
}

/** What is in a folder; one that others remove meanwhile is empty. */
function entriesOf(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)];
  } catch {
    return [];
  }
}

/** Whether another process that lives has made it, or a container of another test's; or it is this process's own scope. */
function isOthers(path: string): boolean {
  if (OWN_SCOPE.test(path)) return true;
  const owner = ownerOf(path);
  return owner === undefined ? path.includes("/minicontainer.") : owner !== Deno.pid && exists(`/proc/${owner}`);
}

/** Systemd's scope for all of a process's, which goes with the process. */
const OWN_SCOPE = new RegExp(`/minicontainer-${Deno.pid}-\\d+\\.scope(/keeper)?$`);

function ownerOf(path: string): number | undefined {
  const [, pid] = /\/minicontainer-(\d+)-/.exec(path) ?? [];
  return pid === undefined ? undefined : Number(pid);
}

/** Waits until systemd has removed the scopes of processes that have ended, which it does by itself. */
export async function endedScopes(): Promise<void> {
  const isEnded = (path: string) => path.endsWith(".scope") && ownerOf(path) !== Deno.pid;
  await until("the removal of ended scopes", () => !cgroupTree().some((path) => ownerOf(path) && isEnded(path)));
}

/** The cgroups that minicontainer makes have names that begin so. */
export function ownCgroups(): string[] {
  return cgroupTree().filter((path) => /\/minicontainer-\d+-\d+-\d+[^/]*$/.test(path));
}

/** This process's cgroup in the hierarchy of a controller, as a folder; nothing where that is not mounted. */
export function ownFolder(controller: string): string | undefined {
  const lines = Deno.readTextFileSync("/proc/self/cgroup").split("\n").map((line) => line.split(":"));
  const path = (name: string) => lines.find(([, names]) => names?.split(",").includes(name))?.slice(2).join(":");
  for (const line of Deno.readTextFileSync("/proc/self/mountinfo").split("\n")) {
    const [left, right] = line.split(" - ");
    const [type, , options] = right?.split(" ") ?? [];
    const [root, point] = left.split(" ").slice(3);
    const isV1 = type === "cgroup" && options.split(",").includes(controller);
    const own = isV1 ? path(controller) : type === "cgroup2" && hasController(point, controller) ? path("") : undefined;
    if (own !== undefined) return point + (own.startsWith(root) && root !== "/" ? own.slice(root.length) : own);
  }
}

function hasController(point: string, controller: string): boolean {
  const name = controller === "blkio" ? "io" : controller;
  return Deno.readTextFileSync(`${point}/cgroup.controllers`).split(/\s/).includes(name);
}

/** A shell's words that grow by a mebibyte at a time. */
export const MEMORY_BOMB = 'x=; while :; do x="$x$(head -c 1048576 /dev/zero | tr "\\0" x)"; done';

/** What limits need. */
export const limits: Lack = lackOfLimits();

function lackOfLimits(): Lack {
  if (Deno.uid() !== 0) return "needs root";
  const missing = ["memory", "cpu", "pids"].filter((controller) => ownFolder(controller) === undefined);
  return missing.length === 0 ? undefined : `needs the cgroup controllers ${missing.join(", ")}`;
}

if (limits === undefined) {
  // The library stays open for as long as the process lives: opened by a test, it would look like that test's leak.
  const program = namespaceSpawn({ program: "sleep", argv: ["sleep", "60"], limits: {} });
  await program.stats();
  await program[Symbol.asyncDispose]();
  await new Promise((resolve) => setTimeout(resolve, 0));
}
