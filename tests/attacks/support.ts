/** What the attacks share: containers to attack from, and programs in C that attack. */

import { assertEquals } from "@std/assert";
import { namespaceExec, type NamespaceExecConfig, type Runnable } from "../../mod.ts";
import { type Lack, soon, textOf, tool } from "../support.ts";

/** What a program in C needs: Rust's linker is one, so who builds the library has it. */
export const compiler: Lack = tool("cc");

/** What a program that knows this machine's registers needs. */
export const intel: Lack = Deno.build.arch === "x86_64" ? undefined : "needs x86_64";

/** A container's program has ended. */
export interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a container to its end; one that hangs is ended, and fails the test. */
export async function contained(config: Runnable): Promise<Ended> {
  const streams = { stdin: "null", stdout: "piped", stderr: "piped", timeoutMs: 15_000 } as const;
  const { exitCode, outOfTime, stdout, stderr } = await namespaceExec({ ...streams, ...config });
  assertEquals(outOfTime, false, "hangs");
  return { exitCode, stdout: textOf(stdout), stderr: textOf(stderr) };
}

/** The two ways in which mounts are made. */
export const mountApis: [name: string, config: Partial<NamespaceExecConfig>][] = [
  ["fsopen(2)", { mountApi: "new" }],
  ["mount(2)", { mountApi: "classic" }],
];

/** A container's root that is nobody on the host. */
export const AS_NOBODY: Partial<NamespaceExecConfig> = {
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
  gidMappings: [{ containerID: 0, hostID: 100_000, size: 65_536 }],
};

/** Compiles a program that needs no library; `options` are the compiler's. */
export async function compile(path: string, source: string, ...options: string[]): Promise<void> {
  const args = ["-x", "c", "-static", "-O1", "-o", path, "-", ...options];
  const child = new Deno.Command("cc", { args, stdin: "piped", stderr: "piped", stdout: "null" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(source));
  await writer.close();
  const { success, stderr } = await child.output();
  if (!success) throw new Error(textOf(stderr));
}

/** Names in a folder, in order. */
export function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

const SWAPPER = `
  #define _GNU_SOURCE
  #include <fcntl.h>
  #include <stdio.h>
  int main(int count, char **names) {
    for (;;) renameat2(AT_FDCWD, names[1], AT_FDCWD, names[2], RENAME_EXCHANGE);
  }
`;

/** A process of the host's that swaps two files without end, as whoever shares a root filesystem could. */
export class Swapper implements AsyncDisposable {
  private constructor(private readonly child: Deno.ChildProcess, private readonly folder: string) {}

  /** Starts it. */
  static async start(one: string, other: string): Promise<Swapper> {
    const folder = Deno.makeTempDirSync({ prefix: "minicontainer-swapper-" });
    await compile(`${folder}/swap`, SWAPPER);
    return new Swapper(new Deno.Command(`${folder}/swap`, { args: [one, other] }).spawn(), folder);
  }

  async [Symbol.asyncDispose]() {
    this.child.kill("SIGKILL");
    await soon("the swapper ends", this.child.status);
    Deno.removeSync(this.folder, { recursive: true });
  }
}

/** How long a race is run. */
const RACE_MS = 3_000;

/** Calls `attempt` again and again for a while; how often it came to its end, and how often it was refused. */
export async function race(attempt: () => Promise<unknown>): Promise<{ ended: number; refused: number }> {
  const counts = { ended: 0, refused: 0 };
  for (const start = Date.now(); Date.now() - start < RACE_MS;) {
    try {
      await attempt();
      counts.ended++;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "SystemError") throw error;
      counts.refused++;
    }
  }
  return counts;
}
