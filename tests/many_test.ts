/**
 * Many programs: at once, one after the other, from several threads, beside those of others.
 *
 * @module
 */

import { assertEquals, assertLess } from "@std/assert";
import { namespaceExec, namespaceSpawn } from "../mod.ts";
import { leavesNothing, namedPipe, requires, runDeno, shell, tempFolder } from "./support.ts";
import { containers, rootfs, says } from "./support_rootfs.ts";

const test = requires();
const containerTest = requires(containers);

test("namespaceSpawn() tells every end when a thousand programs run at once", async () => {
  const count = 1000;
  using folder = tempFolder();
  const pipe = namedPipe(`${folder.path}/go`);
  // Open at both ends, so that neither end is waited for.
  using go = Deno.openSync(pipe, { read: true, write: true });
  await leavesNothing(async () => {
    const programs = Array.from(
      { length: count },
      (_, index) => namespaceSpawn({ ...shell('read line <"$1"; exit $2', pipe, String(index % 256)), stdin: "null" }),
    );
    // All of them wait for a line each, and this process can go on with its own work.
    assertEquals(await Deno.readTextFile(new URL(import.meta.url)), Deno.readTextFileSync(new URL(import.meta.url)));
    assertEquals(new Set(programs.map(({ pid }) => pid)).size, count);
    go.writeSync(new TextEncoder().encode("\n".repeat(count)));
    const ends = await Promise.all(programs.map(({ status }) => status));
    assertEquals(ends.map(({ pid }) => pid), programs.map(({ pid }) => pid));
    assertEquals(ends.map(({ exitCode }) => exitCode), ends.map((_, index) => index % 256));
  });
});

test("namespaceSpawn() carries every program's output when two hundred have pipes at once", async () => {
  await leavesNothing(async () => {
    const outputs = await Promise.all(Array.from({ length: 200 }, async (_, index) => {
      const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
      const program = namespaceSpawn({ ...shell('cat; echo "$1" >&2', String(index)), ...pipes });
      const writer = program.stdin.getWriter();
      const writing = writer.write(new Uint8Array(100_000).fill(index)).then(() => writer.close());
      const { stdout, stderr } = await program.output();
      await writing;
      return [stdout.length, stdout.every((byte) => byte === index), new TextDecoder().decode(stderr)];
    }));
    assertEquals(outputs, outputs.map((_, index) => [100_000, true, `${index}\n`]));
  });
});

test("namespaceExec() and Deno.Command each tell their own ends when both start programs at once", async () => {
  const codes = Array.from({ length: 100 }, (_, index) => index);
  await leavesNothing(async () => {
    const ends = await Promise.all(codes.flatMap((code) => [
      namespaceExec(shell(`exit ${code}`)).then(({ exitCode }) => exitCode),
      new Deno.Command("/bin/sh", { args: ["-c", `exit ${code}`] }).output().then((output) => output.code),
    ]));
    assertEquals(ends, codes.flatMap((code) => [code, code]));
  });
});

containerTest(
  "namespaceExec() gives each of a hundred containers what it was asked for when they are started at once",
  async () => {
    using root = rootfs();
    const inContainer = (argument: string, hostname: string) =>
      says({ rootfs: root.path, hostname, argv: ["sh", "-c", 'echo "$1 $(hostname)"', "sh", argument] }, "");
    await leavesNothing(async () => {
      const said = await Promise.all(
        Array.from({ length: 100 }, (_, index) => inContainer(`${index}`, `box-${index % 3}`)),
      );
      assertEquals(said, said.map((_, index) => `${index} box-${index % 3}`));
    });
  },
);

/** What a Worker runs, as a Deno's text names it. */
const worker = (code: string) => `new Worker(URL.createObjectURL(new Blob([\`${code}\`])), { type: "module" })`;

test("every form starts its program when other threads allocate and free memory all the time", async () => {
  const { stdout, stderr } = await runDeno(`
    import { namespaceExec, namespaceExecSync, namespaceSpawn } from MOD;
    const allocate = () => ${
    worker(`
      const turn = () => {
        for (let index = 0; index < 1000; index++) new Uint8Array(Math.random() * 10_000).fill(1);
        setTimeout(turn);
      };
      turn();
      postMessage("busy");
    `)
  };
    const workers = [allocate(), allocate()];
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.onmessage = resolve)));
    const config = { program: "/bin/sh", argv: ["sh", "-c", "exit 7"] };
    const codes = [];
    for (let index = 0; index < 200; index++) {
      codes.push(namespaceExecSync(config).exitCode);
      codes.push((await namespaceExec({ ...config, killOnExit: true })).exitCode);
      codes.push((await namespaceSpawn({ ...config, stdout: "piped" }).output()).exitCode);
    }
    console.log(codes.filter((code) => code === 7).length);
    Deno.exit();
  `);
  assertEquals([stdout, stderr], ["600", ""]);
});

