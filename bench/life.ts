/**
 * The life of a container: made, started and removed by three commands, and by the library; a further program in one.
 * Run as a script, this module is the process that does so.
 */

import { Container } from "../mod.ts";
import { makeBundle, makeStateFolder, makeWaitingBundle } from "./bundle.ts";
import { install } from "./installed.ts";
import { add, interleave, rowsOf, type Samples, shuffled, usable } from "./measure.ts";
import { type Figure, type Part, TIMES } from "./report.ts";
import { serveTimed, timed } from "./timed.ts";

const EMPTY_SCRIPT = "deno run of an empty script";
const OURS = "minicontainer";
const LIBRARY = "Container, in the library";
const BASELINES = ["crun", "runc", EMPTY_SCRIPT];

/** Steps of a life, by what they are called in the tables. */
const STEPS = ["create", "start", "delete"];

/** Installs the command into `folder`, and measures it and the library beside crun and runc. */
export async function life(rounds: number, folder: string): Promise<Part> {
  const { names, samples: times, skipped } = await timed(import.meta.url, rounds, folder);
  const columns = [...TIMES, ...BASELINES.map((name) => ({ name: `of ${name}'s`, digits: 2 }))];
  const rowsFor = (step: string) => {
    const of = (name: string) => name === EMPTY_SCRIPT ? name : `${name}: ${step}`;
    const rows = rowsOf(
      names.map(of).filter((name) => times.has(name)),
      times,
      BASELINES.map((name) => ({ name: of(name), column: name })),
    );
    return { title: `A container's life, ${step}: start to end in µs, ${rounds} rounds`, columns, rows, skipped };
  };
  const tables = [...STEPS, "all three", "exec"].map(rowsFor);
  const ratio = (step: string, name: string, baseline: number) =>
    tables.flatMap(({ rows }) => rows).find((row) => row.name === `${name}: ${step}`)
      ?.values[TIMES.length + baseline] ??
      NaN;
  const figure = (step: string, name: string, baseline: number, limit: number): Figure => ({
    what: `${name}, ${step}: p50 of ${BASELINES[baseline]}'s`,
    value: ratio(step, name, baseline),
    bound: "at most",
    limit,
    digits: 3,
  });
  return {
    tables,
    figures: [
      ...STEPS.map((step) => figure(step, OURS, 2, 1.5)),
      figure("all three", OURS, 1, 1.3),
      figure("all three", LIBRARY, 0, 0.35),
      figure("exec", OURS, 1, 1),
      figure("exec", LIBRARY, 0, 0.4),
    ],
  };
}

/** A way to make, start, enter and remove containers. */
interface Way {
  name: string;
  create(id: string): Promise<unknown>;
  start(id: string): Promise<unknown>;
  exec(id: string): Promise<unknown>;
  remove(id: string): Promise<unknown>;
}

/** @param state where all of them keep their containers: as usual, in memory */
async function ways(folder: string, state: string): Promise<Way[]> {
  const bundle = await makeWaitingBundle(folder);
  const command = (name: string, program: string, ...options: string[]): Way => {
    const run = async (...args: string[]) => {
      const all = ["--root", `${state}/${name}`, ...options, ...args];
      // The container keeps the streams that it is made with.
      const { code } = await new Deno.Command(program, { args: all, stdin: "null", stdout: "null", stderr: "null" })
        .spawn().status;
      if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with exit code ${code}`);
    };
    return {
      name,
      create: (id) => run("create", "--bundle", bundle, id),
      start: (id) => run("start", id),
      exec: (id) => run("exec", id, "/bin/true"),
      remove: (id) => run("delete", "--force", id),
    };
  };
  const root = `${state}/library`;
  const made = new Map<string, Container>();
  return [
    command(OURS, await install(folder), "--cgroup-manager=disabled"),
    {
      name: LIBRARY,
      create: async (id) => made.set(id, await Container.create({ bundle, id, root, cgroupManager: "disabled" })),
      start: (id) => made.get(id)!.start(),
      exec: async (id) => {
        const program = await made.get(id)!.exec({ program: "/bin/true" });
        if ((await program.status).exitCode !== 0) throw new Error("it ended with another exit code than 0");
      },
      remove: (id) => made.get(id)!.delete({ force: true }),
    },
    command("crun", "crun", "--cgroup-manager=disabled"),
    command("runc", "runc"),
  ];
}

/** One life, each step of it timed; the fourth entry is a program that is executed in the container. */
async function lived(way: Way, samples: Samples) {
  const id = `minicontainer-bench-${crypto.randomUUID()}`;
  const timed = async (step: string, run: () => Promise<unknown>) => {
    const start = performance.now();
    await run();
    const took = (performance.now() - start) * 1000;
    add(samples, `${way.name}: ${step}`, took);
    return took;
  };
  let all = await timed("create", () => way.create(id));
  all += await timed("start", () => way.start(id));
  await timed("exec", () => way.exec(id));
  all += await timed("delete", () => way.remove(id));
  add(samples, `${way.name}: all three`, all);
}

if (import.meta.main) {
  const [folder] = Deno.args;
  await serveTimed(async (rounds) => {
    await makeBundle(folder);
    const empty = `${folder}/empty.ts`;
    await Deno.writeTextFile(empty, "export {};\n");
    const script = {
      name: EMPTY_SCRIPT,
      run: () => new Deno.Command(Deno.execPath(), { args: ["run", empty], stdout: "null", stderr: "null" }).output(),
    };
    await using state = await makeStateFolder();
    const lives = (await ways(folder, state.path)).map((way) => ({ ...way, run: () => lived(way, new Map()) }));
    const { ready, skipped } = await usable(lives);
    const samples: Samples = new Map();
    for (let round = 0; round < rounds; round++) {
      for (const way of shuffled(ready)) await lived(way, samples);
      await interleave([script], 1, samples);
    }
    return { names: [EMPTY_SCRIPT, ...ready.map(({ name }) => name)], samples, skipped };
  });
}
