import { assertEquals, assertThrows } from "@std/assert";
import { SpecError, StateError } from "../../mod.ts";
import { readConfig } from "../../src/spec/config_json.ts";
import { specOfExec } from "../../src/spec/container_exec.ts";
import { defaultConfig } from "../../src/spec/default_config.ts";
import { checkId, joined, newState, rfc3339, stateOf } from "../../src/spec/state.ts";
import { withoutNulls } from "../../src/spec/stats.ts";
import { allows, type ContainerStatus, type ContainerVerb, mustAllow, statusOf } from "../../src/spec/status.ts";

const STATUSES: ContainerStatus[] = ["creating", "created", "running", "paused", "stopped"];

Deno.test("allows() is OCI's table of what each state permits", () => {
  const table: Record<ContainerVerb, ContainerStatus[]> = {
    start: ["created"],
    kill: ["created", "running", "paused"],
    delete: ["stopped"],
    exec: ["created", "running"],
    pause: ["created", "running"],
    resume: ["paused"],
    update: ["created", "running", "paused"],
    ps: ["created", "running", "paused"],
    stats: ["created", "running", "paused"],
  };
  for (const [verb, expected] of Object.entries(table)) {
    assertEquals(STATUSES.filter((status) => allows(verb as ContainerVerb, status)), expected, verb);
  }
});

Deno.test("mustAllow() names the state, in words that engines look for", () => {
  const refusal = (
    verb: ContainerVerb,
    status: ContainerStatus,
  ) => (assertThrows(() => mustAllow(verb, "x", status), StateError) as StateError);
  assertEquals(refusal("kill", "stopped").message, 'cannot kill "x": container not running: it is stopped');
  assertEquals(refusal("exec", "paused").message, 'cannot exec in a paused container: "x"; resume it first');
  assertEquals(refusal("exec", "stopped").message, 'cannot exec in a stopped container: "x"');
  assertEquals(refusal("delete", "running").message, 'cannot delete container "x" that is not stopped: it is running');
  assertEquals(refusal("resume", "running").message, 'cannot resume "x": container not paused: it is running');
  const { expected, actual } = refusal("start", "paused");
  assertEquals([expected, actual], ["created", "paused"]);
});

Deno.test("statusOf() believes what is seen", () => {
  const seen = (phase: "creating" | "created" | "started", isAlive: boolean, isFrozen = false) =>
    statusOf({ phase, isAlive, isFrozen });
  assertEquals(seen("creating", false), "creating");
  assertEquals([seen("created", true), seen("created", false)], ["created", "stopped"]);
  assertEquals([seen("started", true), seen("started", true, true), seen("started", false)], [
    "running",
    "paused",
    "stopped",
  ]);
});

Deno.test("a state tells what OCI asks for, and no more", () => {
  const creation = { creator: { pid: 1, startTime: 2 }, owner: "root", now: [1, 20] as [number, number] };
  const spec = { root: { path: "./rootfs/" }, hooks: { poststop: [{ path: "/x" }], prestart: [] } };
  const kept = newState("x", "/b", spec, creation);
  assertEquals([kept.hooks, kept.hasProcess, kept.phase], [["poststop"], false, "creating"]);
  assertEquals(stateOf({ ...kept, pid: 7 }, "running"), {
    ...{ ociVersion: "1.2.0", id: "x", status: "running", pid: 7, bundle: "/b", rootfs: "/b/rootfs" },
    ...{ created: "1970-01-01T00:00:01.000000020Z", owner: "root" },
  });
  assertEquals(stateOf({ ...kept, pid: 7 }, "stopped").pid, 0);
  assertEquals([joined("/a/", "b//c/"), joined("/a", "/b")], ["/a/b/c", "/b"]);
  assertEquals(rfc3339([1795691611, 191471820]), "2026-11-26T11:13:31.191471820Z");
});

Deno.test("checkId() takes what is one component of a path", () => {
  assertEquals(checkId("Aa0_+.-"), "Aa0_+.-");
  for (const id of ["", ".", "..", "a/b", "a b", "é", "a\n", "x".repeat(1025), 7, undefined]) {
    assertThrows(() => checkId(id), SpecError);
  }
});

Deno.test("readConfig() keeps the text, and says what is wrong with it", () => {
  const text = '{"ociVersion":"1.0.2-dev","process":{"rlimits":[{"hard":18446744073709551615}]}}';
  assertEquals(readConfig(text).text, text);
  const refusals: [string, RegExp][] = [
    ["{", /^config\.json is no JSON: /],
    ["[]", /^config\.json must hold an object; it holds an array/],
    ["{}", /^ociVersion: must be the version of the runtime-spec; it is missing/],
    ['{"ociVersion":"one"}', /^ociVersion: must be such as 1\.2\.0; it is "one"/],
    ['{"ociVersion":"2.0.0"}', /^ociVersion: only 1\.x is known; it is 2\.0\.0/],
  ];
  for (const [text, message] of refusals) {
    const error = assertThrows(() => readConfig(text), SpecError) as Error;
    assertEquals(message.test(error.message), true, error.message);
  }
});

Deno.test("specOfExec() says what differs from the container's own program", () => {
  const { spec, extras } = specOfExec({ program: "sh", user: "nobody", capAdd: ["CAP_CHOWN"], envp: { A: "1" } });
  assertEquals([spec.process.args, spec.process.env], [["sh"], ["A=1"]]);
  assertEquals([spec.minicontainer?.inheritEnv, spec.minicontainer?.runAs], [false, "nobody"]);
  assertEquals(extras, { asItsProgram: true, capabilities: ["CAP_CHOWN"] });
  const whole = specOfExec({ process: { args: ["x"], cwd: "/" } });
  assertEquals([whole.extras.asItsProgram, whole.spec.process], [false, { args: ["x"], cwd: "/" }]);
  assertThrows(() => specOfExec({ program: "sh", additionalGids: [-1] }), SpecError, "additionalGids[0]");
});

Deno.test("defaultConfig() is for root, or for a user and his ids", () => {
  const kinds = (ids?: { uid: number; gid: number }) => defaultConfig(ids).linux?.namespaces?.map(({ type }) => type);
  assertEquals(kinds(), ["pid", "network", "ipc", "uts", "mount", "cgroup"]);
  assertEquals(kinds({ uid: 7, gid: 8 }), ["pid", "ipc", "uts", "mount", "cgroup", "user"]);
  assertEquals(defaultConfig({ uid: 7, gid: 8 }).linux?.gidMappings, [{ containerID: 0, hostID: 8, size: 1 }]);
});

Deno.test("withoutNulls() leaves what is there", () => {
  assertEquals(withoutNulls<unknown>({ a: null, b: { c: null, d: 0 }, e: [null] }), { b: { d: 0 }, e: [null] });
});
