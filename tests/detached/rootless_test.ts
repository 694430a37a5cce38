/**
 * Containers of ordinary users that are left to themselves.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { requires } from "../support.ts";
import { asOrdinaryUser, ordinaryUsers, RANGE, rangesOfIds } from "../support_user.ts";

/** Without a range of ids, and with one. */
const ways = [["one id", ordinaryUsers, ""], [
  "a range of ids",
  rangesOfIds,
  `nobody:${RANGE.first}:${RANGE.count}\n`,
]] as const;

/** What the code below has before its own. */
const PRELUDE = `
  const { Container } = await import(MOD);
  const root = PLACE + "/containers";
  const start = async (id, script, more = {}) => {
    const user = { enableUserNamespace: true, rootfs: ROOT, program: "/bin/sh", argv: ["sh", "-c", script] };
    const container = await Container.create({ ...user, id, root, monitor: true, ...more });
    await container.start();
    return container;
  };
  const lines = async (container, follow = true) => {
    const found = [];
    for await (const { stream, text } of container.logs({ follow })) found.push(stream + " " + text);
    return found;
  };
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
  // What a monitor executes in the end writes to the user's cache, which is removed with this test.
  const settling = (pid) => {
    try {
      const words = Deno.readTextFileSync("/proc/" + pid + "/cmdline");
      return words.includes("settle") && words.includes(PLACE);
    } catch {
      return false;
    }
  };
  const settled = async (path) => {
    const kept = () => JSON.parse(Deno.readTextFileSync(path + "/state.json")).monitor.settled;
    while (path !== undefined && kept() === undefined) await pause();
    while ([...Deno.readDirSync("/proc")].some(({ name }) => settling(name))) await pause();
  };
  const remove = async (container) => {
    await settled(root + "/" + container.id);
    await container.delete();
  };
  const failure = (promise) => promise.then(() => undefined, ({ name, message }) => name + ": " + message);
`;

