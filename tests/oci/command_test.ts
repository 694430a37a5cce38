import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Linux } from "../../mod.ts";
import { requires, until } from "../support.ts";
import { cli, isAlive } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./doors.ts";

const test = requires(containers);
const everywhere = requires();

/** The command, on the containers of a root. */
function runtime(root: Root) {
  const call = (...args: string[]) => cli(["--root", root.containers, ...args]);
  /** Where the container's streams are the command's own. */
  const holding = (...args: string[]) => cli(["--root", root.containers, ...args], { streams: "file" });
  return { call, holding };
}

test("create and exec write a pid file: the bare number", async () => {
  await using root = new Root();
  const { call, holding } = runtime(root);
  const [created, executed] = ["created", "executed"].map((name) => `${root.path}/${name}`);
  assertEquals((await holding("create", "a", "--bundle", root.bundle(), `--pid-file=${created}`)).code, 0);
  const { pid } = JSON.parse((await call("state", "a")).stdout);
  assertEquals(Deno.readTextFileSync(created), `${pid}`);
  assertEquals((await call("start", "a")).code, 0);
  const detached = await holding("exec", "--detach", "--pid-file", executed, "a", "sleep", "1000");
  assertEquals(detached, { code: 0, stdout: "", stderr: "" });
  assert(isAlive(Number(Deno.readTextFileSync(executed))));
  assertMatch((await call("ps", "a")).stdout, /PID[^\n]*\n(.*sleep 1000\n){2}/);
  assertEquals((await call("ps", "a", "-o", "pid")).stdout.trim().split("\n").length, 3);
});

test("exec takes options before and behind the ID, and a whole process", async () => {
  await using root = new Root();
  const { call, holding } = runtime(root);
  await holding("create", "-b", root.bundle({ env: ["PATH=/bin", "A=0", "B=0"] }), "a");
  await call("start", "a");
  const script = "echo $A $B $PWD $(id -u):$(id -g); exit 9";
  const { code, stdout } = await call("exec", "-e", "A=1", "a", "--cwd=/tmp", "--user", "5:6", "sh", "-c", script);
  assertEquals([code, stdout], [9, "1 0 /tmp 5:6\n"]);
  const process = {
    args: ["sh", "-c", "echo $ONLY"],
    cwd: "/",
    env: ["ONLY=this", "PATH=/bin"],
    user: { uid: 0, gid: 0 },
  };
  await Deno.writeTextFile(`${root.path}/process.json`, JSON.stringify(process));
  assertEquals((await call("exec", "--process", `${root.path}/process.json`, "a")).stdout, "this\n");
  const failed = await call("exec", "a", "no-such-program");
  assertEquals(failed.code, 255);
  assertMatch(failed.stderr, /cannot execute "no-such-program": no such file or directory/);
  assertEquals((await call("exec", "a")).code, 255);
});

everywhere("exec and ps explain themselves, and hand on what stands behind the ID", async () => {
  await using root = new Root();
  const { call } = runtime(root);
  for (const command of ["exec", "ps", "top"]) {
    const { code, stdout } = await call(command, "--help");
    assertEquals([code, stdout.includes(`${command} [OPTIONS] ID`)], [0, true], stdout);
  }
  assertEquals(await call("exec", "none", "ls", "--help"), {
    code: 255,
    stdout: "",
    stderr: 'minicontainer: container "none" does not exist\n',
  });
});

test("run ends with the program's status, and removes the container unless it is to be kept", async () => {
  await using root = new Root();
  const { call, holding } = runtime(root);
  const bundle = root.bundle({ args: ["sh", "-c", "echo said; exit 7"] });
  assertEquals(await call("run", "-b", bundle, "a"), { code: 7, stdout: "said\n", stderr: "" });
  assertEquals(root.left(), []);
  assertEquals((await call("run", "--keep", "-b", bundle, "a")).code, 7);
  assertEquals(JSON.parse((await call("state", "a")).stdout).status, "stopped");
  assertEquals((await call("delete", "a")).code, 0);
  assertEquals((await holding("run", "--detach", "-b", root.bundle(), "a")).code, 0);
  assertEquals(JSON.parse((await call("state", "a")).stdout).status, "running");
});

