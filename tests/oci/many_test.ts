/** Many containers at once, and what one of them takes. */

import { assert, assertEquals } from "@std/assert";
import { Container } from "../../mod.ts";
import { requires } from "../support.ts";
import { containers } from "../support_rootfs.ts";
import { cgroupsOf, processesIn, Root } from "./doors.ts";

const test = requires(containers);

/** The lines of a file of the kernel's. */
const lines = (path: string) => Deno.readTextFileSync(path).trimEnd().split("\n").sort();

test("500 containers are created, started, entered and deleted, 20 at a time, and nothing is left", async () => {
  await using root = new Root();
  const bundle = root.bundle();
  const mounts = lines("/proc/self/mountinfo");
  const word = `many${Deno.pid}`;
  // Each fifth by the command.
  const [library, command] = [root.doors()[0], root.doors().at(-1)!];
  const pids = new Set<number>();
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < 500; index = next++) {
      const door = index % 5 === 0 ? command : library;
      const id = `${word}-${index}`;
      await door.create(id, bundle);
      await door.start(id);
      pids.add((await door.state(id)).pid);
      assertEquals(await door.exec(id, "sh", "-c", `exit ${index % 100}`), index % 100, id);
      await door.delete(id, true);
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  assertEquals([pids.size, processesIn(word), root.left(), cgroupsOf(word)], [500, [], [], []]);
  assertEquals(lines("/proc/self/mountinfo"), mounts);
});

test("a container that waits to be started takes less than a megabyte", async () => {
  await using root = new Root();
  const container = await Container.create({ id: "a", bundle: root.bundle(), root: root.containers });
  const { pid } = await container.state();
  const [, kilobytes] = /^Pss:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`)) ?? [];
  assert(Number(kilobytes) < 1024, `${kilobytes} kB`);
});
