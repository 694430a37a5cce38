import { assert, assertEquals } from "@std/assert";
import { pidNamespaces, requires, tool, until } from "./support.ts";
import { COMMAND, isAlive, Lines } from "./support_cli.ts";

const testInNamespace = requires(pidNamespaces, tool("bash"));

/** The command, running a script that says `ready` once its traps are set. */
function start(options: string[], script: string) {
  const [command, ...args] = [...COMMAND, ...options, "/bin/bash", "-c", script];
  const child = new Deno.Command(command, { args, stdin: "null", stdout: "piped", stderr: "inherit" }).spawn();
  return { child, lines: new Lines(child.stdout) };
}

const RELAYED = ["INT", "TERM", "HUP", "QUIT", "USR1", "USR2", "WINCH"] as const;

for (const options of [[], ["--pid"]]) {
  const how = options.length === 0 ? "a plain program" : "PID 1";
  const test = options.length === 0 ? requires(tool("bash")) : testInNamespace;

  for (const signal of RELAYED) {
    test(`minicontainer passes SIG${signal} on to ${how}`, async () => {
      const script = `trap 'echo got ${signal}; exit 9' ${signal}; echo ready; while :; do sleep 0.05; done`;
      const { child, lines } = start(options, script);
      assertEquals(await lines.next(), "ready");
      child.kill(`SIG${signal}`);
      assertEquals(await lines.next(), `got ${signal}`);
      assertEquals((await child.status).code, 9);
      await lines.close();
    });
  }

  test(`minicontainer ends with 143 when SIGTERM ends ${how} without a handler`, async () => {
    const { child, lines } = start(options, "echo ready; exec sleep 1000");
    assertEquals(await lines.next(), "ready");
    child.kill("SIGTERM");
    const { code, signal } = await child.status;
    assertEquals({ code, signal }, { code: 143, signal: null });
    await lines.close();
  });

  test(`minicontainer leaves a signal that ${how} ignores to it`, async () => {
    const { child, lines } = start(
      options,
      `trap '' TERM; trap 'exit 4' USR1; echo ready; while :; do sleep 0.05; done`,
    );
    assertEquals(await lines.next(), "ready");
    child.kill("SIGTERM");
    child.kill("SIGUSR1");
    assertEquals((await child.status).code, 4);
    await lines.close();
  });
}

testInNamespace("minicontainer takes PID 1 and its children along when it is killed", async () => {
  const { child, lines } = start(["--pid"], "sleep 1000 & echo ready; exec sleep 1001");
  assertEquals(await lines.next(), "ready");
  const programs = await descendants(child.pid);
  assertEquals(programs.length, 2);
  child.kill("SIGKILL");
  await child.status;
  await until("the programs are gone", () => programs.every((pid) => !isAlive(pid)));
  await lines.close();
});

testInNamespace("minicontainer --no-kill-on-exit leaves PID 1 running", async () => {
  const { child, lines } = start(["--pid", "--no-kill-on-exit"], "echo ready; exec sleep 1000");
  assertEquals(await lines.next(), "ready");
  const [program] = await descendants(child.pid);
  child.kill("SIGKILL");
  await child.status;
  // Longer than the kernel takes for the others: it would have come by now.
  await new Promise((resolve) => setTimeout(resolve, 200));
  assert(isAlive(program));
  Deno.kill(program, "SIGKILL");
  await until("the program is gone", () => !isAlive(program));
  await lines.close();
});

/** The processes below one, by their numbers here. */
async function descendants(pid: number): Promise<number[]> {
  const found: number[] = [];
  for await (const task of Deno.readDir(`/proc/${pid}/task`)) {
    const children = await Deno.readTextFile(`/proc/${pid}/task/${task.name}/children`);
    for (const child of children.trim().split(" ").filter((word) => word !== "").map(Number)) {
      found.push(child, ...await descendants(child));
    }
  }
  return found;
}
