import { assertEquals } from "@std/assert";
import { Container } from "../../mod.ts";
import { requires, until } from "../support.ts";
import { cli, isAlive, OCI_COMMAND, OCI_MOMENTS } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { cgroupsOf, processesIn, Root } from "./doors.ts";

const test = requires(containers);

/** Waits for nothing but time to pass: the moment of the kill is the test's subject. */
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Some moment of a command, from where it begins to do something to its end. */
const anyMoment = () => OCI_MOMENTS.from + Math.random() * (OCI_MOMENTS.to - OCI_MOMENTS.from);

/** Starts a command and kills it after a while. */
async function killedAfter(ms: number, root: string, ...call: string[]) {
  const [program, ...args] = [...OCI_COMMAND, "--root", root, ...call];
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "null", stderr: "null" }).spawn();
  await after(ms);
  try {
    child.kill("SIGKILL");
  } catch {
    // It has ended.
  }
  await child.status;
}

test("a create that is killed at any moment leaves nothing that the next command does not undo", async () => {
  await using root = new Root();
  const bundle = root.bundle();
  const word = `killed${Deno.pid}`;
  for (let moment = 0; moment < 24; moment++) {
    const id = `${word}-${moment}`;
    await killedAfter(anyMoment(), root.containers, "create", "-b", bundle, id);
    const { code, stdout } = await cli(["--root", root.containers, "state", id]);
    if (code === 0) assertEquals(JSON.parse(stdout).status, "created");
    assertEquals((await cli(["--root", root.containers, "delete", "--force", id])).code, 0);
    assertEquals({ moment, processes: processesIn(id), cgroups: cgroupsOf(id) }, {
      moment,
      processes: [],
      cgroups: [],
    });
  }
  // What was being made or removed has a name that no container has, and goes with the next look at all of them.
  assertEquals(await Container.list({ root: root.containers }), []);
  assertEquals(root.left(), []);
});

for (const [verb, options, before] of [["start", [], "created"], ["delete", ["--force"], "running"]] as const) {
  test(`a ${verb} that is killed at any moment leaves a state that is true, and what the next command ends`, async () => {
    await using root = new Root();
    const bundle = root.bundle();
    const seen = new Set<string>();
    for (let moment = 0; moment < 24; moment++) {
      const id = `${verb}${Deno.pid}-${moment}`;
      const container = await Container.create({ id, bundle, root: root.containers });
      if (before === "running") await container.start();
      await killedAfter(anyMoment(), root.containers, verb, ...options, id);
      const { code, stdout } = await cli(["--root", root.containers, "state", id]);
      const { status, pid } = code === 0 ? JSON.parse(stdout) : { status: "gone", pid: 0 };
      seen.add(status);
      assertEquals(isAlive(pid), status === "created" || status === "running", status);
      if (status === "running") assertEquals(Deno.readTextFileSync(`/proc/${pid}/comm`), "sleep\n");
      assertEquals((await cli(["--root", root.containers, "delete", "--force", id])).code, 0);
      assertEquals({ status, processes: processesIn(id), cgroups: cgroupsOf(id) }, {
        status,
        processes: [],
        cgroups: [],
      });
    }
    assertEquals(await Container.list({ root: root.containers }), []);
    assertEquals(root.left(), []);
    // Some were killed before they did anything.
    assertEquals(seen.has(before), true);
  });
}

/** The words that a process was executed with. */
function wordsOf(pid: number): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

/** The processes with some word among their arguments: ours, until they become another program. */
function processesOf(word: string): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => {
    try {
      return isAlive(pid) && wordsOf(pid).includes(word);
    } catch {
      return false;
    }
  });
}

for (const [form, options] of [["in the foreground", []], ["detached", ["-d"]], ["with a terminal", ["-t"]]] as const) {
  test(`an exec ${form} that is killed at any moment leaves its program or nothing`, async () => {
    await using root = new Root();
    const id = `exec${Deno.pid}-${options.length}${options[0] ?? ""}`;
    const container = await Container.create({ id, bundle: root.bundle(), root: root.containers });
    await container.start();
    const { pid } = await container.state();
    const left = new Set<boolean>();
    for (let moment = 0; moment < 24; moment++) {
      await killedAfter(anyMoment(), root.containers, "exec", ...options, id, "sleep", "777");
      // A child that shared its memory is gone as well, or the program.
      await until("nothing of ours is left", () => processesOf(id).length === 0);
      assertEquals((await container.state()).status, "running");
      const others = (await container.ps()).filter((other) => other !== pid);
      // One that is becoming another program has none of its words for a moment.
      const hasWords = (other: number) => !isAlive(other) || wordsOf(other).length > 0;
      await until("they are programs", () => others.every(hasWords));
      for (const other of others.filter(isAlive)) {
        assertEquals(wordsOf(other), ["sleep", "777"]);
        Deno.kill(other, "SIGKILL");
      }
      await until("its programs have ended", () => !others.some(isAlive));
      left.add(others.length > 0);
    }
    // The container goes on, and can be entered.
    assertEquals((await cli(["--root", root.containers, "exec", id, "true"])).code, 0);
    await container.delete({ force: true });
    assertEquals(await Container.list({ root: root.containers }), []);
    assertEquals([processesIn(id), cgroupsOf(id), root.left()], [[], [], []]);
    // Some were killed before their program was started, unless this host is very quick.
    assertEquals(left.has(false), true);
  });
}
