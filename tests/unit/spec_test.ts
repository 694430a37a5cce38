import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { errorFromJson, SpecError, type SystemError } from "../../src/native/errors.ts";
import { readRecord } from "../../src/native/call.ts";
import { resultFromEnd } from "../../src/runtime/result.ts";
import { signalName, signalNumber } from "../../src/runtime/signals.ts";
import { isolate } from "../../src/spec/container.ts";
import { type NamespaceExecConfig, specFromConfig } from "../../src/spec/exec_config.ts";
import { programOf } from "../../src/spec/program.ts";

Deno.test("specFromConfig() fills in what is left out", () => {
  assertEquals(JSON.parse(JSON.stringify(specFromConfig({ program: "true" }))), {
    ociVersion: "1.2.0",
    process: { args: ["true"], env: [] },
    minicontainer: {
      program: "true",
      inheritEnv: true,
      stdio: ["inherit", "inherit", "inherit"],
      killOnExit: false,
    },
  });
});

Deno.test("specFromConfig() makes the same of a plain program as the container's builder does", () => {
  const program = "/bin/true";
  const plain: NamespaceExecConfig[] = [
    { program },
    { program, enablePidNamespace: true },
    { program, enablePidNamespace: false, hostname: undefined },
    { program, enablePidNamespace: true, killOnExit: false, envp: ["A=1"], cwd: "/", stdout: "piped" },
    { program, killOnExit: true, timeoutMs: 5, enableDebug: true, argv: ["true", "x"] },
  ];
  for (const config of plain) assertEquals(specFromConfig(config), isolate(programOf(config), config));
});

Deno.test("specFromConfig() hands on what is given", () => {
  const spec = specFromConfig({
    program: "/bin/sh",
    argv: ["sh"],
    envp: { A: "1", B: "=" },
    cwd: "/tmp",
    stdin: "null",
    stdout: "piped",
    stderr: 7,
    timeoutMs: 0.5,
    enablePidNamespace: true,
    enableDebug: true,
  });
  assertEquals(spec.process, { args: ["sh"], env: ["A=1", "B=="], cwd: "/tmp" });
  assertEquals(spec.linux, { namespaces: [{ type: "pid" }] });
  assertEquals(spec.minicontainer, {
    program: "/bin/sh",
    inheritEnv: false,
    stdio: ["null", "piped", { descriptor: 7 }],
    killOnExit: true,
    debug: true,
    timeoutMs: 0.5,
  });
});

const refusals: [string, unknown, string][] = [
  ["", null, "the configuration must be an object"],
  ["program", {}, "must be a string; it is missing"],
  ["program", { program: "" }, "must name a program"],
  ["program", { program: "a\0b" }, "NUL character; there is one at 1"],
  ["argv", { program: "x", argv: "x" }, "must be an array of strings; it is a string"],
  ["argv", { program: "x", argv: [] }, "at least one entry"],
  ["argv[1]", { program: "x", argv: ["x", 7] }, "must be a string; it is a number"],
  ["envp", { program: "x", envp: 7 }, "must be an array or an object of strings; it is a number"],
  ["envp[0]", { program: "x", envp: ["A"] }, 'must be NAME=value; it is "A"'],
  ["envp", { program: "x", envp: { "A=": "1" } }, "is no variable's name"],
  ["envp.A", { program: "x", envp: { A: null } }, "must be a string; it is null"],
  ["cwd", { program: "x", cwd: "" }, "must name a folder"],
  ["stdin", { program: "x", stdin: "pipe" }, 'or a descriptor\'s number; it is "pipe"'],
  ["stdout", { program: "x", stdout: -1 }, "it is -1"],
  ["stderr", { program: "x", stderr: {} }, "it is an object"],
  ["timeoutMs", { program: "x", timeoutMs: NaN }, "it is NaN"],
  ["timeoutMs", { program: "x", timeoutMs: "5" }, "it is 5"],
  ["enablePidNamespace", { program: "x", enablePidNamespace: 1 }, "must be true or false; it is a number"],
  ["killOnExit", { program: "x", killOnExit: "no" }, "must be true or false; it is a string"],
];
for (const [path, config, message] of refusals) {
  Deno.test(`specFromConfig() refuses ${JSON.stringify(config)} and names ${path || "nothing"}`, () => {
    const error = assertThrows(() => specFromConfig(config as NamespaceExecConfig), SpecError, message);
    assertEquals(error.path, path);
    assertEquals(error.exitCode, 125);
  });
}

