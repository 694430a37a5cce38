/**
 * `explain`: what would be done, told without doing any of it.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertMatch, assertThrows } from "@std/assert";
import { explain, namespaceExec, type NamespaceExecConfig, SpecError } from "../mod.ts";
import { exists, leavesNothing, pidNamespaces, requires, runDeno, shell, tempFolder, tool } from "./support.ts";

const test = requires();

/** The steps as strace would show them, with a `+` before what the child does. */
function calls(config: NamespaceExecConfig): string[] {
  const steps = explain({ envp: ["A=1"], ...config });
  // Where Deno has found the limit on descriptors as it is, there is nothing to give back.
  return steps.filter(({ syscall }) => syscall !== "prlimit64").map((step) =>
    `${step.side === "child" ? "+" : ""}${step.syscall}(${step.arguments.join(", ")})`
  );
}

const CLONE = [
  "mmap(NULL, STACK_SIZE, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK)",
  "rt_sigprocmask(SIG_SETMASK, ~[])",
];
const SIGNALS = ["+rt_sigaction(1..64, SIG_DFL)", "+rt_sigprocmask(SIG_SETMASK, [])"];
const HANDLE = "pidfd_open(PID, 0)";
const WAIT = "waitid(P_PIDFD, PIDFD, WEXITED, RUSAGE)";

test("explain() gives the steps in order when nothing is isolated", () => {
  assertEquals(calls({ program: "/bin/true" }), [
    ...CLONE,
    "clone(CLONE_VM|CLONE_VFORK|CLONE_FILES|SIGCHLD)",
    "+close_range(3, ~0, CLOSE_RANGE_UNSHARE)",
    ...SIGNALS,
    '+execve("/bin/true", ["/bin/true"], [1 variables])',
    HANDLE,
    WAIT,
  ]);
});

test("explain() gives the namespace and what ends it when enablePidNamespace is set", () => {
  assertEquals(calls({ ...shell("exit"), enablePidNamespace: true }), [
    "pidfd_open(getpid(), 0)",
    ...CLONE,
    "clone(CLONE_VM|CLONE_VFORK|CLONE_FILES|CLONE_NEWPID|SIGCHLD)",
    "+prctl(PR_SET_PDEATHSIG, SIGKILL)",
    "+close_range(3, ~0, CLOSE_RANGE_UNSHARE)",
    ...SIGNALS,
    '+execve("/bin/sh", ["sh", "-c", "exit", "sh"], [1 variables])',
    HANDLE,
    WAIT,
  ]);
});

test("explain() gives every step when every field is set", () => {
  const config: NamespaceExecConfig = {
    program: "true",
    envp: { PATH: "/a:/b", B: "2" },
    cwd: "/tmp",
    stdin: "null",
    stdout: "piped",
    stderr: 1,
    timeoutMs: 1500,
    killOnExit: true,
    enableDebug: true,
    enablePidNamespace: true,
  };
  assertEquals(calls(config), [
    'openat(AT_FDCWD, "/dev/null", O_RDWR|O_CLOEXEC)',
    "pipe2(O_CLOEXEC)",
    "fcntl(1, F_DUPFD_CLOEXEC, 3)",
    "pidfd_open(getpid(), 0)",
    ...CLONE,
    "clone(CLONE_VM|CLONE_VFORK|CLONE_NEWPID|SIGCHLD)",
    "+getpid()",
    "+dup3(/dev/null, 0, 0)",
    "+dup3(PIPE, 1, 0)",
    "+dup3(COPY_OF_1, 2, 0)",
    '+chdir("/tmp")',
    "+prctl(PR_SET_PDEATHSIG, SIGKILL)",
    "+close_range(3, ~0, 0)",
    ...SIGNALS,
    '+execve("/a/true" or "/b/true", ["true"], [2 variables])',
    HANDLE,
    "timerfd_settime(TIMER, 0, 1.5s)",
    WAIT,
  ]);
});

test("explain() leaves killing out when killOnExit is false", () => {
  const syscalls = calls({ program: "true", enablePidNamespace: true, killOnExit: false });
  assertEquals(syscalls.filter((call) => /prctl|getpid/.test(call)), []);
});

test("explain() tells for each step why, and where that is documented", () => {
  for (
    const { side, why, manPage } of explain({ program: "true", cwd: "/", stdin: "null", enablePidNamespace: true })
  ) {
    assert(side === "parent" || side === "child");
    assertGreater(why.length, 10);
    assertMatch(manPage, /^\w+\(\d\w*\)(, \w+\(\d\w*\))*$/);
  }
});

test("explain() does nothing when the program would do something", async () => {
  using folder = tempFolder();
  const config = shell('touch "$1"', `${folder.path}/trace`);
  await leavesNothing(() => explain({ ...config, stdout: "piped", stdin: "null", killOnExit: true }));
  assert(!exists(`${folder.path}/trace`));
  await namespaceExec(config);
  assert(exists(`${folder.path}/trace`));
});

test("explain() tells of a program that is not there as of any other", () => {
  assertEquals(calls({ program: "/no/such" }).at(-3), '+execve("/no/such", ["/no/such"], [1 variables])');
});

test("explain() gives all steps when there are too many words for a small answer", () => {
  const argv = ["true", "x".repeat(100_000), "y".repeat(100_000)];
  assert(calls({ program: "true", argv }).some((call) => call.includes(argv[2])));
});

test("explain() throws SpecError when the configuration cannot be run", () => {
  assertEquals(assertThrows(() => explain({ program: "" }), SpecError).path, "program");
  assertEquals(assertThrows(() => explain({ program: "true", argv: [] }), SpecError).path, "argv");
  assertEquals(assertThrows(() => explain({ program: "true", envp: ["A"] }), SpecError).path, "envp[0]");
});

// The bounding set is empty, so not even user 0 has a capability after exec.
const UNPRIVILEGED = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];

requires(pidNamespaces, tool("setpriv"))("explain() gives the same steps when no privilege is there", async () => {
  const code = `
    import { explain } from MOD;
    console.log(JSON.stringify(explain({ program: "/bin/true", envp: [], enablePidNamespace: true })));
  `;
  const [privileged, unprivileged] = await Promise.all([runDeno(code), runDeno(code, { through: UNPRIVILEGED })]);
  assertEquals(JSON.parse(unprivileged.stdout), JSON.parse(privileged.stdout));
});

test("explain() gives the steps when no program may be run", async () => {
  const code = `
    import { explain, namespaceExec } from MOD;
    console.log(explain({ program: "/bin/true" }).length > 0);
    await namespaceExec({ program: "/bin/true" }).catch(({ name }) => console.log(name));
  `;
  const { stdout } = await runDeno(code, { flags: ["--no-prompt", "--allow-ffi"] });
  assertEquals(stdout, "true\nNotCapable");
});
