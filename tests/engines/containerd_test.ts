import { assertEquals, assertMatch } from "@std/assert";
import { exists, until } from "../support.ts";
import { Ground, installed, inTerminal, type Said, said, withEngine } from "./support.ts";

const test = withEngine("containerd", "ctr", "containerd-shim-runc-v2");

/** A containerd of the test's own. */
class Containerd implements AsyncDisposable {
  readonly ground = new Ground();
  readonly #runtime: string;
  readonly #daemon: Deno.ChildProcess;

  private constructor(runtime: string) {
    this.#runtime = runtime;
    const { folder } = this.ground;
    // What it would look for on the host, and warn of.
    const off = [
      "grpc.v1.cri",
      "snapshotter.v1.btrfs",
      "snapshotter.v1.zfs",
      "snapshotter.v1.devmapper",
      "internal.v1.opt",
    ];
    const config = `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ${JSON.stringify(off.map((name) => `io.containerd.${name}`))}
[grpc]
address = "${this.#socket}"
`;
    Deno.writeTextFileSync(`${folder}/config.toml`, config);
    const args = ["--config", `${folder}/config.toml`];
    this.#daemon = new Deno.Command("containerd", { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  }

  static async start(): Promise<Containerd> {
    const containerd = new Containerd(await installed());
    await until("containerd's socket", () => exists(containerd.#socket));
    return containerd;
  }

  get #socket(): string {
    return `${this.ground.folder}/socket`;
  }

  /** Its arguments in front of others; the namespace's name is that of a cgroup as well. */
  args(...args: string[]): string[] {
    return ["--address", this.#socket, "--namespace", "minicontainer-test", ...args];
  }

  call(...args: string[]): Promise<Said> {
    return said("ctr", this.args(...args));
  }

  runArgs(options: string[], id: string, ...program: string[]): string[] {
    return this.args("run", ...options, "--runc-binary", this.#runtime, "--rootfs", this.ground.rootfs, id, ...program);
  }

  run(options: string[], id: string, ...program: string[]): Promise<Said> {
    return said("ctr", this.runArgs(options, id, ...program));
  }

  async status(id: string): Promise<string | undefined> {
    const { stdout } = await this.call("task", "ls");
    return new RegExp(`^${id} +\\d+ +(\\w+)`, "m").exec(stdout)?.[1];
  }

  async [Symbol.asyncDispose]() {
    const { stdout } = await this.call("task", "ls", "--quiet");
    for (const id of stdout.split("\n").filter((id) => id !== "")) await this.call("task", "rm", "--force", id);
    this.#daemon.kill("SIGTERM");
    await this.#daemon.status;
    this.ground[Symbol.dispose]();
  }
}

test("ctr run shows what a container says, and ends with its status", async () => {
  await using containerd = await Containerd.start();
  const { code, stdout } = await containerd.run(["--rm"], "a", "sh", "-c", "echo hello; exit 5");
  assertEquals([code, stdout], [5, "hello"]);
});

test("ctr tells why a program cannot be run", async () => {
  await using containerd = await Containerd.start();
  const { code, stderr } = await containerd.run(["--rm"], "a", "/no/such/program");
  assertEquals(code, 1);
  assertMatch(stderr, /cannot execute "\/no\/such\/program": no such file or directory/);
});

test("ctr task exec, ps, pause, resume, metrics, kill and rm", async () => {
  await using containerd = await Containerd.start();
  const script = 'trap "exit 9" TERM; while :; do sleep 0.1; done';
  const started = await containerd.run(["-d", "--memory-limit", "67108864"], "a", "sh", "-c", script);
  assertEquals(started, { code: 0, stdout: "", stderr: "" });
  assertEquals(await containerd.status("a"), "RUNNING");
  const inside = await containerd.call("task", "exec", "--exec-id", "e", "a", "sh", "-c", "echo inside; exit 6");
  assertEquals([inside.code, inside.stdout], [6, "inside"]);
  assertMatch((await containerd.call("task", "ps", "a")).stdout, /^PID +INFO\n\d+ /);

  assertEquals((await containerd.call("task", "pause", "a")).code, 0);
  assertEquals(await containerd.status("a"), "PAUSED");
  assertEquals((await containerd.call("task", "resume", "a")).code, 0);
  assertEquals(await containerd.status("a"), "RUNNING");
  assertMatch((await containerd.call("task", "metrics", "a")).stdout, /67108864/);

  assertEquals((await containerd.call("task", "kill", "--signal", "SIGTERM", "a")).code, 0);
  let status: string | undefined;
  for (let look = 0; look < 100 && status !== "STOPPED"; look++) status = await containerd.status("a");
  assertEquals(status, "STOPPED");
  assertMatch((await containerd.call("task", "rm", "a")).stderr, /exit with non-zero exit code 9/);
});

test("ctr run -t gives a terminal", async () => {
  await using containerd = await Containerd.start();
  const args = containerd.runArgs(["--rm", "-t"], "a", "sh", "-c", "tty && exit 3");
  const { code, stdout } = await inTerminal("ctr", args);
  assertEquals(code, 3);
  assertMatch(stdout, /\/dev\/pts\/0|\/dev\/console/);
});