Deno.test("signalNumber() and signalName() are each other's inverse", () => {
  for (let number = 1; number <= 64; number++) {
    assertEquals(signalNumber(signalName(number)), number);
  }
  assertEquals(["SIGTERM", "term", "Hup", "RTMIN", "SIGRTMIN+30", 9].map(signalNumber), [15, 15, 1, 34, 64, 9]);
});

Deno.test("signalNumber() refuses what is no signal", () => {
  for (const signal of ["", "SIG", "TERMINATE", "65", "RTMIN+31", "constructor", 0, 65, 1.5, NaN, -9]) {
    assertThrows(() => signalNumber(signal), SpecError, "signal: must be");
  }
});

Deno.test("resultFromEnd() tells an exit from a signal", () => {
  const ended = {
    kind: "ended",
    pid: 7,
    outOfTime: false,
    outOfCpuTime: false,
    outOfOutput: false,
    wallUs: 1,
    cpuUserUs: 2,
    cpuSystemUs: 3,
  } as const;
  const rest = { ...ended, memoryPeakBytes: 4, memoryPeakIsBound: true, degraded: [] };
  const exited = resultFromEnd({ ...rest, exited: true, code: 3 });
  assertEquals([exited.exitedNormally, exited.exitStatus, exited.signal, exited.exitCode], [true, 3, null, 3]);
  const killed = resultFromEnd({ ...rest, exited: false, code: 15 });
  assertEquals([killed.exitedNormally, killed.exitStatus, killed.exitCode], [false, null, 143]);
  assertEquals(killed.signal, { number: 15, name: "SIGTERM" });
});

Deno.test("errorFromJson() makes the typed error", () => {
  const json = {
    kind: "system",
    operation: "execute",
    errno: 2,
    code: "ENOENT",
    step: [3, 4],
    exit_code: 127,
    message: "cannot",
  };
  const error = errorFromJson(JSON.stringify(json)) as SystemError;
  assertEquals([error.name, error.message, error.errno, error.code], ["SystemError", "cannot", 2, "ENOENT"]);
  assertEquals([error.step, error.exitCode], [{ number: 3, of: 4 }, 127]);
  const plain = errorFromJson(JSON.stringify({ ...json, step: null, exit_code: null })) as SystemError;
  assertEquals([plain.step, plain.exitCode], [undefined, 125]);
  assertEquals(errorFromJson('{"kind":"spec","path":"a","message":"b"}').message, "a: b");
});

Deno.test("readRecord() refuses a record of a kind that it does not know", () => {
  assertThrows(() => readRecord(new Uint8Array(56)), Error, "a record of unknown kind");
});

Deno.test("specFromConfig() gives who says the same again the same spec, and nobody else", () => {
  const config = { program: "/bin/echo", argv: ["echo", "a"], enablePidNamespace: true };
  const spec = specFromConfig(config);
  assertStrictEquals(specFromConfig(config), spec);
  assertStrictEquals(specFromConfig({ ...config, argv: [...config.argv] }), spec);
  config.argv[1] = "b";
  assertEquals(specFromConfig(config).process!.args, ["echo", "b"]);
  assertStrictEquals(specFromConfig({ ...config, argv: ["echo", "a"] }), spec);
  assertEquals(specFromConfig({ ...config, enablePidNamespace: false }).linux, undefined);
  assertEquals(specFromConfig({ ...config, cwd: "/" }).process!.cwd, "/");
  assertThrows(() => specFromConfig({ ...config, argv: "echo" as unknown as string[] }), SpecError, "argv");
  assertThrows(() => specFromConfig({ ...config, argv: new Array<string>(2) }), SpecError, "argv");
});