test("an error stands in the log, as JSON or text, and on stderr", async () => {
  await using root = new Root();
  const { call } = runtime(root);
  const log = `${root.path}/log`;
  const { code, stderr } = await call("--log", log, "--log-format=json", "state", "nobody");
  assertEquals([code, stderr], [1, 'minicontainer: container "nobody" does not exist\n']);
  const { level, msg, time } = JSON.parse(Deno.readTextFileSync(log));
  assertEquals([level, msg], ["error", 'container "nobody" does not exist']);
  assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  await call("--log", log, "--debug", "start", "nobody");
  const [, debug, error] = Deno.readTextFileSync(log).trim().split("\n");
  assertMatch(debug, /^time="[^"]+" level=debug msg="start nobody"$/);
  assertMatch(error, /^time="[^"]+" level=error msg="container \\"nobody\\" does not exist"$/);
});

test("delete --force of what is not there is no error", async () => {
  await using root = new Root();
  const { call } = runtime(root);
  assertEquals(await call("delete", "--force", "nobody"), { code: 0, stdout: "", stderr: "" });
  assertEquals((await call("delete", "nobody")).code, 1);
});

test("kill takes names, with and without SIG, and numbers", async () => {
  await using root = new Root();
  const { call, holding } = runtime(root);
  const script = 'for s in USR1 USR2 HUP; do trap "echo $s >>/said" $s; done; while :; do sleep 0.05; done';
  await holding("create", "-b", root.bundle({ args: ["sh", "-c", script] }), "a");
  await call("start", "a");
  const told = () => {
    try {
      return Deno.readTextFileSync(`${JSON.parse(config).root.path}/said`).trim().split("\n");
    } catch {
      return [];
    }
  };
  const config = Deno.readTextFileSync(`${root.containers}/a/config.json`);
  for (const [count, signal] of ["SIGUSR1", "usr2", "1"].entries()) {
    assertEquals((await call("kill", "a", signal)).code, 0);
    await until(signal, () => told().length === count + 1);
  }
  assertEquals(told(), ["USR1", "USR2", "HUP"]);
  assertEquals((await call("kill", "--all", "a", "KILL")).code, 0);
});

everywhere("features tells what is supported", async () => {
  const { code, stdout } = await cli(["features"]);
  const { ociVersionMin, hooks, mountOptions, linux } = JSON.parse(stdout);
  assertEquals([code, ociVersionMin, hooks.length], [0, "1.0.0", 6]);
  assert(mountOptions.includes("rro") && linux.capabilities.includes("CAP_CHOWN") && linux.seccomp.enabled);
});

test("spec writes a config.json that can be run, and does not replace one", async () => {
  await using root = new Root();
  const { call } = runtime(root);
  const bundle = root.bundle();
  const { root: { path } } = JSON.parse(Deno.readTextFileSync(`${bundle}/config.json`));
  const exists = await call("spec", "--bundle", bundle);
  assertEquals(exists.code, 1);
  assertMatch(exists.stderr, /cannot make "[^"]+\/config\.json": file exists/);
  await Deno.remove(`${bundle}/config.json`);
  assertEquals(await call("spec", "--bundle", bundle), { code: 0, stdout: "", stderr: "" });
  const config = JSON.parse(Deno.readTextFileSync(`${bundle}/config.json`));
  const process = { ...config.process, terminal: false, args: ["sh", "-c", "hostname; id -u"] };
  await Deno.writeTextFile(`${bundle}/config.json`, JSON.stringify({ ...config, process, root: { path } }));
  assertEquals(await call("run", "-b", bundle, "a"), { code: 0, stdout: "minicontainer\n0\n", stderr: "" });
});

test("exec and hooks are in the container's time namespace", async () => {
  await using root = new Root();
  const { call, holding } = runtime(root);
  const show = `${root.path}/shown`;
  const script = `cut -d. -f1 /proc/uptime >>${show}`;
  const hook = [{ path: "/bin/sh", args: ["sh", "-c", script] }];
  const linux: Linux = {
    namespaces: [{ type: "time" }, { type: "pid" }, { type: "mount" }],
    timeOffsets: { boottime: { secs: 864_000 } },
  };
  const bundle = root.bundle({}, { linux, hooks: { createContainer: hook } });
  assertEquals(await holding("create", "-b", bundle, "a"), { code: 0, stdout: "", stderr: "" });
  assertEquals((await call("start", "a")).code, 0);
  const own = Number(Deno.readTextFileSync("/proc/uptime").split(".")[0]);
  const { stdout } = await call("exec", "a", "cut", "-d.", "-f1", "/proc/uptime");
  for (const seen of [stdout, Deno.readTextFileSync(show)]) {
    assert(Math.abs(Number(seen) - own - 864_000) < 60, `${seen} is not ${own} and ten days`);
  }
  const failed = await call("exec", "a", "no-such-program");
  assertMatch(failed.stderr, /cannot execute "no-such-program": no such file or directory/);
});
