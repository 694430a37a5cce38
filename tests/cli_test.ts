import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { pidNamespaces, requires, tempFolder } from "./support.ts";
import { cli } from "./support_cli.ts";

const test = requires();
const testInNamespace = requires(pidNamespaces);

testInNamespace("minicontainer --pid makes the program PID 1", async () => {
  assertEquals(await cli(["--pid", "/bin/sh", "-c", "echo $$ $PPID"]), { code: 0, stdout: "1 0\n", stderr: "" });
});

test("minicontainer hands the program's own options on untouched", async () => {
  const script = 'for a in "$@"; do echo "[$a]"; done';
  const own = ["--env", "y", "--", "-x", "", "--pid=1", "a b", "true"];
  const { stdout } = await cli(["--debug", "/bin/sh", "-c", script, "x", ...own]);
  assertEquals(stdout, own.map((argument) => `[${argument}]\n`).join(""));
});

test("minicontainer takes what follows -- for the program", async () => {
  assertEquals((await cli(["--cwd", "/", "--", "pwd"])).stdout, "/\n");
  assertEquals((await cli(["--", "--no-such-program"])).code, 127);
});

for (const status of [0, 1, 42, 255]) {
  test(`minicontainer ends with the program's exit status ${status}`, async () => {
    assertEquals((await cli(["/bin/sh", "-c", `exit ${status}`])).code, status);
  });
}

for (const [signal, code] of [["TERM", 143], ["KILL", 137], ["USR1", 138]] as const) {
  test(`minicontainer ends with ${code} when SIG${signal} ends the program`, async () => {
    assertEquals((await cli(["/bin/sh", "-c", `kill -${signal} $$`])).code, code);
  });
}

test("minicontainer ends with 127 when there is no such program", async () => {
  const { code, stdout, stderr } = await cli(["/nonexistent"]);
  assertEquals({ code, stdout }, { code: 127, stdout: "" });
  assertEquals(stderr, 'minicontainer: cannot execute "/nonexistent": no such file or directory\n');
  assertMatch((await cli(["no-such-name"])).stderr, /"no-such-name": no such file or directory; it is in no folder/);
});

test("minicontainer ends with 126 when the program cannot be executed", async () => {
  const { code, stderr } = await cli(["/etc/passwd"]);
  assertEquals({ code, stderr }, {
    code: 126,
    stderr: 'minicontainer: cannot execute "/etc/passwd": permission denied\n',
  });
});

test("minicontainer merges the environment, the last value winning", async () => {
  const env = { A: "inherited", B: "inherited" };
  const { stdout } = await cli(["-e", "A=1", "--env=A=2=3", "/usr/bin/env"], { env });
  const lines = stdout.split("\n");
  assert(lines.includes("A=2=3") && lines.includes("B=inherited"), stdout);
  assertEquals(lines.filter((line) => line.startsWith("A=")).length, 1);
});

test("minicontainer --clear-env hands on only what is set", async () => {
  assertEquals((await cli(["--clear-env", "--env", "ONLY=1", "/usr/bin/env"], { env: { B: "2" } })).stdout, "ONLY=1\n");
});

test("minicontainer --env-file sets a file's variables, and --env wins", async () => {
  using folder = tempFolder();
  const file = `${folder.path}/variables`;
  await Deno.writeTextFile(file, "# comment\nA=from file\nexport B='quoted'\n");
  const { stdout } = await cli(["--clear-env", "-e", "A=from option", "--env-file", file, "/usr/bin/env"]);
  assertEquals(stdout, "A=from option\nB=quoted\n");
  await Deno.writeTextFile(file, "A=1\nnonsense\n");
  const refused = await cli(["--env-file", file, "/usr/bin/env"]);
  assertEquals(refused.code, 125);
  assertEquals(refused.stderr, `minicontainer: --env-file: ${file}:2: must be NAME=value; it is "nonsense"\n`);
});

test("minicontainer has no limit on the number of variables", async () => {
  const variables = Array.from({ length: 1000 }, (_, index) => ["-e", `V${index}=${index}`]).flat();
  const { stdout } = await cli(["--clear-env", ...variables, "/usr/bin/env"]);
  assertEquals(stdout.trim().split("\n").length, 1000);
});

test("minicontainer --timeout kills the program and says so", async () => {
  const { code, stderr } = await cli(["--timeout", "150ms", "sleep", "60"]);
  assertEquals(code, 137);
  assertEquals(stderr, "minicontainer: the program was killed: its time was up (--timeout 150ms)\n");
  assertEquals(await cli(["--timeout", "1h", "/bin/sh", "-c", "exit 3"]), { code: 3, stdout: "", stderr: "" });
});

