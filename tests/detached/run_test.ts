import { assert, assertEquals, assertMatch } from "@std/assert";
import { exists, requires, until } from "../support.ts";
import { containers } from "../support_rootfs.ts";
import { cgroupsLeft, Root } from "./support.ts";

const test = requires(containers);

test("run -d prints an id and returns while the program runs", async () => {
  await using root = new Root();
  const id = await root.detached("sleep 1000");
  assertMatch(id, /^[0-9a-f]{64}$/);
  assertEquals((await root.inspect(id)).status, "running");
  assertEquals(await root.run("list", "--quiet"), `${id}\n`);
});

test("run -d takes the plain command's options, and writes labels down", async () => {
  await using root = new Root();
  const options = ["--hostname", "inner", "-e", "A=b", "--label", "kind=test", "--label", "bare"];
  assertEquals(await root.detached("hostname; echo $A; echo oops >&2; exit 7", "--name", "one", ...options), "one");
  assertEquals(await root.run("wait", "one"), "7\n");
  const { labels, exit, pid, status } = await root.inspect("one");
  assertEquals({ labels, pid, status }, { labels: { kind: "test", bare: "" }, pid: 0, status: "stopped" });
  assertEquals({ code: exit.exitCode, signal: exit.signal }, { code: 7, signal: null });
  assertMatch(exit.finished, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assertEquals(await root.call("logs", "one"), { code: 0, stdout: "inner\nb\n", stderr: "oops\n" });
});

test("a stopped container stays until rm, and its cgroup does not", async () => {
  await using root = new Root();
  await root.detached("exit 3", "--name", "one");
  await root.settled("one");
  const details = await root.inspect("one");
  assertEquals(cgroupsLeft(details), []);
  assertEquals(root.left(), ["one"]);
  await root.run("rm", "one");
  assertEquals(root.left(), []);
  const { code, stderr } = await root.call("rm", "one");
  assertEquals(code, 1);
  assertMatch(stderr, /container "one" does not exist/);
});

test("rm refuses a container that runs, and with -f kills it", async () => {
  await using root = new Root();
  await root.detached("sleep 1000", "--name", "one");
  const { code, stderr } = await root.call("rm", "one");
  assertEquals(code, 1);
  assertMatch(stderr, /not stopped: it is running/);
  const details = await root.inspect("one");
  assert(cgroupsLeft(details).length > 0);
  await root.run("rm", "-f", "one", "nobody");
  assertEquals([root.left(), cgroupsLeft(details), exists(`/proc/${details.pid}`)], [[], [], false]);
});

test("--rm removes a container at its end, and wait still tells its exit code", async () => {
  await using root = new Root();
  await root.detached("sleep 0.3; exit 9", "--name", "one", "--rm");
  assertEquals(await root.run("wait", "one"), "9\n");
  await until("it is removed", () => root.left().length === 0);
});

test("stop asks by TERM, and kills after the time it gives", async () => {
  await using root = new Root();
  const trap = 'trap "echo asked; exit 5" TERM; echo ready; while :; do sleep 0.02; done';
  for (const name of ["heeds", "ignores"]) {
    await root.detached(name === "heeds" ? trap : 'trap "" TERM; echo ready; sleep 1000', "--name", name);
    while (await root.run("logs", name) !== "ready\n");
  }
  await root.run("stop", "-t", "0.2", "heeds", "ignores");
  assertEquals(await root.run("wait", "heeds", "ignores"), "5\n137\n");
  assertEquals(await root.run("logs", "heeds"), "ready\nasked\n");
  assertEquals((await root.inspect("ignores")).exit.signal, { number: 9, name: "SIGKILL" });
  // Once more is no error.
  await root.run("stop", "heeds");
});

test("run without -d shows what the program writes and ends as it does", async () => {
  await using root = new Root();
  const args = ["run", "--name", "one", "--rm", "--rootfs", root.rootfs.path, "sh", "-c", "echo a; echo b >&2; exit 4"];
  assertEquals(await root.call(...args), { code: 4, stdout: "a\nb\n".slice(0, 2), stderr: "b\n" });
  await until("it is removed", () => root.left().length === 0);
});

test("run --rm has removed the container when it ends, so that its name can be given again", async () => {
  await using root = new Root();
  const args = ["run", "--name", "one", "--rm", "--rootfs", root.rootfs.path, "sh", "-c", "exit 4"];
  for (let round = 0; round < 10; round++) {
    const { code, stderr } = await root.call(...args);
    assertEquals({ code, stderr }, { code: 4, stderr: "" }, `round ${round}`);
    assertEquals(await root.run("list", "--quiet"), "", `round ${round}`);
  }
});

test("a program that cannot be executed leaves no container, and the exit code says why", async () => {
  await using root = new Root();
  const { path } = root.rootfs;
  Deno.writeTextFileSync(`${path}/garbage`, "\0", { mode: 0o755 });
  for (const [program, expected] of [["/no/such/program", 127], ["/etc/passwd", 126], ["/garbage", 126]] as const) {
    for (const options of [["-d"], [], ["--rm"]]) {
      const { code, stderr } = await root.call("run", ...options, "--rootfs", path, program);
      assertEquals({ code, left: root.left() }, { code: expected, left: [] }, stderr);
      assert(stderr.includes(program), stderr);
    }
  }
});

test("run refuses what only somebody could do who waits, and a name that is taken", async () => {
  await using root = new Root();
  const refusal = async (...options: string[]) => {
    const { code, stderr } = await root.call("run", "-d", ...options, "--rootfs", root.rootfs.path, "sleep", "1000");
    assertEquals(code, 125);
    return stderr;
  };
  assertMatch(await refusal("--timeout", "5"), /unknown option --timeout/);
  assertMatch(await refusal("--restart", "sometimes"), /--restart must be/);
  assertMatch(await refusal("--rm", "--restart", "always"), /: --rm: cannot stand beside restart/);
  assertMatch(
    await refusal("--user", "-v", "/:/a:idmap"),
    /: --volume: idmap needs ids to map: --uid-map and --gid-map/,
  );
  await root.detached("sleep 1000", "--name", "one");
  assertMatch(await refusal("--name", "one"), /container "one" already exists: it is running/);
});

test("memory that ran out is told of", async () => {
  await using root = new Root();
  await root.detached("x=a; while :; do x=$x$x; done", "--name", "one", "--memory", "32M", "--memory-swap", "32M");
  await root.run("wait", "one");
  assertEquals((await root.inspect("one")).exit.oomKilled, true);
  await root.settled("one");
  assertEquals((await root.inspect("one")).exit.oomKilled, true);
});

test("memory that ran out is told of also while its cgroup is being removed", async () => {
  await using root = new Root();
  const limits = { memoryBytes: 32 << 20, memorySwapBytes: 32 << 20 };
  const bomb = "until [ -e /go ]; do sleep 0.01; done; x=a; while :; do x=$x$x; done";
  const container = await root.start(bomb, { limits });
  {
    // What follows its end waits for this lock, and so has not told anything.
    using folder = Deno.openSync(`${root.path}/${container.id}`);
    folder.lockSync(true);
    Deno.writeTextFileSync(`${root.rootfs.path}/go`, "");
    await until("it has ended", () => exists(`${root.path}/${container.id}/exit`));
    const { cgroup, monitor } = root.state(container.id);
    for (const path of cgroupsLeft({ cgroup })) Deno.removeSync(path);
    assertEquals([(await container.wait()).oomKilled, monitor.settled], [true, undefined]);
  }
  await root.settled(container.id);
  assertEquals((await container.wait()).oomKilled, true);
});

test("rename gives a container another name, under which it is removed at its end", async () => {
  await using root = new Root();
  await root.detached("sleep 1000", "--name", "one", "--rm");
  await root.detached("sleep 1000", "--name", "other");
  await root.run("rename", "one", "two");
  const { code, stderr } = await root.call("rename", "two", "other");
  assertEquals(code, 1);
  assertMatch(stderr, /container "other" already exists/);
  assertEquals((await root.inspect("two")).id, "two");
  await root.run("stop", "-t", "0", "two");
  await until("it is removed", () => root.left().join() === "other");
});

test("prune removes those that have ended, and no others", async () => {
  await using root = new Root();
  await root.detached("true", "--name", "ended");
  await root.detached("sleep 1000", "--name", "runs");
  await root.settled("ended");
  assertEquals(await root.run("prune"), "ended\n");
  assertEquals(root.left(), ["runs"]);
});

test("top and stats tell of what runs", async () => {
  await using root = new Root();
  await root.detached("sleep 1000", "--name", "one", "--memory", "64M");
  assertMatch(await root.run("top", "one"), /sleep 1000/);
  assertMatch(await root.run("stats"), /^ID +CPU +MEMORY +LIMIT +PIDS .*\none +\d+\.\d% +[\d.]+\w+ +64\.0MiB +\d/);
  await root.run("stop", "-t", "0", "one");
  assertEquals((await root.run("stats")).split("\n").length, 2);
});

test("a container whose monitor was killed is told of truthfully, and removed", async () => {
  await using root = new Root();
  await root.detached("sleep 1000", "--name", "one");
  const { pid } = await root.inspect("one");
  const [, parent] = /\) \w (\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))!;
  assertEquals(Deno.readTextFileSync(`/proc/${parent}/comm`), "container:mon\n");
  Deno.kill(Number(parent), "SIGKILL");
  assertEquals((await root.inspect("one")).status, "running");
  await root.run("stop", "-t", "0", "one");
  assertEquals((await root.inspect("one")).status, "stopped");
  const { code, stderr } = await root.call("wait", "one");
  assertEquals(code, 1);
  assertMatch(stderr, /nobody knows how "one" ended: its monitor was killed/);
  await root.run("rm", "one");
  assertEquals(root.left(), []);
});

test("run --help tells of both forms", async () => {
  await using root = new Root();
  assertMatch(await root.run("run", "--help"), /run --rootfs \. --help/);
  assertMatch(await root.run("run", "--rootfs", ".", "--help"), /--restart POLICY[^]*--pid\[=PATH\]/);
});

test("a monitor takes less than a megabyte", async () => {
  await using root = new Root();
  await root.detached("sleep 1000", "--name", "one");
  const { pid } = await root.inspect("one");
  const [, parent] = /\) \w (\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))!;
  const [, kilobytes] = /^Pss:\s+(\d+) kB/m.exec(Deno.readTextFileSync(`/proc/${parent}/smaps_rollup`))!;
  assert(Number(kilobytes) < 1024, kilobytes);
});
