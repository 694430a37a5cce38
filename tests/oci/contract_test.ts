import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { requires } from "../support.ts";
import { containers } from "../support_rootfs.ts";
import { type Door, DOORS, Root } from "./doors.ts";

const test = requires(containers);

/** The case, once through each door. */
function each(name: string, run: (door: Door, root: Root) => Promise<void>) {
  for (const [index, door] of DOORS.entries()) {
    test(`the ${door} ${name}`, async () => {
      await using root = new Root();
      await run(root.doors()[index], root);
      assertEquals(root.left(), []);
    });
  }
}

each("takes a container from its making to its end", async (door, root) => {
  const bundle = root.bundle({}, { annotations: { "org.example": "1" } });
  await door.create("a", bundle);
  const created = await door.state("a");
  assertEquals(created.status, "created");
  assertEquals([created.id, created.ociVersion, created.bundle], ["a", "1.2.0", bundle]);
  assertEquals(created.annotations, { "org.example": "1" });
  assertMatch(created.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
  assert(created.pid > 0 && created.rootfs?.startsWith("/"));
  await door.start("a");
  assertEquals(await door.state("a"), { ...created, status: "running" });
  assertEquals(commandOf(created.pid), ["sleep", "1000"]);
  await door.kill("a", "KILL");
  await until(async () => (await door.state("a")).status === "stopped");
  assertEquals((await door.state("a")).pid, 0);
  await door.delete("a");
  await refuses(door.state("a"), /container "a" does not exist/);
});

each("does not see what is changed in a bundle after create", async (door, root) => {
  const bundle = root.bundle({ args: ["sleep", "1000"] });
  await door.create("a", bundle);
  await Deno.writeTextFile(`${bundle}/config.json`, "nonsense");
  const { pid } = await door.state("a");
  await door.start("a");
  assertEquals(commandOf(pid), ["sleep", "1000"]);
  await door.delete("a", true);
});

each("names the state that a container is in where that does not allow something", async (door, root) => {
  await door.create("a", root.bundle());
  await refuses(door.delete("a"), /cannot delete container "a" that is not stopped: it is created/);
  await refuses(door.resume("a"), /container not paused: it is created/);
  await door.start("a");
  await refuses(door.start("a"), /cannot start "a": it is running/);
  await refuses(door.delete("a"), /not stopped: it is running/);
  await refuses(door.create("a", root.bundle()), /container "a" already exists: it is running/);
  await door.kill("a", "9");
  await until(async () => (await door.state("a")).status === "stopped");
  await refuses(door.kill("a"), /container not running: it is stopped/);
  await refuses(door.start("a"), /cannot start a container that has stopped/);
  await refuses(door.pause("a"), /container not running: it is stopped/);
  await refuses(door.ps("a"), /container not running: it is stopped/);
  await door.delete("a");
});

each("says that there is no such container", async (door) => {
  for (const verb of ["start", "state", "kill", "delete", "pause", "resume", "ps"] as const) {
    await refuses(door[verb]("nobody"), /container "nobody" does not exist/);
  }
});

each("refuses an id that is none, and a bundle that is none, and leaves nothing", async (door, root) => {
  for (const id of ["", "a/b", "..", "a b", "é"]) await refuses(door.create(id, root.bundle()), /id/);
  await refuses(door.create("a", "/no/such/bundle"), /"\/no\/such\/bundle": no such file or directory/);
  const bundle = root.bundle();
  await Deno.writeTextFile(`${bundle}/config.json`, "{");
  await refuses(door.create("a", bundle), /config\.json is no JSON/);
  await Deno.writeTextFile(`${bundle}/config.json`, '{"ociVersion":"9.0.0"}');
  await refuses(door.create("a", bundle), /ociVersion: only 1\.x is known; it is 9\.0\.0/);
  await Deno.remove(`${bundle}/config.json`);
  await Deno.mkdir(`${bundle}/config.json`);
  await refuses(door.create("a", bundle), /config\.json" is a folder/);
  const wrong = root.bundle({ cwd: "relative" });
  await refuses(door.create("a", wrong), /process\.cwd/);
  assertEquals(root.left(), []);
});

each("executes a program in a container", async (door, root) => {
  await door.create("a", root.bundle());
  await door.start("a");
  assertEquals(await door.exec("a", "sh", "-c", 'test "$(hostname)" && test -e /bin/busybox && exit 42'), 42);
  assertEquals(await door.exec("a", "sh", "-c", "kill -TERM $$"), 143);
  await door.delete("a", true);
});

each("freezes a container, and has it go on", async (door, root) => {
  await door.create("a", root.bundle());
  await door.start("a");
  const { pid } = await door.state("a");
  assert((await door.ps("a")).includes(pid));
  await door.pause("a");
  assertEquals((await door.state("a")).status, "paused");
  await refuses(door.start("a"), /it is paused/);
  await refuses(door.pause("a"), /container not running: it is paused/);
  assert(await door.exec("a", "true").catch((error) => error.message) !== 0);
  await door.resume("a");
  assertEquals((await door.state("a")).status, "running");
  assertEquals(await door.exec("a", "true"), 0);
  await door.pause("a");
  await door.delete("a", true);
});

each("limits what a container may use, later too, and tells what it uses", async (door, root) => {
  const namespaces = [{ type: "pid" as const }, { type: "mount" as const }];
  const limited = { linux: { namespaces, resources: { pids: { limit: 50 } } } };
  await door.create("a", root.bundle({}, limited));
  await door.start("a");
  assertEquals((await door.stats("a")).pids?.limit, 50);
  await door.update("a", { pids: { limit: 20 } });
  const { pids } = await door.stats("a");
  assertEquals([pids?.limit, pids?.current], [20, 1]);
  await door.delete("a", true);
});

each("lists the containers by their ids", async (door, root) => {
  assertEquals(await door.list(), []);
  await door.create("b", root.bundle());
  await door.create("a", root.bundle());
  await door.start("a");
  assertEquals((await door.list()).map(({ id, status }) => [id, status]), [["a", "running"], ["b", "created"]]);
  await door.delete("a", true);
  await door.delete("b", true);
});

each("lets one of many that start a container at once do so", async (door, root) => {
  await door.create("a", root.bundle());
  const started = await Promise.allSettled(Array.from({ length: 4 }, () => door.start("a")));
  assertEquals(started.filter(({ status }) => status === "fulfilled").length, 1);
  for (const each of started) if (each.status === "rejected") assertMatch(each.reason.message, /it is running/);
  await door.delete("a", true);
});

each("lets one of many that make a container of one id do so", async (door, root) => {
  const bundle = root.bundle();
  const made = await Promise.allSettled(Array.from({ length: 4 }, () => door.create("a", bundle)));
  assertEquals(made.filter(({ status }) => status === "fulfilled").length, 1);
  for (const each of made) if (each.status === "rejected") assertMatch(each.reason.message, /already exists: it is /);
  await door.delete("a", true);
});

each("says why a program cannot be executed, and the container is stopped then", async (door, root) => {
  const bundle = root.bundle({ args: ["/bin/nobody"] });
  await refuses(door.create("a", bundle).then(() => door.start("a")), /"\/bin\/nobody": no such file or directory/);
  await door.delete("a", true).catch(() => {});
});

each("runs poststart and poststop hooks with the container's state", async (door, root) => {
  const hook = (name: string) => ({
    path: "/bin/sh",
    args: ["sh", "-c", `cat >${root.path}/${name}; echo >>${root.path}/${name}`],
    env: ["PATH=/bin:/usr/bin"],
  });
  await door.create("a", root.bundle({}, { hooks: { poststart: [hook("poststart")], poststop: [hook("poststop")] } }));
  const { pid } = await door.state("a");
  await door.start("a");
  await door.delete("a", true);
  const told = (name: string) => JSON.parse(Deno.readTextFileSync(`${root.path}/${name}`));
  assertEquals([told("poststart").status, told("poststart").pid], ["running", pid]);
  assertEquals([told("poststop").status, told("poststop").id], ["stopped", "a"]);
});

each("undoes a container whose maker was killed", async (door, root) => {
  await door.create("a", root.bundle());
  await door.delete("a", true);
  await Deno.mkdir(`${root.containers}/a`);
  const state = {
    ...{ ociVersion: "1.2.0", id: "a", pid: 0, startTime: 0, bundle: "/", created: "", owner: "root" },
    ...{ phase: "creating", creator: { pid: 1, startTime: 1 }, hasProcess: true, hooks: [] },
  };
  await Deno.writeTextFile(`${root.containers}/a/state.json`, JSON.stringify(state));
  await refuses(door.state("a"), /container "a" does not exist/);
  await Deno.mkdir(`${root.containers}/a`);
  await Deno.writeTextFile(`${root.containers}/a/state.json`, JSON.stringify(state));
  await door.create("a", root.bundle());
  await door.delete("a", true);
});

each("tells of a damaged container, and of what to do", async (door, root) => {
  await door.create("a", root.bundle());
  await door.delete("a", true);
  await Deno.mkdir(`${root.containers}/a`);
  await Deno.writeTextFile(`${root.containers}/a/state.json`, "{");
  await refuses(door.state("a"), /container "a" is damaged: remove "/);
  await Deno.remove(`${root.containers}/a`, { recursive: true });
});

function refuses(promise: Promise<unknown>, message: RegExp): Promise<unknown> {
  return assertRejects(() => promise, Error).then((error) => assertMatch((error as Error).message, message));
}

async function until(isSo: () => Promise<boolean>) {
  for (let look = 0; look < 500; look++) {
    if (await isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("waited in vain");
}

function commandOf(pid: number): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}
