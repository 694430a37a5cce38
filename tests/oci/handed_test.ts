/** What a container is handed beside its streams, and hands back: descriptors, and that it is ready. */

import { assert, assertEquals } from "@std/assert";
import { requires } from "../support.ts";
import { Listener } from "../support_agent.ts";
import { cli, OCI_COMMAND } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { Container } from "../../mod.ts";
import { Root } from "./doors.ts";

const test = requires(containers);

/** Runs a command by a shell's script, whose `"$@"` it is; its exit code and what it prints. */
async function by(script: string, root: Root, ...args: string[]): Promise<[number, string]> {
  const command = ["-c", script, root.path, ...OCI_COMMAND, "--root", root.containers, ...args];
  const { code, stdout, stderr } = await new Deno.Command("sh", { args: command, stdin: "null" }).output();
  const text = new TextDecoder();
  return [code, text.decode(stdout) + text.decode(stderr)];
}

/** Opens a file with a word in it as descriptor 3. */
const OPEN = 'echo word >"$0/file"; exec 3<"$0/file";';
const SHOW = ["sh", "-c", "echo ${LISTEN_FDS-none} ${LISTEN_PID-none}; { cat <&3; } 2>/dev/null || echo closed"];

test("LISTEN_FDS and its sockets are handed on by run and exec, where they are this process's", async () => {
  await using root = new Root();
  const listen = `${OPEN} LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"`;
  assertEquals(await by(listen, root, "run", "-b", root.bundle({ args: SHOW }), "a"), [0, "1 1\nword\n"]);
  const others = `${OPEN} LISTEN_FDS=1 LISTEN_PID=1 exec "$@"`;
  assertEquals(await by(others, root, "run", "-b", root.bundle({ args: SHOW }), "a"), [0, "none none\nclosed\n"]);

  const container = await Container.create({ id: "b", bundle: root.bundle(), root: root.containers });
  await container.start();
  assertEquals(await by(listen, root, "exec", "b", ...SHOW), [0, "1 1\nword\n"]);
  assertEquals(await by(others, root, "exec", "b", ...SHOW), [0, "none none\nclosed\n"]);
});

test("exec --process - reads the program from stdin", async () => {
  await using root = new Root();
  const container = await Container.create({ id: "a", bundle: root.bundle(), root: root.containers });
  await container.start();
  const process = JSON.stringify({ args: ["sh", "-c", "echo read"], cwd: "/", env: ["PATH=/bin"] });
  assertEquals(await by(`echo '${process}' | "$@"`, root, "exec", "--process", "-", "a"), [0, "read\n"]);
});

test("--preserve-fds hands on so many descriptors, and no more", async () => {
  await using root = new Root();
  const show = ["sh", "-c", "cat <&3; { cat <&4; } 2>/dev/null || echo closed"];
  const script = `${OPEN} exec 4</dev/null; exec "$@"`;
  const run = ["run", "--preserve-fds", "1", "-b", root.bundle({ args: show }), "a"];
  assertEquals(await by(script, root, ...run), [0, "word\nclosed\n"]);
  const container = await Container.create({ id: "b", bundle: root.bundle(), root: root.containers });
  await container.start();
  assertEquals(await by(script, root, "exec", "--preserve-fds", "1", "b", ...show), [0, "word\nclosed\n"]);
});

test("--pidfd-socket is sent a descriptor of the container's process, and of one that is executed in it", async () => {
  await using root = new Root();
  const path = `${root.path}/pidfd`;
  const create = ["--root", root.containers, "create", "-b", root.bundle(), "--pidfd-socket", path, "a"];
  {
    using listener = new Listener(path, "stream");
    const [{ pid }, { code }] = await Promise.all([listener.message(), cli(create, { streams: "file" })]);
    const container = await Container.open("a", { root: root.containers });
    assertEquals([code, pid], [0, (await container.state()).pid]);
    await container.start();
  }
  Deno.removeSync(path);
  using listener = new Listener(path, "stream");
  const pidFile = `${root.path}/pid`;
  const exec = ["exec", "-d", "--pid-file", pidFile, "--pidfd-socket", path, "a", "sleep", "1000"];
  const run = cli(["--root", root.containers, ...exec], { streams: "file" });
  const [{ pid }, { code }] = await Promise.all([listener.message(), run]);
  assertEquals([code, String(pid)], [0, Deno.readTextFileSync(pidFile)]);
});

/** Says something to the socket at a path, as sd_notify(3) does. */
async function notify(path: string, text: string) {
  const script = "use Socket; socket(S, AF_UNIX, SOCK_DGRAM, 0); send(S, $ARGV[1], 0, sockaddr_un($ARGV[0])) or exit 1";
  const { success } = await new Deno.Command("perl", { args: ["-e", script, path, text] }).output();
  assert(success, `${path} takes no message`);
}

test("start waits until a container says that it is ready, and tells NOTIFY_SOCKET, where it was made with one", async () => {
  await using root = new Root();
  const path = `${root.path}/notify`;
  using listener = new Listener(path, "datagram");
  const env = { NOTIFY_SOCKET: path };
  const look = 'until [ -S "$NOTIFY_SOCKET" ]; do sleep 0.01; done; echo "$NOTIFY_SOCKET" >/seen; sleep 1000';
  const bundle = root.bundle({ args: ["sh", "-c", look] });
  const call = (...args: string[]) => cli(["--root", root.containers, ...args], { env, streams: "file" });
  assertEquals((await call("create", "-b", bundle, "a")).code, 0);
  let isOver = false;
  const start = call("start", "a").finally(() => isOver = true);
  const inside = `${root.containers}/a/notify/notify.sock`;
  for (;;) {
    if ([...Deno.readDirSync(`${root.containers}/a/notify`)].length > 0) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await notify(inside, "STATUS=almost");
  assertEquals(isOver, false);
  await notify(inside, "STATUS=done\nREADY=1");
  const { pid } = await (await Container.open("a", { root: root.containers })).state();
  assertEquals([(await listener.message()).text, (await start).code], [`READY=1\nMAINPID=${pid}\n`, 0]);

  // One that ends before it says so is waited for no longer; and nobody is waited for without the variable.
  assertEquals((await call("create", "-b", root.bundle({ args: ["true"] }), "b")).code, 0);
  assertEquals((await call("start", "b")).code, 0);
  const plain = [
    "--root",
    root.containers,
    "run",
    "-b",
    root.bundle({ args: ["sh", "-c", "echo ${NOTIFY_SOCKET-none}"] }),
  ];
  assertEquals((await cli([...plain, "c"])).stdout, "none\n");
});
