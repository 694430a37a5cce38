import { assert, assertEquals, assertMatch } from "@std/assert";
import { exists, type Lack, pidNamespaces, requires, tempFolder, tool, until, worksHere } from "./support.ts";
import { COMMAND, isAlive, processState, Terminal } from "./support_cli.ts";
import { containers, rootfs } from "./support_rootfs.ts";

const testContainer = requires(tool("script"), tool("bash"), containers);

const MINICONTAINER = COMMAND.join(" ");
const CTRL_C = "\x03";
const CTRL_Z = "\x1a";

/** A shell in a terminal, which starts containers. */
class Session extends Terminal {
  readonly #root = rootfs();

  constructor() {
    super("bash --norc --noprofile -i");
    this.type("PS1='$ '; stty -echo; tty\n");
  }

  /** Has the shell run a program in a container, with options before it and more behind it. */
  run(program: string, { options = "", before = "", after = "" } = {}) {
    const command = `${MINICONTAINER} --rootfs ${this.#root.path} --debug ${options} ${program}`;
    this.type(`${before} ${command} ${after}\n`);
  }

  /** The numbers of the program and of the command on the host, once the program runs. */
  async numbers(): Promise<{ program: number; command: number }> {
    const [, program] = await this.waitFor(/child PID in parent namespace: (\d+)/);
    const [, command] = /\) \w (\d+)/.exec(Deno.readTextFileSync(`/proc/${program}/stat`))!;
    await this.waitFor(/\[child\] PID: 1/);
    return { program: Number(program), command: Number(command) };
  }

  /** What `stty -a` says of our terminal, once the shell has it again. */
  async attributes(): Promise<string> {
    this.type("stty -a; echo that was $?\n");
    const [, text] = await this.waitFor(/(speed[^]*)that was 0/);
    return text;
  }

  override async [Symbol.asyncDispose]() {
    await super[Symbol.asyncDispose]();
    this.#root[Symbol.dispose]();
  }
}

/** Has the shell tell how the last command ended; what is echoed does not look like it. */
const TELL_CODE = "; echo co''de=$?";

testContainer("a container in a terminal gets one of its own, of the same size", async () => {
  await using session = new Session();
  const [, own] = await session.waitFor(/(\/dev\/pts\/\d+)/);
  const setSize = (rows: number, columns: number) =>
    new Deno.Command("stty", { args: ["-F", own, "rows", `${rows}`, "cols", `${columns}`] }).output();
  await setSize(33, 101);
  const script = 'tty; test -c /dev/console && echo console; stty size; trap "stty size; exit 6" WINCH; echo ready; ' +
    "while :; do sleep 0.05; done";
  session.run(`sh -c '${script}'`, { after: TELL_CODE });
  await session.waitFor(/\/dev\/pts\/0\s+console\s+33 101\s+ready/);
  await setSize(50, 132);
  await session.waitFor(/50 132/);
  await session.waitFor(/code=6/);
});

testContainer("ctrl-C in a container's terminal ends a PID 1 that has no handler, and a shell's loop", async () => {
  await using session = new Session();
  session.run("sleep 1000", { before: "for i in 1 2 3; do", after: "; done; echo the loop we''nt on" });
  const { program } = await session.numbers();
  session.type(CTRL_C);
  await until("the program has ended", () => !isAlive(program));
  session.type(`${TELL_CODE.slice(2)}\n`);
  await session.waitFor(/code=130/);
  assert(!session.output.includes("the loop went on"), session.output);
});