// setenv(3) moves what a start copies.
for (const flags of [["-A"], ["--allow-ffi", "--allow-run", "--allow-env=MINICONTAINER_*"]]) {
  test(`namespaceExecSync() starts its program when a Worker sets variables all the time, with ${flags.join(" ")}`, async () => {
    const { exitCode, stdout } = await runDeno(
      `
      import { namespaceExecSync } from MOD;
      const worker = ${
        worker(`
        let count = 0;
        const turn = () => {
          for (let index = 0; index < 1000; index++, count++) {
            Deno.env.set("MINICONTAINER_" + count % 5000, "x".repeat(count % 300));
            if (count % 7 === 0) Deno.env.delete("MINICONTAINER_" + count * 31 % 5000);
          }
          setTimeout(turn);
        };
        turn();
        postMessage("busy");
      `)
      };
      await new Promise((resolve) => worker.onmessage = resolve);
      let right = 0;
      for (let index = 0; index < 100; index++) right += Number(namespaceExecSync({ program: "true" }).exitCode === 0);
      console.log(right);
      Deno.exit();
    `,
      { flags },
    );
    assertEquals([exitCode, stdout], [0, "100"]);
  });
}

test("namespaceExec() tells each thread its own programs' ends when several Workers start some at once", async () => {
  const { stdout, stderr } = await runDeno(`
    import { namespaceExec } from MOD;
    const run = async (first) => Promise.all(Array.from({ length: 40 }, async (_, index) => {
      const argv = ["sh", "-c", "cat; exit " + (first + index)];
      const { exitCode, stdout } = await namespaceExec({ program: "/bin/sh", argv, stdin: "null", stdout: "piped" });
      return exitCode === first + index && stdout.length === 0;
    }));
    const inWorker = (first) => new Promise((resolve, reject) => {
      const worker = ${
    worker(`
        import { namespaceExec } from MOD;
        onmessage = async ({ data }) => postMessage(await (\${run})(data));
      `)
  };
      worker.onerror = reject;
      worker.onmessage = ({ data }) => resolve(data);
      worker.postMessage(first);
    });
    const all = await Promise.all([run(0), inWorker(40), inWorker(80), inWorker(120), inWorker(160)]);
    console.log(all.flat().length, all.flat().every(Boolean));
    Deno.exit();
  `);
  assertEquals([stdout, stderr], ["200 true", ""]);
});

/** What keeps V8 from growing by itself: no code compiled anew once it is hot, little garbage between collections. */
const V8_FLAGS = "--v8-flags=--expose-gc,--no-opt,--no-maglev,--no-sparkplug,--max-semi-space-size=1";

for (const [name, warmUp, count] of [["namespaceExec", 1000, 9000], ["namespaceExecSync", 1000, 1000]] as const) {
  test(`${name}() leaves nothing behind when ${warmUp + count} programs run one after the other`, async () => {
    const code = `
      import { namespaceExec, namespaceExecSync } from MOD;
      const text = (path) => Deno.readTextFileSync("/proc/self/" + path);
      const names = (path) => [...Deno.readDirSync("/proc/self/" + path)].map(({ name }) => name);
      const state = () => ({
        // The rest is files' pages, Deno's own program among them.
        memory: Number(/RssAnon:\\s+(\\d+) kB/.exec(text("status"))[1]) * 1024,
        descriptors: names("fd").length,
        children: names("task").map((id) => text("task/" + id + "/children")).join(""),
      });
      let wrong = 0;
      const run = async (count) => {
        for (let index = 0; index < count; index++) {
          if (index % 500 === 0) gc();
          if ((await ${name}({ program: "/bin/true" })).exitCode !== 0) wrong++;
        }
        gc();
        return state();
      };
      console.log(JSON.stringify([await run(${warmUp}), await run(${count}), wrong]));
    `;
    const { stdout, stderr } = await runDeno(code, { flags: ["-A", V8_FLAGS] });
    assertEquals(stderr, "");
    const [before, after, wrong] = JSON.parse(stdout);
    assertLess(after.memory - before.memory, 2 * 1024 * 1024);
    assertEquals([after.descriptors, after.children, wrong], [before.descriptors, "", 0]);
  });
}

// One SIGCHLD stood for a thousand ends, of which one look told 128: the others came with the heartbeat, one look a second.
test("namespaceSpawn() tells of every end when a thousand come at once and no heartbeat helps", async () => {
  const { exitCode, stdout, stderr } = await runDeno(`
    globalThis.setInterval = () => setTimeout(() => {}, 1e9);
    const { namespaceSpawn } = await import(MOD);
    const programs = Array.from({ length: 1000 }, () => namespaceSpawn({ program: "/bin/true" }));
    const results = await Promise.race([
      Promise.all(programs.map(({ status }) => status)),
      new Promise((resolve) => setTimeout(() => resolve([]), 30_000)),
    ]);
    console.log(results.filter(({ exitCode }) => exitCode === 0).length);
    Deno.exit();
  `);
  assertEquals([exitCode, stdout], [0, "1000"], stderr);
});
