/**
 * Input that cannot be run: each is refused with words that say what and where, and nothing is left of it.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { type NamespaceExecConfig, namespaceSpawn, SpecError, SystemError } from "../mod.ts";
import { execForms, leavesNothing, requires, shell, tempFolder } from "./support.ts";

const test = requires();

/** What JavaScript lets callers pass. */
type Unchecked = { [Field in keyof NamespaceExecConfig]?: unknown };

/** What is wrong; the fields, laid over a configuration that runs; the field that is named; words of the message. */
type Malformed = [what: string, fields: Unchecked, path: string, says: string];

const RUNS: NamespaceExecConfig = { program: "/bin/true", stdin: "null", stdout: "null", stderr: "null" };

const malformed: Malformed[] = [
  ["program is empty", { program: "" }, "program", "it is empty"],
  ["program is missing", { program: undefined }, "program", "it is missing"],
  ["program is a number", { program: 5 }, "program", "it is a number"],
  ["program is null", { program: null }, "program", "it is null"],
  ["program is an array", { program: ["/bin/true"] }, "program", "it is an array"],
  ["program has a NUL", { program: "/bin/true\0x" }, "program", "NUL character; there is one at 9"],
  ["argv is empty", { argv: [] }, "argv", "at least one entry"],
  ["argv is a string", { argv: "true" }, "argv", "it is a string"],
  ["argv has a number", { argv: ["true", 1] }, "argv[1]", "it is a number"],
  ["argv has a hole", { argv: ["true", , "x"] }, "argv[1]", "it is missing"],
  ["argv has a NUL", { argv: ["true", "a", "b\0"] }, "argv[2]", "NUL character; there is one at 1"],
  ["argv has half a character", { argv: ["true", "\ud800"] }, "argv[1]", ""],
  ["envp is a number", { envp: 5 }, "envp", "it is a number"],
  ["envp is null", { envp: null }, "envp", "it is null"],
  ["envp has an entry without =", { envp: ["A=1", "B"] }, "envp[1]", 'NAME=value; it is "B"'],
  ["envp has an entry without a name", { envp: ["=1"] }, "envp[0]", 'NAME=value; it is "=1"'],
  ["envp has a NUL", { envp: ["A=1", "B=\0"] }, "envp[1]", "NUL character; there is one at 2"],
  ["envp has a number", { envp: ["A=1", 2] }, "envp[1]", "it is a number"],
  ["envp has a number for a value", { envp: { A: 1 } }, "envp.A", "it is a number"],
  ["envp has a NUL in a value", { envp: { A: "\0" } }, "envp.A", "NUL character"],
  ["envp has an empty name", { envp: { "": "1" } }, "envp", '"" is no variable\'s name'],
  ["envp has a name with =", { envp: { "A=B": "1" } }, "envp", '"A=B" is no variable\'s name'],
  ["cwd is empty", { cwd: "" }, "cwd", "it is empty"],
  ["cwd is a number", { cwd: 1 }, "cwd", "it is a number"],
  ["cwd has a NUL", { cwd: "/\0" }, "cwd", "NUL character; there is one at 1"],
  ["stdin is an unknown word", { stdin: "pipe" }, "stdin", '"piped" or a descriptor\'s number; it is "pipe"'],
  ["stdout is an object", { stdout: {} }, "stdout", "it is an object"],
  ["stderr is negative", { stderr: -1 }, "stderr", "it is -1"],
  ["stderr is a fraction", { stderr: 1.5 }, "stderr", "it is 1.5"],
  ["stdin is not open", { stdin: 987_654 }, "stdin", "987654 is not open"],
  ["stdout is not open", { stdout: 987_654 }, "stdout", "987654 is not open"],
  ["stdin is piped and nobody writes to it", { stdin: "piped" }, "stdin", "use namespaceSpawn"],
  ...[0, -1, NaN, Infinity, "5", null].map((timeoutMs): Malformed => [
    `timeoutMs is ${JSON.stringify(timeoutMs) ?? timeoutMs}`,
    { timeoutMs },
    "timeoutMs",
    `above 0, at most 100 years; it is ${timeoutMs}`,
  ]),
  ["enablePidNamespace is a number", { enablePidNamespace: 1 }, "enablePidNamespace", "true or false; it is a number"],
  ["enableDebug is a string", { enableDebug: "yes" }, "enableDebug", "true or false; it is a string"],
  ["killOnExit is null", { killOnExit: null }, "killOnExit", "true or false; it is null"],
  ["signal is no AbortSignal", { signal: {} }, "signal", ""],
];

/** What is wrong; the fields; the kernel's word; the exit code; words of the message. `FOLDER` is the test's own. */
type Refused = [what: string, fields: Unchecked, code: string, exitCode: number, says: string];

