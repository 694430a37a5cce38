/**
 * What the library's tests share: tests that say what they lack, child Denos, and counts of what a leak would raise.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { check, explain, namespaceExec, type NamespaceExecResult, namespaceExecSync, type Runnable } from "../mod.ts";

// The library stays open for as long as the process lives: opened by a test, it would look like that test's leak.
explain({ program: "true" });
namespaceExecSync({ program: "true" });
// The same is so of our own pidfd.
namespaceExecSync({ program: "true", killOnExit: true });
namespaceExecSync({ program: "true", stdout: "piped" });
await namespaceExec({ program: "true", stdout: "piped" });
// The signal listener's last operation ends a turn of the event loop after the listener was removed.
await new Promise((resolve) => setTimeout(resolve, 0));

/** Why a test cannot run here; `undefined` where it can. */
export type Lack = string | undefined;

/** Of capabilities(7): a namespace other than `user` needs it. */
const CAP_SYS_ADMIN = 21;

/** What a PID namespace needs. */
export const pidNamespaces: Lack = capability(CAP_SYS_ADMIN) ? undefined : "needs root";

/** @param name a program that the test starts */
export function tool(name: string): Lack {
  const folders = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"];
  return folders.some((folder) => exists(`${folder}/${name}`)) ? undefined : `needs ${name}`;
}

/** @param probe of `check()`: what the kernel lets this user do */
export function worksHere(probe: string): Lack {
  return check().probes.find(({ name }) => name === probe)?.works ? undefined : `needs ${probe} of minicontainer check`;
}

/** A test that hangs fails, and the others go on. The slowest takes a fifth of it. */
const LONGEST_TEST_MS = 300_000;

/**
 * In a virtual machine, many times slower, an operation that ends by itself may do so after its test; outside, the same
 * tests are held to it.
 */
const IS_SLOW_HOST = Deno.env.get("THROW_AWAY_HOST") === "1";

/**
 * Like `Deno.test`, with the sanitizers on, for tests that this machine may not be able to run: those are ignored, and
 * their names say why.
 *
 * @param lacks what each need came to; none: the tests run everywhere
 */
export function requires(...lacks: Lack[]): (name: string, fn: () => void | Promise<void>) => void {
  const lack = lacks.find((each) => each !== undefined);
  return (name, fn) =>
    Deno.test({
      name: lack === undefined ? name : `${name} [skipped: ${lack}]`,
      ignore: lack !== undefined,
      sanitizeOps: !IS_SLOW_HOST,
      sanitizeResources: true,
      timeout: LONGEST_TEST_MS,
      fn,
    });
}

/** Both forms of exec, the blocking one behind a promise. */
export const execForms: [name: string, exec: (config: Runnable) => Promise<NamespaceExecResult>][] = [
  ["namespaceExec", namespaceExec],
  ["namespaceExecSync", (config) => new Promise((resolve) => resolve(namespaceExecSync(config)))],
];

/** A configuration that has the shell run a script; `args` are its `$1`, `$2`, … */
export function shell(script: string, ...args: string[]): { program: string; argv: string[] } {
  return { program: "/bin/sh", argv: ["sh", "-c", script, "sh", ...args] };
}

/** What bytes say, without the end of the last line. */
export function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes).trimEnd();
}

/** A folder of the test's own, which is removed at the end of the block. */
export function tempFolder(): Disposable & { path: string } {
  const path = Deno.makeTempDirSync({ prefix: "minicontainer-" });
  return { path, [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }) };
}

/** Makes a named pipe, for a program to wait at until the test writes to it. */
export function namedPipe(path: string): string {
  assertEquals(namespaceExecSync({ program: "mkfifo", argv: ["mkfifo", path] }).exitCode, 0);
  return path;
}

/** A Deno that runs a module's text. */
export interface DenoOptions {
  /** Of `deno run`; absent: `-A`. */
  flags?: string[];
  /** What is started, and with which arguments before Deno's own path; absent: Deno itself. */
  through?: string[];
  /** This library's address; absent: where it is. */
  mod?: string;
}

