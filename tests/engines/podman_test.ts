import { assert, assertEquals, assertMatch } from "@std/assert";
import { Ground, installed, inTerminal, type Said, said, withEngine } from "./support.ts";

const test = withEngine("podman", "conmon");

/** Podman with folders of its own, so that it knows of no other container. */
class Podman implements AsyncDisposable {
  readonly ground = new Ground();
  readonly #runtime: string;

  private constructor(runtime: string) {
    this.#runtime = runtime;
  }

  static async start(): Promise<Podman> {
    return new Podman(await installed());
  }

  /** Its arguments in front of others. */
  args(...args: string[]): string[] {
    const { folder } = this.ground;
    const folders = ["--root", `${folder}/root`, "--runroot", `${folder}/run`, "--tmpdir", `${folder}/tmp`];
    const ways = ["--storage-driver", "vfs", "--cgroup-manager", "cgroupfs", "--events-backend", "file"];
    return [...folders, ...ways, "--runtime", this.#runtime, ...args];
  }

  call(...args: string[]): Promise<Said> {
    return said("podman", this.args(...args));
  }

  /** What `run` takes in front of a program: no network, and limits that a container in a container may have. */
  get common(): string[] {
    const limits = ["--ulimit", "nofile=1000:1000", "--ulimit", "nproc=1000:1000"];
    return ["--network", "none", ...limits, "--rootfs", this.ground.rootfs];
  }

  run(options: string[], ...program: string[]): Promise<Said> {
    return this.call("run", ...options, ...this.common, ...program);
  }

  async [Symbol.asyncDispose]() {
    await this.call("rm", "--all", "--force", "--time", "0");
    await this.call("pod", "rm", "--all", "--force", "--time", "0");
    this.ground[Symbol.dispose]();
  }
}

test("podman run --rm shows what a container says, and ends with its status", async () => {
  await using podman = await Podman.start();
  const { code, stdout } = await podman.run(["--rm"], "sh", "-c", "echo hello from $(hostname | wc -c); exit 42");
  assertEquals([code, stdout], [42, "hello from 13"]);
  const { stdout: typed } = await said("podman", podman.args("run", "--rm", "-i", ...podman.common, "cat"), "typed");
  assertEquals(typed, "typed");
});

test("podman run ends with 127 and 126 where the program is not there, or none", async () => {
  await using podman = await Podman.start();
  const missing = await podman.run(["--rm"], "/no/such/program");
  assertEquals(missing.code, 127);
  assertMatch(missing.stderr, /cannot execute "\/no\/such\/program": no such file or directory/);
  assertEquals((await podman.run(["--rm"], "/etc")).code, 126);
});

test("podman run hands on user, folder, variables, mounts, capabilities and init", async () => {
  await using podman = await Podman.start();
  const options = ["--user", "1000:100", "-w", "/tmp", "-e", "A=1", "--hostname", "box", "--read-only"];
  const mounts = ["--tmpfs", "/scratch", "-v", `${podman.ground.folder}/root:/seen:ro`];
  const script =
    "id -u; id -g; pwd; echo $A; hostname; touch /x 2>/dev/null || echo kept; grep CapEff /proc/self/status";
  const { code, stdout } = await podman.run(["--rm", ...options, ...mounts, "--cap-drop", "ALL"], "sh", "-c", script);
  const [uid, gid, folder, variable, host, kept, capabilities] = stdout.split("\n");
  assertEquals([code, uid, gid, folder, variable, host, kept], [0, "1000", "100", "/tmp", "1", "box", "kept"]);
  assertMatch(capabilities, /CapEff:\t0+$/);
});

test("podman run -d, exec, logs, top, pause, stats, kill, stop, start and rm", async () => {
  await using podman = await Podman.start();
  const script = "trap 'echo usr1' USR1; trap 'echo term; exit 9' TERM; echo started; while :; do sleep 0.1; done";
  const limits = ["--memory", "64m", "--pids-limit", "40"];
  assertEquals((await podman.run(["-d", "--name", "c", ...limits], "sh", "-c", script)).code, 0);
  assertEquals(await podman.call("exec", "c", "sh", "-c", "echo inside; exit 7"), {
    code: 7,
    stdout: "inside",
    stderr: "",
  });
  assertEquals((await podman.call("exec", "c", "no-such-program")).code, 127);
  assertMatch((await podman.call("top", "c")).stdout, /started; while/);

  assertEquals((await podman.call("pause", "c")).code, 0);
  assertMatch((await podman.call("ps", "--all", "--format", "{{.Status}}")).stdout, /Paused/);
  assertEquals((await podman.call("unpause", "c")).code, 0);
  const { stdout } = await podman.call("stats", "--no-stream", "--format", "{{.PIDs}} {{.MemUsage}}", "c");
  assertMatch(stdout, /^\d+ \S+ \/ 67\.11MB$/);

  assertEquals((await podman.call("kill", "--signal", "USR1", "c")).code, 0);
  assertEquals((await podman.call("stop", "--time", "20", "c")).code, 0);
  assertEquals((await podman.call("wait", "c")).stdout, "9");
  assertEquals((await podman.call("logs", "c")).stdout.split("\n"), ["started", "usr1", "term"]);
  assertEquals((await podman.call("start", "c")).code, 0);
  assertEquals((await podman.call("rm", "--force", "--time", "0", "c")).code, 0);
  assertEquals((await podman.call("ps", "--all", "--quiet")).stdout, "");
});

test("podman run -it and exec -it give a terminal", async () => {
  await using podman = await Podman.start();
  const terminal = (...args: string[]) => inTerminal("podman", podman.args(...args));
  // conmon shows who is attached late nothing of what was said before, whatever the runtime is.
  const script = "sleep 0.2; tty && test -t 1 && exit 3";
  const once = await terminal("run", "-it", "--rm", ...podman.common, "sh", "-c", script);
  assertEquals(once.code, 3);
  assertMatch(once.stdout, /\/dev\/pts\/0|\/dev\/console/);
  assertEquals((await podman.run(["-d", "--name", "c"], "sleep", "1000")).code, 0);
  const later = await terminal("exec", "-it", "c", "sh", "-c", "tty && exit 4");
  assertEquals(later.code, 4);
  assertMatch(later.stdout, /\/dev\/pts\/\d/);
});

test("podman keeps containers in a pod", async () => {
  await using podman = await Podman.start();
  assertEquals((await podman.call("pod", "create", "--name", "p", "--infra=false")).code, 0);
  assertEquals((await podman.run(["-d", "--pod", "p", "--name", "a"], "sleep", "1000")).code, 0);
  assertEquals((await podman.run(["-d", "--pod", "p", "--name", "b"], "sleep", "1000")).code, 0);
  assertMatch(
    (await podman.call("pod", "ps", "--format", "{{.Status}} {{.NumberOfContainers}}")).stdout,
    /^Running 2$/,
  );
  assertEquals((await podman.call("pod", "rm", "--force", "--time", "0", "p")).code, 0);
  assertEquals((await podman.call("ps", "--all", "--quiet")).stdout, "");
});

test("podman's --memory ends what takes more", async () => {
  await using podman = await Podman.start();
  const hungry = ["sh", "-c", "head -c 200m /dev/zero | tail"];
  const { code } = await podman.run(["--name", "c", "--memory", "20m", "--memory-swap", "20m"], ...hungry);
  assert(code === 137 || code === 1, `${code}`);
});
