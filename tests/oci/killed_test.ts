import { assertEquals } from "@std/assert";
import { Container } from "../../mod.ts";
import { requires } from "../support.ts";
import { cli, COMMAND } from "../support_cli.ts";
import { containers } from "../support_rootfs.ts";
import { Root } from "./doors.ts";

const test = requires(containers);

/** The numbers of the processes that are in a cgroup with some word in its path, without those that have ended. */
function processesIn(word: string): string[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => name).filter((name) => /^\d+$/.test(name)).filter((pid) => {
    try {
      const isZombie = / Z /.test(Deno.readTextFileSync(`/proc/${pid}/stat`).replace(/.*\)/s, ""));
      return !isZombie && Deno.readTextFileSync(`/proc/${pid}/cgroup`).includes(word);
    } catch {
      return false;
    }
  });
}

/** The cgroups with some word in their names. */
function cgroups(word: string): string[] {
  const below = (path: string) => [...Deno.readDirSync(path)].filter(({ isDirectory }) => isDirectory);
  const top = below("/sys/fs/cgroup").map(({ name }) => name);
  return [...top, ...top.flatMap((name) => below(`/sys/fs/cgroup/${name}`).map((each) => `${name}/${each.name}`))]
    .filter((name) => name.includes(word));
}

/** Waits for nothing but time to pass: the moment of the kill is the test's subject. */
const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test("a create that is killed at any moment leaves nothing that the next command does not undo", async () => {
  await using root = new Root();
  const bundle = root.bundle();
  const word = `killed${Deno.pid}`;
  const [program, ...args] = COMMAND;
  for (let moment = 0; moment < 24; moment++) {
    const id = `${word}-${moment}`;
    const call = [...args, "--root", root.containers, "create", "-b", bundle, id];
    const create = new Deno.Command(program, { args: call, stdin: "null", stdout: "null", stderr: "null" }).spawn();
    // From Deno's own start to the container's waiting.
    await after(20 + moment * 3);
    try {
      create.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await create.status;
    const { code, stdout } = await cli(["--root", root.containers, "state", id]);
    if (code === 0) assertEquals(JSON.parse(stdout).status, "created");
    assertEquals((await cli(["--root", root.containers, "delete", "--force", id])).code, 0);
    assertEquals({ moment, processes: processesIn(id), cgroups: cgroups(id) }, { moment, processes: [], cgroups: [] });
  }
  assertEquals(root.left(), []);
  assertEquals(await Container.list({ root: root.containers }), []);
});