/** Starts another Deno on a module's text, which may use `MOD` for this library; its output is piped. */
export async function startDeno(code: string, { flags = ["-A"], through = [], mod = MOD }: DenoOptions = {}) {
  const [program, ...args] = [
    ...through,
    ...[Deno.execPath(), "run", "--no-config", "--no-lock", "--quiet", ...flags, "-"],
  ];
  const options = { args, stdin: "piped", stdout: "piped", stderr: "piped", env: { NO_COLOR: "1" } } as const;
  const child = new Deno.Command(program, options).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code.replaceAll("MOD", JSON.stringify(mod))));
  await writer.close();
  return child;
}

/** Runs another Deno, as {@linkcode startDeno}, to its end. */
export async function runDeno(code: string, options?: DenoOptions) {
  const child = await startDeno(code, options);
  const { code: exitCode, stdout, stderr } = await child.output();
  return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/** The library's address, as a child Deno imports it. */
const MOD = new URL("../mod.ts", import.meta.url).href;

/** How long something that must happen may take before the test fails. */
const PATIENCE_MS = 20_000;

/** Awaits what must come soon, so that a test that would hang fails. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`waited in vain: ${what}`)), PATIENCE_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for what no event tells of. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (const start = Date.now(); !isSo();) {
    if (Date.now() - start > PATIENCE_MS) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How many descriptors this process has open, but for what is kept ready for the next container. */
function openDescriptors(): number {
  const isSpare = (number: string) => /^(net:\[|anon_inode:bpf-prog)/.test(linkOrEmpty(`/proc/self/fd/${number}`));
  return [...Deno.readDirSync("/proc/self/fd")].filter(({ name }) => !isSpare(name)).length;
}

function linkOrEmpty(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return ""; // it was the one that read the folder
  }
}

/** The children of this process that have ended and that nobody has waited for. */
export function zombies(): number[] {
  return children().filter(({ state }) => state === "Z").map(({ pid }) => pid);
}

/** Runs `fn`; neither a descriptor nor a zombie may be left of it. */
export async function leavesNothing(fn: () => unknown): Promise<void> {
  const before = await settledDescriptors();
  await fn();
  // Fewer are no leak: what was closed before may have been on its way.
  const more = Math.max(await settledDescriptors() - before, 0);
  assertEquals({ moreDescriptors: more, zombies: zombies() }, { moreDescriptors: 0, zombies: [] });
}

/**
 * As {@linkcode openDescriptors}, mostly: another thread has one more open for a moment, to make a namespace ready, and the
 * namespace may be found at the number by which the folder was read.
 */
async function settledDescriptors(): Promise<number> {
  const counts = [openDescriptors()];
  while (counts.length < 5) {
    await new Promise((resolve) => setTimeout(resolve, 3));
    counts.push(openDescriptors());
  }
  return counts.sort((a, b) => a - b)[2];
}

/** What stands in proc_pid_stat(5) of each child of this process. */
function children(): { pid: number; state: string }[] {
  return [...Deno.readDirSync("/proc")].filter(({ name }) => /^\d+$/.test(name)).flatMap(({ name }) => {
    // The program's name is in parentheses and may contain anything.
    const [state, parent] = fileOrEmpty(`/proc/${name}/stat`).split(") ").at(-1)!.split(" ");
    return Number(parent) === Deno.pid ? [{ pid: Number(name), state }] : [];
  });
}

/** The masks of proc_pid_status(5) among others. */
export function statusFields(status: string): Map<string, string> {
  return new Map(status.split("\n").map((line) => line.split(":\t", 2) as [string, string]));
}

/** Whether there is a file. */
export function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function fileOrEmpty(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** Whether this process has a capability, by its number in capabilities(7). */
export function capability(number: number): boolean {
  const effective = statusFields(Deno.readTextFileSync("/proc/self/status")).get("CapEff");
  return (BigInt(`0x${effective}`) >> BigInt(number) & 1n) === 1n;
}