testInNamespace("minicontainer --debug tells what is done", async () => {
  const { stderr } = await cli(["--pid", "--debug", "/bin/sh", "-c", "exit 7"]);
  const lines = stderr.trim().split("\n");
  assertEquals(lines.length, 5);
  assertEquals(lines[0], '[parent] executing: "/bin/sh"');
  assertEquals(lines[1], "[parent] creating PID namespace");
  assertMatch(lines[2], /^\[parent\] child PID in parent namespace: \d+$/);
  assertEquals(lines[3], "[child] PID: 1, PPID: 0");
  assertEquals(lines[4], "[parent] the program exited with status 7");
});

test("minicontainer hands on no descriptor but 0, 1 and 2", async () => {
  const { stdout } = await cli(["/bin/ls", "/proc/self/fd"]);
  // The fourth is the folder that ls reads.
  assertEquals(stdout, "0\n1\n2\n3\n");
});

const refusals: [string, string[], RegExp][] = [
  ["an unknown option", ["--pdi", "true"], /unknown option --pdi; did you mean --pid\? \(see minicontainer --help\)/],
  ["an option like no other", ["--frobnicate", "true"], /unknown option --frobnicate \(see/],
  ["an unknown letter", ["-x", "true"], /unknown option -x /],
  ["an option without its value", ["--cwd"], /--cwd needs a value: --cwd DIR/],
  ["no program", ["--pid"], /no program given/],
  ["an empty program", [""], /program: must name a program; it is empty/],
  ["a time that is none", ["--timeout", "soon", "true"], /--timeout must be a time above 0, .* it is "soon"/],
  ["no time at all", ["--timeout", "0", "true"], /--timeout must be a time above 0/],
  ["a variable without a value", ["--env", "A", "true"], /--env: must be NAME=value; it is "A"/],
  ["a file that is not there", ["--env-file", "/no/file", "true"], /--env-file: "\/no\/file" cannot be read: no such/],
  ["a volume that is none", ["--rootfs", "/", "-v", "a:/b", "true"], /--volume: must be an absolute path, .* "\.\/a"/],
  [
    "a volume with other ids where none are mapped",
    ["--user", "--rootfs", "/", "-v", "/:/a:idmap", "true"],
    /--volume: idmap needs ids to map: --uid-map and --gid-map, or the mount's own$/m,
  ],
  [
    "ids of users without those of groups",
    ["--uid-map", "0:0", "true"],
    /--gid-map: must stand beside --uid-map$/m,
  ],
  ["a capability that is none", ["--cap-add", "FLY", "true"], /--cap-add: "FLY" is no capability/],
  ["a namespace that is no path", ["--net=x", "true"], /--net: must be an absolute path; it is "x"/],
  ["half an option", ["--net=", "true"], /--net= needs a value: --net=PATH, or --net alone/],
  ["what needs a root filesystem", ["--read-only", "true"], /--read-only: needs a rootfs/],
  ["a name that is too long", ["--hostname", "x".repeat(65), "true"], /--hostname: must have at most 64 bytes/],
  ["a number that is none", ["--umask", "9", "true"], /--umask must be such as 022; it is "9"/],
  ["a folder that is not there", ["--cwd", "/no/folder", "true"], /cannot change to directory "\/no\/folder": no such/],
  ["an empty folder", ["--cwd", "", "true"], /--cwd needs a folder; it is empty/],
  ["completions for an unknown shell", ["completions", "ksh"], /no completions for ksh: only bash, zsh, fish/],
];
for (const [what, args, message] of refusals) {
  test(`minicontainer refuses ${what} with 125 and one line`, async () => {
    const { code, stdout, stderr } = await cli(args);
    assertEquals({ code, stdout }, { code: 125, stdout: "" });
    assertMatch(stderr, message);
    assertEquals(stderr.trim().split("\n").length, 1);
  });
}

testInNamespace("minicontainer --pid tells the way out where it is not permitted", async () => {
  // All capabilities are dropped: what is left is what an ordinary user has.
  const { code, stderr } = await cli(["--pid", "true"], {
    prefix: ["setpriv", "--bounding-set=-all", "--inh-caps=-all"],
  });
  assertEquals(code, 125);
  assertStringIncludes(stderr, "minicontainer: cannot create PID namespace: operation not permitted; run as root");
  assertStringIncludes(stderr, "CAP_SYS_ADMIN");
});

test("minicontainer --help names every option, whichever command it stands behind, and --version the version", async () => {
  const { code, stdout, stderr } = await cli(["--help"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  for (const option of ["--pid", "-e, --env", "--env-file", "--clear-env", "--cwd", "--timeout", "--no-kill-on-exit"]) {
    assertStringIncludes(stdout, option);
  }
  for (const title of ["Isolation", "Root filesystem", "Users", "Privileges", "Program"]) {
    assertMatch(stdout, new RegExp(`^${title}:$`, "m"));
  }
  for (const command of ["explain", "check", "completions"]) {
    assertEquals(await cli([command, "--help"]), { code: 0, stdout, stderr: "" });
  }
  const { version } = JSON.parse(await Deno.readTextFile(new URL("../deno.json", import.meta.url)));
  const told = `minicontainer version ${version}\nspec: 1.2.0\n`;
  assertEquals(await cli(["--version"]), { code: 0, stdout: told, stderr: "" });
});

test("minicontainer explain shows the plan and does nothing", async () => {
  using folder = tempFolder();
  const { code, stdout } = await cli(["explain", "--pid", "/bin/touch", `${folder.path}/made`]);
  assertEquals(code, 0);
  assertMatch(stdout, /parent {2}clone\(CLONE_VM\|CLONE_VFORK\|CLONE_FILES\|CLONE_NEWPID\|SIGCHLD\)/);
  assertMatch(stdout, /child {2}execve\("\/bin\/touch", \["\/bin\/touch", /);
  assertEquals([...Deno.readDirSync(folder.path)], []);
  const steps = JSON.parse((await cli(["explain", "--json", "true"])).stdout);
  assertEquals(Object.keys(steps[0]), ["side", "syscall", "arguments", "why", "manPage"]);
});

test("minicontainer ends in the library when nothing is to be told of its program's end, and else tells it", async () => {
  const { stdout } = await cli(["explain", "true"]);
  assertMatch(stdout, /exit_group\(STATUS\)\n[^\n]*\n$/);
  assertEquals((await cli(["sh", "-c", "exit 7"])).code, 7);
  const { code, stderr } = await cli(["--timeout", "50ms", "sleep", "600"]);
  assertEquals([code, stderr], [137, "minicontainer: the program was killed: its time was up (--timeout 50ms)\n"]);
});

for (const shell of ["bash", "zsh", "fish"]) {
  test(`minicontainer completions ${shell} prints a script with every option`, async () => {
    const { code, stdout } = await cli(["completions", shell]);
    assertEquals(code, 0);
    const dashes = shell === "fish" ? "-l " : "--";
    for (const option of ["pid", "env-file", "timeout", "json"]) assertStringIncludes(stdout, dashes + option);
  });
}

test("the bash completions complete options, and then the program's arguments", async () => {
  const { stdout } = await cli(["completions", "bash"]);
  const script = `${stdout}
complete_for() { COMP_WORDS=(minicontainer "$@"); COMP_CWORD=$#; _minicontainer; echo "\${COMPREPLY[*]}"; }
complete_for --timeo; complete_for --pid --cw; complete_for completions f`;
  const { stdout: completed } = await new Deno.Command("bash", { args: ["-c", script] }).output();
  assertEquals(
    new TextDecoder().decode(completed),
    "--timeout\n--cwd\nbash zsh fish\n".replace("bash zsh fish", "fish"),
  );
});

test("the bash completions complete the commands for containers, their options and containers' names", async () => {
  const { stdout } = await cli(["completions", "bash"]);
  const script = `${stdout}
minicontainer() { echo "$*" >&2; printf '%s\\n' web worker; }
_command_offset() { COMPREPLY=("program at $1"); }
complete_for() { COMP_WORDS=(minicontainer "$@"); COMP_CWORD=$#; _minicontainer; echo "\${COMPREPLY[*]}"; }
complete_for pru; complete_for logs --ti; complete_for logs wo; complete_for --root /r rm -f w; complete_for cp /bi
complete_for cp ./x we; complete_for exec -e A=b web ''; complete_for run -d --resta; complete_for run --rootfs /proc/sys/kerne
complete_for --pid logs ''; complete_for prune ''; complete_for stop -t ''`;
  const { stdout: completed } = await new Deno.Command("bash", { args: ["-c", script] }).output();
  assertEquals(new TextDecoder().decode(completed).split("\n"), [
    ...[
      "prune",
      "--timestamps",
      "worker",
      "web worker",
      "/bin",
      "web:",
      "program at 5",
      "--restart",
      "/proc/sys/kernel",
    ],
    ...["program at 2", "", "", ""],
  ]);
});

test("minicontainer works without a prompt, without stdin, and with its output closed", async () => {
  assertEquals(
    (await cli(["/bin/sh", "-c", "echo to nobody; exit 5"], { prefix: ["sh", "-c", '"$@" >&-', "sh"] })).code,
    5,
  );
  assertEquals((await cli(["/bin/cat"], { prefix: ["sh", "-c", '"$@" </dev/null', "sh"] })).code, 0);
});

test("minicontainer leaves ignored what nohup ignores, and nothing else", async () => {
  const show = ["/bin/grep", "SigIgn", "/proc/self/status"];
  assertEquals((await cli(show)).stdout, "SigIgn:\t0000000000000000\n");
  const nohup = await cli(show, { prefix: ["sh", "-c", 'trap "" HUP PIPE; exec "$@"', "sh"] });
  assertEquals(nohup.stdout, "SigIgn:\t0000000000000001\n");
});

test("minicontainer runs where SIGCHLD is ignored", async () => {
  const prefix = ["sh", "-c", 'trap "" CHLD; exec "$@"', "sh"];
  assertEquals((await cli(["/bin/sh", "-c", "exit 6"], { prefix })).code, 6);
});
