/** The doors to a container's life, as the contract's cases see them. */

import { assert } from "@std/assert";
import { Container, type ContainerState, type ContainerStats, type Resources, type Spec } from "../../mod.ts";
import { openLibrary } from "../../src/native/library.ts";
import { adoptSymbols, lifeHereSymbols, lifeSymbols } from "../../src/native/symbols.ts";
import { exists } from "../support.ts";
import { cli, COMMAND, OCI_COMMAND } from "../support_cli.ts";
import { rootfs } from "../support_rootfs.ts";

// They stay open for as long as the process lives: opened by a test, they would look like that test's leak.
openLibrary(adoptSymbols);
openLibrary(lifeSymbols);
openLibrary(lifeHereSymbols);

/** The command is the installed one; where that is there, Deno's `cli.ts` is a door of its own. */
const COMMANDS = new Map([["cli.ts", COMMAND], ["command", OCI_COMMAND]]);
if (COMMAND === OCI_COMMAND) COMMANDS.delete("cli.ts");

/** The names of the doors. */
export const DOORS: readonly string[] = ["library", ...COMMANDS.keys()];

/** What each door does; a refusal is an error whose message is what a person would read. */
export interface Door {
  name: string;
  create(id: string, bundle: string): Promise<void>;
  start(id: string): Promise<void>;
  state(id: string): Promise<ContainerState>;
  kill(id: string, signal?: string): Promise<void>;
  delete(id: string, force?: boolean): Promise<void>;
  /** A program's exit code. */
  exec(id: string, ...program: string[]): Promise<number>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  ps(id: string): Promise<number[]>;
  update(id: string, resources: Resources): Promise<void>;
  /** In the command's words `pids` is the same. */
  stats(id: string): Promise<Pick<ContainerStats, "pids">>;
  list(): Promise<ContainerState[]>;
}

/** A root of the test's own, whose containers are deleted at the end of the block. */
export class Root implements AsyncDisposable {
  readonly path = Deno.makeTempDirSync({ prefix: "minicontainer-root-" });
  readonly #rootfs = rootfs();
  #bundles = 0;

  /** A folder with a `config.json` and the root filesystem. */
  bundle(process: Partial<Spec["process"]> = {}, rest: Partial<Spec> = {}): string {
    const path = `${this.path}/bundles/${++this.#bundles}`;
    Deno.mkdirSync(path, { recursive: true });
    const config: Spec = {
      ociVersion: "1.2.0",
      process: { args: ["sleep", "1000"], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 }, ...process },
      root: { path: this.#rootfs.path },
      mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
      linux: { namespaces: [{ type: "pid" }, { type: "mount" }, { type: "ipc" }, { type: "uts" }] },
      ...rest,
    };
    Deno.writeTextFileSync(`${path}/config.json`, JSON.stringify(config));
    return path;
  }

  /** The folder of the containers. */
  get containers(): string {
    return `${this.path}/containers`;
  }

  /** What is left in it. */
  left(): string[] {
    return exists(this.containers) ? [...Deno.readDirSync(this.containers)].map(({ name }) => name).sort() : [];
  }

  /** The doors to it. */
  doors(): Door[] {
    return DOORS.map((name) => {
      const by = COMMANDS.get(name);
      return by === undefined ? libraryDoor(this.containers) : commandDoor(this.containers, name, by);
    });
  }

  async [Symbol.asyncDispose]() {
    for (const { id } of await Container.list({ root: this.containers })) {
      await using _container = await Container.open(id, { root: this.containers });
    }
    this.#rootfs[Symbol.dispose]();
    Deno.removeSync(this.path, { recursive: true });
  }
}

function libraryDoor(root: string): Door {
  const open = (id: string) => Container.open(id, { root });
  return {
    name: "library",
    create: async (id, bundle) => void await Container.create({ id, bundle, root }),
    start: async (id) => (await open(id)).start(),
    state: async (id) => (await open(id)).state(),
    kill: async (id, signal) => (await open(id)).kill(signal),
    delete: async (id, force) => void await (await open(id)).delete({ force }),
    exec: async (id, program, ...args) => {
      await using process = await (await open(id)).exec({ program, argv: [program, ...args], stdin: "null" });
      return (await process.status).exitCode;
    },
    pause: async (id) => (await open(id)).pause(),
    resume: async (id) => (await open(id)).resume(),
    ps: async (id) => (await open(id)).ps(),
    update: async (id, resources) => (await open(id)).update(resources),
    stats: async (id) => (await open(id)).stats(),
    list: () => Container.list({ root }),
  };
}

function commandDoor(root: string, name: string, by: string[]): Door {
  const call = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli(["--root", root, ...args], { by });
    if (code !== 0) throw new Error(stderr.trim());
    assert(stderr === "", stderr);
    return stdout;
  };
  return {
    name,
    create: async (id, bundle) => {
      // The container's streams are the command's own, and would be held open by it.
      const { code, stderr } = await cli(["--root", root, "create", "--bundle", bundle, id], { streams: "file", by });
      if (code !== 0) throw new Error(stderr.trim());
      assert(stderr === "", stderr);
    },
    start: async (id) => void await call("start", id),
    state: async (id) => JSON.parse(await call("state", id)),
    kill: async (id, signal) => void await call("kill", id, ...(signal === undefined ? [] : [signal])),
    delete: async (id, force) => void await call("delete", ...(force ? ["--force"] : []), id),
    exec: async (id, ...program) => (await cli(["--root", root, "exec", id, ...program], { by })).code,
    pause: async (id) => void await call("pause", id),
    resume: async (id) => void await call("resume", id),
    ps: async (id) => JSON.parse(await call("ps", "--format", "json", id)),
    update: async (id, { pids }) => void await call("update", `--pids-limit=${pids?.limit}`, id),
    stats: async (id) => JSON.parse(await call("events", "--stats", id)).data,
    list: async () => JSON.parse(await call("list", "--format=json")),
  };
}

/** The numbers of the processes that are in a cgroup with some word in its path, without those that have ended. */
export function processesIn(word: string): string[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const isZombie = / Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/.*\)/s, ""));
      return !isZombie && Deno.readTextFileSync(`/proc/${pid}/cgroup`).includes(word);
    } catch {
      return false;
    }
  });
}

/** The cgroups with some word in their names. */
export function cgroupsOf(word: string): string[] {
  const below = (path: string) => [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory);
  const top = below("/sys/fs/cgroup").map(({ name }) => name);
  return [...top, ...top.flatMap((name) => below(`/sys/fs/cgroup/${name}`).map((each) => `${name}/${each.name}`))]
    .filter((name) => name.includes(word));
}
