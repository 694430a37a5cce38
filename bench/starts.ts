/** The ways to start a program from Deno, ours and the usual ones. */

import { namespaceExec, type NamespaceExecConfig, namespaceExecSync, namespaceSpawn } from "../mod.ts";
import type { Baseline, Case } from "./measure.ts";

/** Who starts; with a PID namespace where it says so. */
export const NAMES = {
  exec: "namespaceExec",
  execPid: "namespaceExec, PID namespace",
  execPiped: "namespaceExec, PID namespace, output piped",
  execSync: "namespaceExecSync",
  execSyncPid: "namespaceExecSync, PID namespace",
  spawn: "namespaceSpawn().status",
  spawnPid: "namespaceSpawn().status, PID namespace",
  output: "Deno.Command output() [A]",
  outputSync: "Deno.Command outputSync()",
  status: "Deno.Command spawn().status, inherited streams [B]",
  unshare: "Deno.Command of unshare --pid --fork",
  bwrap: "Deno.Command of bwrap --unshare-pid",
} as const;

/** The key of one way. */
export type Start = keyof typeof NAMES;

/** A: as `Deno.Command` is mostly used, its output collected. B: like for like, the streams are this process's. */
export const BASELINES: Baseline[] = [
  { name: NAMES.output, column: "of A" },
  { name: NAMES.status, column: "of B" },
];

/** A case for each of `starts`, of running `program` to its end. */
export function casesOf(program: string, starts: readonly Start[]): Case[] {
  return starts.map((start) => ({ name: NAMES[start], run: runner(start, program) }));
}

/** What runs `program` to its end, and throws where that is not a good one. */
export function runner(start: Start, program: string): () => Promise<void> {
  const plain: NamespaceExecConfig = { program };
  const isolated: NamespaceExecConfig = { program, enablePidNamespace: true };
  const piped: NamespaceExecConfig = { ...isolated, stdin: "null", stdout: "piped", stderr: "piped" };
  const run: () => { exitCode: number } | { code: number } | Promise<{ exitCode: number } | { code: number }> = {
    exec: () => namespaceExec(plain),
    execPid: () => namespaceExec(isolated),
    execPiped: () => namespaceExec(piped),
    execSync: () => namespaceExecSync(plain),
    execSyncPid: () => namespaceExecSync(isolated),
    spawn: () => namespaceSpawn(plain).status,
    spawnPid: () => namespaceSpawn(isolated).status,
    output: () => new Deno.Command(program).output(),
    outputSync: () => new Deno.Command(program).outputSync(),
    status: () => inherited(program, []),
    unshare: () => inherited("unshare", ["--pid", "--fork", program]),
    bwrap: () => inherited("bwrap", ["--unshare-pid", "--dev-bind", "/", "/", program]),
  }[start];
  return async () => {
    const result = await run();
    const code = "code" in result ? result.code : result.exitCode;
    if (code !== 0) throw new Error(`it ended with exit code ${code}`);
  };
}

function inherited(command: string, args: string[]): Promise<Deno.CommandStatus> {
  return new Deno.Command(command, { args, stdin: "inherit", stdout: "inherit", stderr: "inherit" }).spawn().status;
}
