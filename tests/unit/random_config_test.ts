/**
 * Random configurations: whatever a caller's JavaScript passes, there is a spec, or a SpecError that names a field.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { SpecError } from "../../src/native/errors.ts";
import { type NamespaceExecConfig, specFromConfig } from "../../src/spec/exec_config.ts";

const RUNS = 20_000;

/** A value that each field takes. */
const TAKEN: Required<{ [Field in keyof Omit<NamespaceExecConfig, "spec" | "signal">]: unknown }> = {
  program: "sh",
  argv: ["sh", "-c"],
  envp: { A: "1" },
  cwd: "/",
  stdin: "null",
  stdout: "piped",
  stderr: 2,
  enableDebug: false,
  timeoutMs: 5,
  outputBytes: 5,
  killOnExit: true,
  enablePidNamespace: true,
  enableMountNamespace: true,
  enableUtsNamespace: true,
  enableIpcNamespace: true,
  enableNetworkNamespace: true,
  enableCgroupNamespace: true,
  enableUserNamespace: true,
  enableTimeNamespace: true,
  enableAllNamespaces: true,
  namespaces: { network: "/proc/1/ns/net" },
  timeOffsets: { boottime: { secs: 1, nanosecs: 1 } },
  hostname: "box",
  domainname: "home",
  sysctl: { "kernel.msgmax": "1" },
  rootfs: "/r",
  readOnly: true,
  overlay: { folder: "/o" },
  volumes: ["/a:/b:ro", { source: "/c", target: "/d" }],
  tmpfs: ["/t:size=1m", { target: "/u", sizeBytes: 1 }],
  mounts: [{ destination: "/p", type: "proc", options: ["ro"] }],
  files: { "/f": "text", "/g": new Uint8Array(3) },
  devices: [{ type: "c", path: "/dev/x", major: 1, minor: 3 }],
  hostDevices: ["/dev/fuse"],
  maskedPaths: ["/x"],
  readonlyPaths: ["/y"],
  rootfsPropagation: "rslave",
  mountApi: "new",
  user: "a:b",
  additionalGids: [1],
  umask: 0o22,
  uidMappings: [{ containerID: 0, hostID: 0, size: 1 }],
  gidMappings: [{ containerID: 0, hostID: 0, size: 10 }],
  mapIds: "auto",
  capAdd: ["NET_ADMIN"],
  capDrop: ["ALL"],
  noNewPrivileges: true,
  seccomp: { defaultAction: "SCMP_ACT_ALLOW" },
  seccompFile: "s.json",
  landlock: { readOnly: ["/usr"] },
  apparmorProfile: "p",
  selinuxLabel: "l",
  rlimits: { nofile: { soft: 1, hard: 2 } },
  oomScoreAdj: 0,
  scheduler: { policy: "SCHED_OTHER", nice: 1 },
  ioPriority: { class: "IOPRIO_CLASS_BE", priority: 1 },
  cpuAffinity: "0",
  personality: "LINUX",
  terminal: true,
  inheritEnv: true,
  limits: {
    memoryBytes: 1,
    cpus: 0.5,
    ioMax: { "8:0": { readBps: 1 } },
    devices: ["c 1:3 r"],
    unified: { "a.b": "c" },
  },
};

const JUNK = [
  undefined,
  null,
  "",
  "x",
  "/x:/y",
  "\0",
  "\ud800",
  0,
  -1,
  1.5,
  NaN,
  Infinity,
  true,
  [],
  {},
  [null],
  [{}],
  1n,
];

/** Marsaglia's xorshift: the same numbers in every run. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Mostly as it was; else junk, or the same with one part mutated. */
function mutated(value: unknown, random: (below: number) => number): unknown {
  if (random(4) === 0) return JUNK[random(JUNK.length)];
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || random(2) === 0) return value;
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value) ? [...value] : { ...value };
  const key = Object.keys(value)[random(Object.keys(value).length)] as keyof typeof copy;
  Object.assign(copy, { [key]: mutated(copy[key], random) });
  return copy;
}

Deno.test("specFromConfig() takes every field's own value", () => {
  for (const [field, value] of Object.entries(TAKEN)) {
    const needs = field === "capAdd" ? {} : { rootfs: "/r" };
    specFromConfig({ program: "sh", ...needs, [field]: value });
  }
});

Deno.test(`specFromConfig() makes a spec of a random configuration, or throws SpecError: ${RUNS} times`, () => {
  const random = randomNumbers(20_250_101);
  const fields = Object.entries(TAKEN);
  let made = 0;
  for (let run = 0; run < RUNS; run++) {
    const config: Record<string, unknown> = { program: "sh" };
    for (let count = random(5); count >= 0; count--) {
      const [field, value] = fields[random(fields.length)];
      config[field] = mutated(value, random);
    }
    try {
      const spec = specFromConfig(config as unknown as NamespaceExecConfig);
      assertEquals(JSON.parse(JSON.stringify(spec)).ociVersion, "1.2.0");
      made++;
    } catch (error) {
      const shown = Deno.inspect(config, { depth: 9 });
      assert(error instanceof SpecError, `${error instanceof Error ? error.stack : error}\n${shown}`);
      assert(error.path !== "" && error.message.startsWith(`${error.path}: `), `${error.message}\n${shown}`);
    }
  }
  assert(made > RUNS / 10 && made < RUNS, `${made} were specs`);
});

Deno.test("specFromConfig() makes the same of what is like a configuration before as if nothing had been before", () => {
  const random = randomNumbers(20_261_127);
  const fields = Object.entries(TAKEN);
  const outcome = (config: object) => {
    try {
      return specFromConfig(config as NamespaceExecConfig);
    } catch (error) {
      return String(error);
    }
  };
  let config: Record<string, unknown> = { program: "sh", argv: ["sh"] };
  let repeated = 0;
  for (let run = 0; run < RUNS / 4; run++) {
    const [field, value] = fields[random(fields.length)];
    if (random(8) === 0) config = { program: "sh", argv: ["sh"] };
    else if (random(2) === 0) config = { ...config, [field]: mutated(value, random) };
    else config = { ...config, argv: mutated(["sh", String(random(3))], random) };
    // One with a prototype of its own is not looked up.
    const fresh = outcome(Object.assign(Object.create({}), config));
    const found = outcome(config);
    assertEquals(found, fresh);
    if (typeof found === "object" && outcome({ ...config }) === found) repeated++;
  }
  assert(repeated > RUNS / 20, `${repeated} were repeated`);
});
