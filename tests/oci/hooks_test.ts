import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Hooks, Spec } from "../../mod.ts";
import { requires } from "../support.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./doors.ts";

const test = requires(containers);

const STAGES = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;

/** A hook that tells who called it, in which mount namespace it is, and what state it was given. */
function telling(log: string, stage: string): NonNullable<Hooks["prestart"]>[number] {
  const script =
    `{ echo "$0 $(readlink /proc/self/ns/mnt) $(cat /proc/sys/kernel/hostname) $HOOK"; cat; echo; } >> ${log}`;
  return { path: "/bin/sh", args: ["sh", "-c", script, stage], env: ["PATH=/bin:/usr/bin", `HOOK=${stage}`] };
}

/** The container's root has the log's folder, under the same name. */
function logging(root: Root) {
  const folder = `${root.path}/log`;
  Deno.mkdirSync(folder);
  const mounts: Spec["mounts"] = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: folder, type: "bind", source: folder, options: ["bind"] },
  ];
  return { log: `${folder}/hooks`, mounts };
}

test("each hook is executed in its order and place, with the state of its time", async () => {
  await using root = new Root();
  const { log, mounts } = logging(root);
  const hooks = Object.fromEntries(STAGES.map((stage) => [stage, [telling(log, stage)]]));
  const [library] = root.doors();
  await library.create("a", root.bundle({}, { hooks, mounts, hostname: "inside" }));
  const { pid } = await library.state("a");
  const inside = Deno.readLinkSync(`/proc/${pid}/ns/mnt`);
  const outside = Deno.readLinkSync("/proc/self/ns/mnt");
  const host = Deno.hostname();
  await library.start("a");
  await library.delete("a", true);
  const lines = Deno.readTextFileSync(log).trimEnd().split("\n");
  const states = lines.filter((_, index) => index % 2 === 1).map((line) => JSON.parse(line));
  assertEquals(lines.filter((_, index) => index % 2 === 0), [
    `prestart ${outside} ${host} prestart`,
    `createRuntime ${outside} ${host} createRuntime`,
    `createContainer ${inside} inside createContainer`,
    `startContainer ${inside} inside startContainer`,
    `poststart ${outside} ${host} poststart`,
    `poststop ${outside} ${host} poststop`,
  ]);
  assertEquals(states.map(({ status }) => status), [
    ...["creating", "creating", "creating", "created", "running", "stopped"],
  ]);
  assertEquals(states.slice(0, 5).map((state) => [state.id, state.pid]), Array(5).fill(["a", pid]));
});

for (const stage of ["prestart", "createRuntime", "createContainer"] as const) {
  test(`a ${stage} hook that fails keeps the container from being made, and says why`, async () => {
    await using root = new Root();
    const failing = { path: "/bin/sh", args: ["sh", "-c", "echo no good >&2; exit 3"] };
    const [library] = root.doors();
    const error = await library.create("a", root.bundle({}, { hooks: { [stage]: [failing] } })).catch(String);
    assertMatch(String(error), new RegExp(`hooks.${stage}\\[0\\], "/bin/sh", failed: exit status 3: no good`));
    assertEquals(await library.list(), []);
    assertEquals(root.left(), []);
  });
}

test("a startContainer hook that fails ends the container", async () => {
  await using root = new Root();
  const [library] = root.doors();
  await library.create("a", root.bundle({}, { hooks: { startContainer: [{ path: "/bin/false", args: ["false"] }] } }));
  const error = await library.start("a").catch(String);
  assertMatch(String(error), /hooks.startContainer\[0\], "\/bin\/false", failed: exit status 1/);
  const { promise, resolve } = Promise.withResolvers<void>();
  setTimeout(resolve, 100);
  await promise;
  assertEquals((await library.state("a")).status, "stopped");
  await library.delete("a");
});

test("a hook that takes too long is killed, and has failed", async () => {
  await using root = new Root();
  const [library] = root.doors();
  const slow = { path: "/bin/sleep", args: ["sleep", "60"], timeout: 1 };
  const error = await library.create("a", root.bundle({}, { hooks: { createRuntime: [slow] } })).catch(String);
  assertMatch(String(error), /hooks.createRuntime\[0\], "\/bin\/sleep", failed: it took longer than 1 s/);
});

test("a poststop hook that fails is told of, and the container is gone", async () => {
  await using root = new Root();
  const [, command] = root.doors();
  const { log, mounts } = logging(root);
  const poststop = [{ path: "/no/such/hook" }, telling(log, "poststop")];
  await command.create("a", root.bundle({}, { hooks: { poststop }, mounts }));
  await command.delete("a", true).catch(() => {});
  assertEquals(await command.list(), []);
  assert(Deno.readTextFileSync(log).startsWith("poststop "));
});
