/**
 * Starts a hundred programs under LeakSanitizer, and looks from outside at what is left of them: memory, descriptors,
 * processes. First it has some memory lost on purpose, to see that it would be found.
 *
 * Usage: deno task leaks
 *
 * Why not valgrind: it runs `clone` with `CLONE_VM | CLONE_VFORK` as a fork. The child then has a copy of the memory in
 * which it is to tell why it failed, and what the parent holds looks lost in every child that ends before exec; and up
 * to 3.19 it knows no `pidfd_open`, without which nothing is started at all. LeakSanitizer only stands in for malloc,
 * so the child, which makes system calls and nothing else, goes its usual way. Its runtime comes with every Rust
 * toolchain, the stable ones too, and needs no flag of the compiler: it is linked in.
 */

import { projectPath, run, say } from "./support.ts";

const EXAMPLE = "spawn_children";
const BINARY = projectPath(`target/debug/examples/${EXAMPLE}`);
/** What the example's last line ends with. */
const DONE = " in all\n";
/** What LeakSanitizer is told to end with where it found something; no other exit code of the example's. */
const LEAKED = 23;
const O_CLOEXEC = 0o2000000;
const STREAMS = ["0", "1", "2"];

/** What a run of the example left. */
interface Outcome {
  code: number;
  /** What it printed: how many starts went how. */
  output: string;
  /** What LeakSanitizer found. */
  report: string;
  /** What else was left, a line each. */
  left: string[];
}

/** Builds the example with LeakSanitizer's runtime in it; false where that failed, which is told. */
async function build(): Promise<boolean> {
  const { code, output } = await run(["rustc", "--print", "target-libdir"], { quiet: true });
  if (code !== 0) return false;
  const folder = output.trim();
  const runtime = [...Deno.readDirSync(folder)].find(({ name }) => /^librustc-.*_rt\.lsan\.a$/.test(name));
  if (runtime === undefined) {
    say(`cannot check for leaks: ${folder} has no librustc-*_rt.lsan.a; install a toolchain by rustup (rustup.rs)`);
    return false;
  }
  const link = `-Clink-arg=-Wl,--whole-archive,${folder}/${runtime.name},--no-whole-archive`;
  const cargo = ["cargo", "rustc", "--quiet", "--locked", "--package", "minicontainer", "--example", EXAMPLE];
  return (await run([...cargo, "--target-dir", projectPath("target"), "--", link])).code === 0;
}

/** Runs the example to its end, in a session of its own, by which whatever it leaves is known. */
async function start(...args: string[]): Promise<Outcome> {
  const child = new Deno.Command(BINARY, {
    args: ["--hold", ...args],
    env: { LSAN_OPTIONS: `exitcode=${LEAKED}` },
    detached: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const report = new Response(child.stderr).text();
  let output = "";
  let left: string[] = [];
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text;
    if (output.endsWith(DONE)) {
      left = [...processesOf(child.pid), ...descriptorsOf(child.pid)];
      await child.stdin.close();
    }
  }
  const { code } = await child.status;
  return { code, output, report: await report, left: [...left, ...processesOf(child.pid)] };
}

/** The session's processes but its leader, zombies too. Source: proc_pid_stat(5); the name may hold any character. */
function processesOf(leader: number): string[] {
  const pids = [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => Number(pid) !== leader).flatMap((pid) => {
    try {
      const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
      const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return Number(session) === leader ? [`process ${stat.slice(0, stat.lastIndexOf(")") + 1)}, state ${state}`] : [];
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** The descriptors that a program has of its own, beside those that it got from us. */
function descriptorsOf(pid: number): string[] {
  const names = [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => name);
  const opened = names.filter((name) => !STREAMS.includes(name) && !isHandedOn(name));
  // One of itself, for what is to end with it, is kept for the next start.
  const itself = opened.find((name) => isPidfdOf(pid, name));
  const left = opened.filter((name) => name !== itself);
  return left.map((name) => `descriptor ${name}, ${Deno.readLinkSync(`/proc/${pid}/fd/${name}`)}`);
}

/** Whether a process's descriptor is a pidfd of that process. Source: proc_pid_fdinfo(5). */
function isPidfdOf(pid: number, descriptor: string): boolean {
  return new RegExp(`^Pid:\\s*${pid}$`, "m").test(Deno.readTextFileSync(`/proc/${pid}/fdinfo/${descriptor}`));
}

/** Whether a descriptor of ours, such as a careless shell's, is open in what we start. Source: proc_pid_fdinfo(5). */
function isHandedOn(descriptor: string): boolean {
  try {
    const flags = Deno.readTextFileSync(`/proc/self/fdinfo/${descriptor}`).match(/^flags:\s*(\d+)$/m)!;
    return (parseInt(flags[1], 8) & O_CLOEXEC) === 0;
  } catch {
    return false; // it is not open here
  }
}

async function check(): Promise<boolean> {
  if (!await build()) return false;
  const lost = await start("--leak");
  if (lost.code !== LEAKED) {
    say(`cannot check for leaks: one made on purpose was not found\n${lost.report}`);
    return false;
  }
  const { code, output, report, left } = await start();
  if (!output.endsWith(DONE) || (code !== 0 && code !== LEAKED)) {
    say(`cannot check for leaks: ${EXAMPLE} ended with exit code ${code}\n${output}${report}`);
    return false;
  }
  const leaks = [...left, ...(code === LEAKED ? [report] : [])];
  const starts = output.trimEnd().split("\n").at(-1)!.split(" ")[0];
  say(
    leaks.length === 0
      ? `no leaks: ${starts} starts left no memory, no descriptor, no process and no zombie`
      : `leaks, of ${starts} starts:\n${leaks.join("\n")}`,
  );
  return leaks.length === 0;
}

if (import.meta.main) Deno.exit(await check() ? 0 : 1);