testContainer("ctrl-C in a container's terminal reaches who is in its foreground, and nobody else", async () => {
  await using session = new Session();
  session.run("sh -i", { after: TELL_CODE });
  await session.waitFor(/# /);
  session.type(`sh -c "echo a''sleep; exec sleep 1000"\n`);
  await session.waitFor(/asleep/);
  session.type(CTRL_C);
  session.type("echo still here as $$; exit 3\n");
  await session.waitFor(/still here as 1\b/);
  await session.waitFor(/code=3/);
});

const ENDS = [
  ["ends", "program", "SIGUSR1", 5],
  ["is killed", "program", "SIGKILL", 137],
  ["gets SIGTERM through the command", "command", "SIGTERM", 143],
] as const;

for (const [how, whom, signal, code] of ENDS) {
  testContainer(`our terminal is afterwards as it was before when a container's program ${how}`, async () => {
    await using session = new Session();
    const before = await session.attributes();
    session.run(`sh -c 'trap "exit 5" USR1; echo ready; while :; do sleep 0.05; done'`, { after: TELL_CODE });
    const numbers = await session.numbers();
    await session.waitFor(/ready/);
    Deno.kill(numbers[whom], signal);
    await session.waitFor(new RegExp(`code=${code}\\b`));
    assertEquals(await session.attributes(), before);
  });
}

testContainer("our terminal is as it was before when a container cannot be started", async () => {
  await using session = new Session();
  const before = await session.attributes();
  session.run("true", { options: "--cwd /nowhere", after: TELL_CODE });
  await session.waitFor(/code=125/);
  assertEquals(await session.attributes(), before);
});

testContainer("a container whose command is stopped gives our terminal back until it goes on", async () => {
  await using session = new Session();
  const before = await session.attributes();
  session.run(`sh -c 'echo ready; read line; echo "got $line"; exit 8'`);
  const { program, command } = await session.numbers();
  await session.waitFor(/ready/);
  Deno.kill(command, "SIGTSTP");
  await session.waitFor(/Stopped/);
  assertEquals(processState(program), "T");
  assertEquals(await session.attributes(), before);
  session.type("fg\n");
  await until("the program goes on", () => processState(program) === "S");
  session.type("something\n");
  await session.waitFor(/got something/);
  session.type(`${TELL_CODE.slice(2)}\n`);
  await session.waitFor(/code=8/);
});

testContainer("a container in the background leaves the keys to the shell until it is in front", async () => {
  await using session = new Session();
  session.run(`sh -c 'echo ready; read line; echo "got $line"; exit 8'`, { after: "&" });
  await session.waitFor(/ready/);
  session.type("echo the shell re''ads\n");
  await session.waitFor(/the shell reads/);
  session.type("fg\n");
  await session.waitFor(/(cli\.ts|minicontainer) /);
  session.type("something\n");
  await session.waitFor(/got something/);
  session.type(`${TELL_CODE.slice(2)}\n`);
  await session.waitFor(/code=8/);
});

testContainer("a pipe behind a container in a terminal gets what the program writes, as it is", async () => {
  await using session = new Session();
  session.run(`sh -c 'tty; tty 0<&1; echo of stderr >&2'`, { after: "| tr '\\r\\n' 'R/'; echo" });
  await session.waitFor(/of stderr\r?\n/);
  await session.waitFor(/\/dev\/pts\/0\/not a tty\//);
});

testContainer("ctrl-C and ctrl-Z reach a container without a terminal, whose output is ours", async () => {
  await using session = new Session();
  session.run("sleep 1000", { after: "</dev/null" });
  const { program } = await session.numbers();
  session.type(CTRL_Z);
  await session.waitFor(/Stopped/);
  assertEquals(processState(program), "T");
  session.type("fg\n");
  await until("the program goes on", () => processState(program) === "S");
  session.type(CTRL_C);
  session.type(`${TELL_CODE.slice(2)}\n`);
  await session.waitFor(/code=130/);
});

/** Types a line on the terminal that its descriptor N is, as if somebody had pressed the keys: ioctl(TIOCSTI). */
const TYPE_LINE = `
  open(my $terminal, "+<&=", shift) or die "no descriptor: $!";
  for (split //, "a line of the intruder's\n") { ioctl($terminal, 0x5412, $_) or (print("refused: $!\n"), exit 3) }
  print "typed\n";
`;

const READ_LINE = 'read -t 1 line; echo "the shell got [$line]"';

/** What is shown where `program` of {@linkcode TYPE_LINE} runs in a terminal, and a shell reads from that afterwards. */
async function typingWith(program: (script: string) => string): Promise<string> {
  using temp = tempFolder();
  Deno.chmodSync(temp.path, 0o755);
  Deno.writeTextFileSync(`${temp.path}/type.pl`, TYPE_LINE);
  Deno.writeTextFileSync(`${temp.path}/session.sh`, `${program(`${temp.path}/type.pl`)}\n${READ_LINE}\n`);
  await using terminal = new Terminal(`bash ${temp.path}/session.sh`);
  await terminal.code();
  return terminal.output;
}

const testTyping = requires(tool("script"), tool("bash"), tool("perl"), containers);
const OF_HOST = ["/usr", "/lib", "/lib64"].filter(exists).map((folder) => `-v ${folder}:${folder}:ro`).join(" ");

for (const [how, options] of [["by default", ""], ["with all privileges", "--cap-add ALL --seccomp unconfined"]]) {
  testTyping(`CVE-2017-5226: a container ${how} can type on its own terminal and not on ours`, async () => {
    using root = rootfs();
    const shown = await typingWith((script) =>
      `${MINICONTAINER} --rootfs ${root.path} ${OF_HOST} -v ${script}:${script} ${options} perl ${script} 0`
    );
    assertMatch(shown, /\btyped\r\n[^]*the shell got \[\]/);
  });
}

testTyping("CVE-2017-5226: a container whose output alone is our terminal cannot type on it", async () => {
  using root = rootfs();
  const shown = await typingWith((script) =>
    `${MINICONTAINER} --rootfs ${root.path} ${OF_HOST} -v ${script}:${script} perl ${script} 1 </dev/null`
  );
  assertMatch(shown, /refused: [^]*the shell got \[\]/);
});

/** What isolates without a root filesystem: what it needs, its options. */
const ISOLATES: [Lack, string][] = [
  [pidNamespaces, "--run-as 1:1"],
  [pidNamespaces, "--all"],
  [pidNamespaces, "--net"],
  [pidNamespaces, "--cap-drop ALL"],
  [worksHere("userNamespace"), "--user"],
  [worksHere("landlock"), "--landlock-ro /"],
  [undefined, "--no-new-privs --seccomp default"],
];

for (const [lack, options] of ISOLATES) {
  requires(tool("script"), tool("bash"), tool("perl"), lack)(
    `CVE-2017-5226: a program with ${options} can type on its own terminal and not on ours`,
    async () => {
      const shown = await typingWith((script) => `${MINICONTAINER} ${options} perl ${script} 0`);
      assertMatch(shown, /\btyped\r\n[^]*the shell got \[\]/);
    },
  );
}

requires(tool("script"), tool("bash"), tool("perl"), worksHere("userNamespace"))(
  "CVE-2017-5226: a program with --user whose output alone is our terminal cannot type on it",
  async () => {
    const shown = await typingWith((script) => `${MINICONTAINER} --user perl ${script} 1 </dev/null`);
    assertMatch(shown, /refused: [^]*the shell got \[\]/);
  },
);

testTyping("CVE-2017-5226: a program that is not isolated can type on our terminal", async () => {
  const shown = await typingWith((script) => `${MINICONTAINER} perl ${script} 0`);
  assertMatch(shown, /\btyped\r\n[^]*the shell got \[a line of the intruder's\]/);
});
