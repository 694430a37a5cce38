import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { pidNamespaces, requires, tempFolder, tool, until } from "./support.ts";
import { COMMAND, processState, Terminal } from "./support_cli.ts";

const test = requires(tool("script"), tool("bash"));
const testInNamespace = requires(tool("script"), tool("bash"), pidNamespaces);

const MINICONTAINER = COMMAND.join(" ");
const CTRL_C = "\x03";
const CTRL_Z = "\x1a";

/** The program's number on the host, from a line of `--debug`. */
async function programOf(terminal: Terminal): Promise<number> {
  const [, pid] = await terminal.waitFor(/child PID in parent namespace: (\d+)/);
  await terminal.waitFor(/\[child\] PID: 1/);
  return Number(pid);
}

testInNamespace("ctrl-C in a terminal ends a PID 1 that has no handler", async () => {
  await using terminal = new Terminal(`${MINICONTAINER} --pid --debug sleep 1000`);
  const program = await programOf(terminal);
  terminal.type(CTRL_C);
  assertEquals(await terminal.code(), 130);
  assertEquals(processState(program), undefined);
});

for (const option of ["", "--pid"]) {
  const testOnce = requires(tool("script"), tool("perl"), option === "" ? undefined : pidNamespaces);
  testOnce(`ctrl-C reaches a program that catches it exactly once ${option}`, async () => {
    // perl runs its handler at once, so that two signals cannot become one, as they do for a shell's trap.
    const script = '$| = 1; $SIG{INT} = sub { $n++ }; print "ready\\n"; select(undef, undef, undef, 9) until $n; ' +
      'select(undef, undef, undef, 0.2) for 1..3; print "in all $n\\n"; exit 5';
    await using terminal = new Terminal(`${MINICONTAINER} ${option} perl -e '${script}'`);
    await terminal.waitFor(/ready/);
    terminal.type(CTRL_C);
    await terminal.waitFor(/in all 1\b/);
    assertEquals(await terminal.code(), 5);
  });
}

testInNamespace("ctrl-C ends a shell's loop as it does without minicontainer", async () => {
  const loop = `for i in 1 2 3; do ${MINICONTAINER} --pid --debug --timeout 3s sleep 1000; done; echo the loop went on`;
  await using terminal = new Terminal(`bash -c '${loop}'`);
  await programOf(terminal);
  terminal.type(CTRL_C);
  await terminal.code();
  assert(!terminal.output.includes("the loop went on"), terminal.output);
});

testInNamespace("a job is stopped by ctrl-Z and continued by fg", async () => {
  await using terminal = new Terminal("bash --norc --noprofile -i");
  terminal.type(`${MINICONTAINER} --pid --debug sleep 1000\n`);
  const program = await programOf(terminal);
  await until("the program sleeps", () => processState(program) === "S");
  terminal.type(CTRL_Z);
  await terminal.waitFor(/Stopped/);
  assertEquals(processState(program), "T");
  terminal.type("fg\n");
  await until("the program sleeps", () => processState(program) === "S");
  terminal.type(CTRL_C);
  terminal.type("echo status=$?\n");
  await terminal.waitFor(/status=130/);
  terminal.type("exit\n");
  await terminal.code();
});

test("a job whose program stops itself is stopped too", async () => {
  await using terminal = new Terminal("bash --norc --noprofile -i");
  terminal.type(`${MINICONTAINER} /bin/sh -c 'kill -STOP $$; echo went on; exit 3'\n`);
  await terminal.waitFor(/Stopped/);
  terminal.type("fg\n");
  await terminal.waitFor(/\nwent on/);
  terminal.type("echo status=$?\n");
  await terminal.waitFor(/status=3/);
  terminal.type("exit\n");
  await terminal.code();
});

test("the terminal is afterwards as it was before", async () => {
  using temp = tempFolder();
  const folder = temp.path;
  const show = (name: string) => `stty -a > ${folder}/${name}`;
  const program = `/bin/sh -c "stty raw -echo; ${show("inside")}; kill -KILL \\$\\$"`;
  await using terminal = new Terminal(`sh -c '${show("before")}; ${MINICONTAINER} ${program}; ${show("after")}'`);
  await terminal.code();
  const [before, inside, after] = ["before", "inside", "after"].map((name) =>
    Deno.readTextFileSync(`${folder}/${name}`)
  );
  assertMatch(before, / echo /);
  assertNotEquals(inside, before);
  assertEquals(after, before);
});

testInNamespace("an interactive shell as PID 1 controls its jobs, and gives the terminal back", async () => {
  await using terminal = new Terminal("bash --norc --noprofile -i");
  terminal.type(`PS1='outside> '; ${MINICONTAINER} --pid /bin/bash --norc --noprofile -i\n`);
  terminal.type("PS1='inside> '; echo pid=$$\n");
  await terminal.waitFor(/pid=1\b/);
  // The job says itself that it has begun: what is typed is shown before.
  terminal.type("sh -c 'echo be''gun; exec sleep 1000'\n");
  await terminal.waitFor(/begun/);
  terminal.type(CTRL_C);
  terminal.type("echo sleep=$?\n");
  await terminal.waitFor(/sleep=130/);
  terminal.type("exit 4\n");
  terminal.type("echo shell=$?\n");
  await terminal.waitFor(/shell=4/);
  terminal.type("exit\n");
  await terminal.code();
});
