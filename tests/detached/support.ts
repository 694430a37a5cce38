/** What the tests of containers that are left to themselves share. */

import { assertEquals } from "@std/assert";
import { Container, NotFoundError, type ProgramConfig } from "../../mod.ts";
import { openLibrary } from "../../src/native/library.ts";
import { adoptSymbols, lifeHereSymbols, lifeSymbols } from "../../src/native/symbols.ts";
import { exists, shell, until } from "../support.ts";
import { cli } from "../support_cli.ts";
import { rootfs } from "../support_rootfs.ts";

// They stay open for as long as the process lives: opened by a test, they would look like that test's leak.
openLibrary(adoptSymbols);
openLibrary(lifeSymbols);
openLibrary(lifeHereSymbols);

/** One that was to be removed at its end was so just now. */
function ifRemoved(error: unknown): undefined {
  if (!(error instanceof NotFoundError)) throw error;
}

/** A root of the test's own, whose containers are removed at the end of the block, with their cgroups. */
export class Root implements AsyncDisposable {
  /** The containers' folder. */
  readonly path = Deno.makeTempDirSync({ prefix: "minicontainer-root-" });
  /** A root filesystem. */
  readonly rootfs = rootfs();

  /** Runs a command that must not fail, and leaves stderr empty; its stdout. */
  async run(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await cli(["--root", this.path, ...args]);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    return stdout;
  }

  /** Runs a command, however it ends. */
  call(...args: string[]) {
    return cli(["--root", this.path, ...args]);
  }

  /** Runs a shell's script in a container, left to itself; its id. */
  async detached(script: string, ...options: string[]): Promise<string> {
    return (await this.run("run", "-d", ...options, "--rootfs", this.rootfs.path, "sh", "-c", script)).trimEnd();
  }

  /** Starts a shell's script in a container of the library's. */
  async start(script: string, config: Partial<ProgramConfig> = {}): Promise<Container> {
    const container = await Container.create({
      ...shell(script),
      rootfs: this.rootfs.path,
      root: this.path,
      monitor: true,
      ...config,
    });
    await container.start();
    return container;
  }

  /** What `inspect` tells of one. */
  async inspect(id: string) {
    return JSON.parse(await this.run("inspect", id))[0];
  }

  /** What is kept of one. */
  state(id: string) {
    return JSON.parse(Deno.readTextFileSync(`${this.path}/${id}/state.json`));
  }

  /** Waits until what follows its end was done. */
  async settled(id: string) {
    await until(`${id} is settled`, () => {
      const path = `${this.path}/${id}/state.json`;
      return !exists(path) || JSON.parse(Deno.readTextFileSync(path)).monitor.settled !== undefined;
    });
  }

  /** The ids of those that are there. */
  left(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  async [Symbol.asyncDispose]() {
    for (const { id } of await Container.list({ root: this.path })) {
      await using _container = await Container.open(id, { root: this.path }).catch(ifRemoved);
    }
    this.rootfs[Symbol.dispose]();
    Deno.removeSync(this.path, { recursive: true });
  }
}

/** The cgroups of a container that are there, by what `inspect` tells. */
export function cgroupsLeft({ cgroup }: { cgroup?: unknown }): string[] {
  const { paths } = cgroup as { paths: Record<string, string> };
  return Object.values(paths).filter(exists);
}