const refused: Refused[] = [
  ["the program is not there", { program: "/no/such" }, "ENOENT", 127, 'execute "/no/such": no such file or directory'],
  [
    "the program is in no folder of PATH",
    { program: "no-such-program", envp: ["PATH=/bin:/usr/bin"] },
    "ENOENT",
    127,
    '"no-such-program"',
  ],
  ["the program is a folder", { program: "/tmp" }, "EACCES", 126, 'execute "/tmp": permission denied; it is a folder'],
  ["the program is below a file", { program: "/dev/null/x" }, "ENOTDIR", 126, "not a directory"],
  ["the program may not be executed", { program: "FOLDER/text" }, "EACCES", 126, "permission denied"],
  ["the program's interpreter is not there", { program: "FOLDER/script" }, "ENOENT", 126, "the interpreter or loader"],
  ["the program is a link to itself", { program: "FOLDER/loop" }, "ELOOP", 126, "symbolic links"],
  ["the program is no program", { program: "FOLDER/empty" }, "ENOEXEC", 126, "exec format error"],
  ["cwd is not there", { cwd: "/no/such" }, "ENOENT", 125, 'change to directory "/no/such": no such file or directory'],
  ["cwd is a file", { cwd: "/dev/null" }, "ENOTDIR", 125, 'change to directory "/dev/null": not a directory'],
  ["there are 3 MB of arguments", { argv: Array(60).fill("x".repeat(50_000)) }, "E2BIG", 126, "argument list too long"],
  ["one argument has 200 KB", { argv: ["true", "x".repeat(200_000)] }, "E2BIG", 126, "argument list too long"],
  ["one variable has 200 KB", { envp: { A: "x".repeat(200_000) } }, "E2BIG", 126, "argument list too long"],
];

/** What is nearly wrong, and runs. */
const accepted: [what: string, fields: Unchecked][] = [
  ["there is nothing but a program", {}],
  ["argv has an empty entry", { argv: ["", ""] }],
  ["argv has one argument of 100 KB", { argv: ["true", "x".repeat(100_000)] }],
  ["argv has 1 MB", { argv: Array(20).fill("x".repeat(50_000)) }],
  ["envp has an empty value", { envp: ["A="] }],
  ["cwd is the root", { cwd: "/" }],
  ["a stream is given by its number", { stdin: 0, stdout: 1, stderr: 2 }],
  ["timeoutMs is 100 years", { timeoutMs: 100 * 365 * 86_400_000 }],
  ["every field is undefined", { argv: undefined, envp: undefined, cwd: undefined, timeoutMs: undefined }],
];

/** A folder with what cannot be executed, and what can. */
function folderOfPrograms() {
  const folder = tempFolder();
  Deno.writeTextFileSync(`${folder.path}/text`, "#!/bin/sh\n", { mode: 0o644 });
  Deno.writeTextFileSync(`${folder.path}/script`, "#!/no/such/interpreter\n", { mode: 0o755 });
  Deno.writeTextFileSync(`${folder.path}/empty`, "", { mode: 0o755 });
  Deno.writeTextFileSync(`${folder.path}/runs`, "#!/bin/sh\n", { mode: 0o755 });
  Deno.symlinkSync("loop", `${folder.path}/loop`);
  return folder;
}

function configOf(fields: Unchecked, folder = ""): NamespaceExecConfig {
  const config: Unchecked = { ...RUNS, ...fields };
  if (typeof config.program === "string") config.program = config.program.replace("FOLDER", folder);
  return config as NamespaceExecConfig;
}

for (const [name, exec] of execForms) {
  for (const [what, fields, path, says] of malformed) {
    test(`${name}() throws SpecError when ${what}`, () =>
      leavesNothing(async () => {
        const error = await assertRejects(() => exec(configOf(fields)), SpecError, says);
        assertEquals([error.path, error.exitCode], [path, 125]);
        assertStringIncludes(error.message, path);
      }));
  }

  for (const [what, fields, code, exitCode, says] of refused) {
    test(`${name}() throws SystemError when ${what}`, async () => {
      using folder = folderOfPrograms();
      await leavesNothing(async () => {
        const error = await assertRejects(() => exec(configOf(fields, folder.path)), SystemError, says);
        assertEquals([error.code, error.exitCode], [code, exitCode]);
        assertStringIncludes(error.message, error.operation);
      });
      assertEquals((await exec({ ...RUNS, program: `${folder.path}/runs` })).exitCode, 0);
    });
  }

  for (const [what, fields] of accepted) {
    test(`${name}() runs the program when ${what}`, async () => {
      assertEquals((await exec(configOf(fields))).exitCode, 0);
    });
  }

  for (const config of [undefined, null, "/bin/true", 5]) {
    test(`${name}() throws SpecError when it is given ${config} for a configuration`, async () => {
      await assertRejects(() => exec(config as unknown as NamespaceExecConfig), SpecError, "must be an object");
    });
  }
}

test("namespaceExecSync() throws SpecError when it is given a signal, which nobody could abort meanwhile", async () => {
  const [exec, execSync] = execForms.map(([, exec]) => exec);
  const { signal } = new AbortController();
  const error = await assertRejects(() => execSync({ ...RUNS, signal }), SpecError, "use timeoutMs, or namespaceExec");
  assertEquals(error.path, "signal");
  assertEquals((await exec({ ...RUNS, signal })).exitCode, 0);
});

test("namespaceSpawn() throws and leaves nothing when the program cannot be started", () =>
  leavesNothing(async () => {
    const config = { ...RUNS, stdout: "piped", stderr: "piped", timeoutMs: 60_000, killOnExit: true } as const;
    assertThrows(() => namespaceSpawn({ ...config, program: "" }), SpecError, "program");
    assertThrows(() => namespaceSpawn({ ...config, stdin: 987_654 }), SpecError, "not open");
    assertThrows(() => namespaceSpawn({ ...config, program: "/no/such" }), SystemError, '"/no/such"');
    assertThrows(() => namespaceSpawn({ ...config, cwd: "/no/such" }), SystemError, '"/no/such"');
    assertEquals((await namespaceSpawn({ ...config, ...shell("exit 3") }).output()).exitCode, 3);
  }));