Deno.test("specFromConfig() gives a container that says the same again the same spec, and no other", () => {
  const mount = { type: "tmpfs", source: "tmpfs", destination: "/a" };
  const config = { program: "/bin/true", rootfs: "/r", capAdd: ["CAP_KILL"], volumes: ["/a:/b"] };
  const spec = specFromConfig(config);
  assertStrictEquals(specFromConfig({ ...config, volumes: ["/a:/b"] }), spec);
  config.volumes[0] = "/a:/c";
  assertEquals(specFromConfig(config).mounts?.at(-1)?.destination, "/c");
  assertStrictEquals(specFromConfig({ ...config, volumes: ["/a:/b"] }), spec);
  assertEquals(specFromConfig({ ...config, readOnly: true }).root, { path: "/r", readonly: true });
  const withMount = { ...config, mounts: [mount] };
  assertEquals(specFromConfig(withMount).mounts?.some(({ destination }) => destination === "/a"), true);
  mount.destination = "/d";
  assertEquals(specFromConfig(withMount).mounts?.some(({ destination }) => destination === "/a"), false);
});

Deno.test("specFromConfig() makes the same of other arguments as if they were the first", () => {
  const configs: NamespaceExecConfig[] = [
    { program: "/bin/echo", argv: ["echo"], enablePidNamespace: true },
    { program: "/bin/echo", argv: ["echo"], rootfs: "/r", hostname: "h", envp: ["A=1"], cwd: "/" },
  ];
  for (const config of configs) {
    specFromConfig(config);
    for (const argv of [["echo", "a"], ["b", "c", "d"], [""], undefined]) {
      const other = { ...config, argv };
      const spec = specFromConfig(other);
      assertEquals(spec, isolate(programOf(other), other));
      assertStrictEquals(specFromConfig(other), spec);
      const { program, enablePidNamespace } = other;
      const others: NamespaceExecConfig[] = [
        ...[{ ...other, cwd: "/a" }, { program, argv }, { argv, program }, { program, argv, hostname: "g" }],
        ...[{ program, enablePidNamespace }, { program, cwd: "/", argv }],
      ];
      for (const each of others) assertEquals(specFromConfig(each), isolate(programOf(each), each));
    }
    for (const argv of [[], ["a\0"], ["a", 7], "a", null]) {
      const error = assertThrows(() => specFromConfig({ ...config, argv } as NamespaceExecConfig), SpecError);
      assertEquals(error.path.replace(/\[\d\]/, ""), "argv");
    }
  }
});

Deno.test("specFromConfig() reads fields that are not listed each time", () => {
  let cwd = "/a";
  class Config {
    program = "/bin/true";
    get cwd() {
      return cwd;
    }
  }
  assertEquals(specFromConfig(new Config()).process!.cwd, "/a");
  cwd = "/b";
  assertEquals(specFromConfig(new Config()).process!.cwd, "/b");
  const hidden = (cwd: string) => Object.defineProperty({ program: "/bin/true" }, "cwd", { value: cwd });
  assertEquals(specFromConfig(hidden("/a")).process!.cwd, "/a");
  assertEquals(specFromConfig(hidden("/b")).process!.cwd, "/b");
  assertEquals(specFromConfig({ program: "/bin/true" }).process!.cwd, undefined);
  const envp = { A: "1" };
  assertEquals(specFromConfig({ program: "/bin/true", envp }).process!.env, ["A=1"]);
  envp.A = "2";
  assertEquals(specFromConfig({ program: "/bin/true", envp }).process!.env, ["A=2"]);
});