for (const [ids, lack, ranges] of ways) {
  const test = requires(lack);
  const as = <T>(code: string) => asOrdinaryUser<T>(PRELUDE + code, { ranges });

  test(`with ${ids}, a user's container is left to itself, logged, waited for, started again and removed`, async () => {
    const { ends, log, details, left } = await as<Record<string, unknown>>(`
      const container = await start("one", "id -u; hostname; echo oops >&2; exit 7", { hostname: "inner" });
      const ends = [(await container.wait()).exitCode];
      await container.start();
      ends.push((await container.wait()).exitCode);
      const { exit: { exitCode, signal }, status, labels, cgroup } = await container.inspect();
      const log = await lines(container);
      await remove(container);
      const left = [...Deno.readDirSync(root)].map(({ name }) => name);
      const result = { ends, log, details: { exitCode, signal, status, labels, cgroup: cgroup ?? null }, left };
    `);
    assertEquals(ends, [7, 7]);
    const sorted = [...log as string[]].sort();
    assertEquals(sorted, ["stderr oops", "stderr oops", "stdout 0", "stdout 0", "stdout inner", "stdout inner"]);
    assertEquals(details, { exitCode: 7, signal: null, status: "stopped", labels: {}, cgroup: null });
    assertEquals(left, []);
  });

  test(`with ${ids}, a user's container reads who attaches, runs further programs, and is stopped or removed`, async () => {
    const { said, inside, stopped, removed, refused } = await as<Record<string, unknown>>(`
      const container = await start("one", "read line; echo got $line; exec sleep 1000", { monitor: { stdin: true } });
      const attachment = await container.attach();
      const writer = attachment.stdin.getWriter();
      await writer.write(new TextEncoder().encode("this\\n"));
      const { value } = await attachment.stdout.getReader().read();
      const said = new TextDecoder().decode(value);
      await attachment.close();
      const process = await container.exec({ program: "/bin/sh", argv: ["sh", "-c", "id -u; exit 3"], stdout: "piped" });
      const [output, status] = await Promise.all([new Response(process.stdout).text(), process.status]);
      const inside = [output, status.exitCode];
      await process[Symbol.asyncDispose]();
      await container.stop({ timeoutMs: 0 });
      const stopped = (await container.wait()).signal?.name;
      await remove(container);
      const other = await start("two", "exit 9", { monitor: { remove: true } });
      const { exitCode } = await other.wait();
      while ([...Deno.readDirSync(root)].length > 0) await pause();
      await settled();
      const refused = await failure(other.state());
      const result = { said, inside, stopped, removed: exitCode, refused };
    `);
    assertEquals({ said, inside, stopped, removed }, {
      said: "got this\n",
      inside: ["0\n", 3],
      stopped: "SIGKILL",
      removed: 9,
    });
    assertEquals(refused, 'NotFoundError: container "two" does not exist');
  });

  test(`with ${ids}, a user's container is started anew by its policy, and its files are copied and compared`, async () => {
    const { restarts, log, copied, owner, changes, kept } = await as<Record<string, unknown>>(`
      const failing = await start("one", "echo again; exit 3", { monitor: { restart: "on-failure:2" } });
      await failing.wait();
      const { restarts } = await failing.inspect();
      const log = await lines(failing);
      await remove(failing);

      Deno.writeTextFileSync(PLACE + "/file", "in", { mode: 0o640 });
      Deno.mkdirSync(PLACE + "/home/layer");
      const container = await start("two", "echo new >/etc/new; rm /etc/group; echo done; exec sleep 1000", { overlay: true });
      const other = await start("three", "echo >/etc/new; echo done; exec sleep 1000", {
        overlay: { folder: PLACE + "/home/layer" },
      });
      for (const each of [container, other]) while ((await lines(each, false)).length === 0);
      const changes = [(await container.changes()).changes, (await other.changes()).changes];
      await container.copyIn(PLACE + "/file", "/etc");
      await container.copyOut("/etc/file", PLACE + "/back");
      const process = await container.exec({ program: "/bin/stat", argv: ["stat", "-c", "%u %a", "/etc/file"], stdout: "piped" });
      const [owner] = await Promise.all([new Response(process.stdout).text(), process.status]);
      await process[Symbol.asyncDispose]();
      const { mode, uid } = Deno.statSync(PLACE + "/back");
      const copied = [Deno.readTextFileSync(PLACE + "/back"), mode & 0o777, uid === Deno.uid()];
      for (const each of [container, other]) await each.stop({ timeoutMs: 0 });
      const kept = (await other.changes()).changes;
      for (const each of [container, other]) await remove(each);
      const result = { restarts, log, copied, owner, changes, kept };
    `);
    assertEquals({ restarts, log }, { restarts: 2, log: Array(3).fill("stdout again") });
    assertEquals([copied, owner], [["in", 0o640, true], "0 640\n"]);
    const added = [{ path: "/etc", kind: "changed" }, { path: "/etc/new", kind: "added" }];
    assertEquals(changes, [[added[0], { path: "/etc/group", kind: "deleted" }, added[1]], added]);
    assertEquals(kept, added);
  });
}

requires(ordinaryUsers)(
  "a user's command keeps containers in the user's own folder, and runs their program there",
  async () => {
    const { code, out, root } = await asOrdinaryUser<Record<string, string>>(`${PRELUDE}
    const folder = PLACE + "/home/run";
    Deno.mkdirSync(folder);
    const bin = new URL("./cli.ts", MOD).pathname;
    const call = async (...args) => {
      const env = { XDG_RUNTIME_DIR: folder };
      const flags = ["run", "--no-prompt", "--quiet", "--allow-ffi", "--allow-run", bin];
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), { args: [...flags, ...args], env }).output();
      return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
    };
    const made = await call("run", "-d", "--name", "one", "--user", "--rootfs", ROOT, "sh", "-c", "id -u; exit 4");
    const ended = await call("wait", "one");
    const log = await call("logs", "one");
    const names = [...Deno.readDirSync(folder + "/minicontainer")].map(({ name }) => name).join();
    await settled(folder + "/minicontainer/one");
    await call("rm", "one");
    const result = { code: made.code + " " + ended.text, out: made.text + log.text, root: names };
  `);
    assertEquals({ code, out, root }, { code: "0 4\n", out: "one\n0\n", root: "one" });
  },
);

requires(ordinaryUsers)(
  "a user's container without a user namespace is refused, with what to do about it",
  async () => {
    const { refused, left } = await asOrdinaryUser<Record<string, unknown>>(`${PRELUDE}
    const refused = await failure(start("one", "true", { enableUserNamespace: false }));
    const left = [...Deno.readDirSync(root)].map(({ name }) => name);
    const result = { refused, left };
  `);
    assertEquals(left, []);
    const advice = "run as root or with CAP_SYS_ADMIN, or add --user";
    assertEquals(refused, `SystemError: cannot create PID and mount namespaces: operation not permitted; ${advice}`);
  },
);
