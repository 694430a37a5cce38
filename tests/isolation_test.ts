/**
 * What of this process reaches a program, and what does not: descriptors, signals, limits, the folder.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { namespaceSpawn, SystemError } from "../mod.ts";
import {
  execForms,
  namedPipe,
  pidNamespaces,
  requires,
  runDeno,
  shell,
  soon,
  startDeno,
  statusFields,
  tempFolder,
  textOf,
} from "./support.ts";

const test = requires();
const testInNamespace = requires(pidNamespaces);

/** The number that a file of this process is open at. */
function descriptorOf(path: string): number {
  const numbers = [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
  // The one that the folder was read by is closed by now.
  const found = numbers.find((number) => {
    try {
      return Deno.readLinkSync(`/proc/self/fd/${number}`) === path;
    } catch {
      return false;
    }
  });
  assert(found !== undefined, `${path} is not open`);
  return found;
}

for (const [name, exec] of execForms) {
  /** The descriptors that a program finds, but for the one by which it looks. */
  const descriptors = async (enablePidNamespace: boolean): Promise<string[]> => {
    const config = { program: "ls", argv: ["ls", "-l", "/proc/self/fd"], enablePidNamespace } as const;
    const { stdout } = await exec({ ...config, stdout: "piped" });
    const links = textOf(stdout).split("\n").flatMap((line) => /(\d+) -> (.+)/.exec(line)?.slice(1, 3).join(" ") ?? []);
    return links.filter((link) => !/ \/proc\/\d+\/fd$/.test(link)).map((link) => link.split(" ")[0]);
  };

  test(`${name}() gives the program three descriptors when this process holds files and pipes`, async () => {
    using folder = tempFolder();
    using _file = Deno.openSync(`${folder.path}/file`, { write: true, create: true });
    using _socket = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
    await using _program = namespaceSpawn({ program: "cat", ...pipes, timeoutMs: 60_000, killOnExit: true });
    assertEquals(await descriptors(false), ["0", "1", "2"]);
  });

  test(`${name}() keeps this process's descriptors when the program has its streams, and starts or fails to`, async () => {
    using folder = tempFolder();
    using file = Deno.openSync(`${folder.path}/file`, { write: true, create: true });
    const open = () => [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name)).sort((a, b) => a - b);
    await exec({ program: "true" });
    const before = open();
    await exec(shell(`ls /proc/self/fd >${folder.path}/seen`));
    await assertRejects(async () => await exec({ program: "/nonexistent" }), SystemError);
    await assertRejects(async () => await exec({ program: "true", cwd: `${folder.path}/missing` }), SystemError);
    assertEquals(open(), before);
    file.writeSync(new TextEncoder().encode("text"));
    assertEquals(Deno.readTextFileSync(`${folder.path}/file`), "text");
    // The fourth is the folder's that is listed.
    assertEquals(Deno.readTextFileSync(`${folder.path}/seen`), "0\n1\n2\n3\n");
  });

  testInNamespace(`${name}() gives the program three descriptors when it is PID 1`, async () => {
    assertEquals(await descriptors(true), ["0", "1", "2"]);
  });

  test(`${name}() gives the program default signal handling when this process ignores and listens`, async () => {
    // Deno itself ignores SIGPIPE.
    const own = statusFields(Deno.readTextFileSync("/proc/self/status"));
    assert((BigInt(`0x${own.get("SigIgn")}`) & (1n << 12n)) !== 0n);
    const listener = () => {};
    Deno.addSignalListener("SIGUSR1", listener);
    const { stdout } = await exec({ program: "cat", argv: ["cat", "/proc/self/status"], stdout: "piped" });
    Deno.removeSignalListener("SIGUSR1", listener);
    const fields = statusFields(textOf(stdout));
    const masks = ["SigBlk", "SigIgn", "SigCgt", "SigPnd", "ShdPnd"].map((field) => fields.get(field));
    assertEquals(masks, Array(masks.length).fill("0".repeat(16)));
  });

  test(`${name}() lets SIGPIPE end the program when nobody reads what it writes`, async () => {
    // Where it is ignored, yes complains of a broken pipe.
    const { stderr } = await exec({ ...shell("yes | head -n 1"), stdout: "null", stderr: "piped" });
    assertEquals(textOf(stderr), "");
  });

  test(`${name}() starts the program in cwd when that is given, else in this process's folder`, async () => {
    using folder = tempFolder();
    const where = async (cwd?: string) =>
      textOf((await exec({ program: "pwd", argv: ["pwd", "-P"], cwd, stdout: "piped" })).stdout);
    assertEquals(await where(folder.path), Deno.realPathSync(folder.path));
    assertEquals(await where(), Deno.realPathSync(Deno.cwd()));
  });

  test(`${name}() looks for a relative program in cwd when that is given`, async () => {
    using folder = tempFolder();
    Deno.writeTextFileSync(`${folder.path}/greet`, "#!/bin/sh\necho found\n", { mode: 0o755 });
    const { stdout } = await exec({ program: "./greet", cwd: folder.path, stdout: "piped" });
    assertEquals(textOf(stdout), "found");
    await assertRejects(() => exec({ program: "./greet" }), SystemError, '"./greet"');
  });

  test(`${name}() reads and writes an open file when a stream is its descriptor`, async () => {
    using folder = tempFolder();
    const [input, output] = [`${folder.path}/in`, `${folder.path}/out`];
    Deno.writeTextFileSync(input, "some text");
    {
      using _in = Deno.openSync(input);
      using _out = Deno.openSync(output, { write: true, create: true });
      const { exitCode } = await exec({ program: "cat", stdin: descriptorOf(input), stdout: descriptorOf(output) });
      assertEquals(exitCode, 0);
    }
    assertEquals(Deno.readTextFileSync(output), "some text");
  });

  test(`${name}() gives the program /dev/null when a stream is "null"`, async () => {
    const script = "readlink /proc/$$/fd/0 /proc/$$/fd/2; cat";
    const { stdout } = await exec({ ...shell(script), stdin: "null", stdout: "piped", stderr: "null" });
    assertEquals(textOf(stdout), "/dev/null\n/dev/null");
  });

  test(`${name}() swaps stdout and stderr when each is given as the other`, async () => {
    const run = (streams: string) =>
      runDeno(`
        import { namespaceExec, namespaceExecSync } from MOD;
        await ${name}({ program: "/bin/sh", argv: ["sh", "-c", "echo out; echo err >&2"], ${streams} });
      `);
    const swapped = await run("stdout: 2, stderr: 1");
    assertEquals([swapped.stdout, swapped.stderr], ["err", "out"]);
    const inherited = await run("");
    assertEquals([inherited.stdout, inherited.stderr], ["out", "err"]);
  });

  test(`${name}() gives the program both streams in one when stderr is stdout's descriptor`, async () => {
    const { stdout, stderr } = await runDeno(`
      import { namespaceExec, namespaceExecSync } from MOD;
      await ${name}({ program: "/bin/sh", argv: ["sh", "-c", "echo out; echo err >&2"], stderr: 1 });
    `);
    assertEquals([stdout, stderr], ["out\nerr", ""]);
  });

  /** The limits on descriptors that a program has, where Deno was started in this way. */
  const limits = async (...through: string[]): Promise<string> => {
    const code = `
      import { namespaceExec, namespaceExecSync } from MOD;
      await ${name}({ program: "/bin/sh", argv: ["sh", "-c", "ulimit -Sn; ulimit -Hn"] });
    `;
    return (await runDeno(code, { through })).stdout.replace("\n", ":");
  };

  test(`${name}() gives the program the limit on descriptors that Deno was started with`, async () => {
    // The shell stays, and has the limits that Deno was started with.
    for (const expected of ["200:600", "600:600"]) {
      const [soft, hard] = expected.split(":");
      const script = `ulimit -Sn ${soft} && ulimit -Hn ${hard} && "$0" "$@"; exit $?`;
      assertEquals(await limits("/bin/sh", "-c", script), expected);
    }
  });

  test(`${name}() gives the program the usual limit on descriptors when nobody knows what it was`, async () => {
    // Deno takes the shell's place, and its parent has limits of its own.
    assertEquals(await limits("/bin/sh", "-c", `ulimit -n 2000 && ulimit -Sn 500 && exec "$0" "$@"`), "1024:2000");
    assertEquals(await limits("/bin/sh", "-c", `ulimit -n 300 && exec "$0" "$@"`), "300:300");
  });
}

/** Says what it reads, line by line, to the end of its input. */
const ECHO = `echo started; while read line; do echo "$line"; done <"$1"`;

/** A Deno that has started {@linkcode ECHO}; both write to one pipe, which ends when the last of them has gone. */
class Owner implements AsyncDisposable {
  readonly #folder = tempFolder();
  readonly #pipe = namedPipe(`${this.#folder.path}/lines`);
  /** Open at both ends, so that neither end is waited for. */
  readonly #lines = Deno.openSync(this.#pipe, { read: true, write: true });
  #child!: Deno.ChildProcess;
  #output!: ReadableStreamDefaultReader<string>;
  #text = "";

  /** @param code takes `CONFIG` for what the program is started with, and says `ready` */
  static async start(code: string, config: { enablePidNamespace?: boolean; killOnExit?: boolean }): Promise<Owner> {
    const owner = new Owner();
    // In a namespace all that it has started goes with the program.
    const script = config.enablePidNamespace ? `sleep 30 & ${ECHO}` : ECHO;
    const whole = JSON.stringify({ ...shell(script, owner.#pipe), stdin: "null", ...config });
    owner.#child = await startDeno(code.replaceAll("CONFIG", whole));
    owner.#output = owner.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    try {
      await owner.#child.stderr.cancel();
      await owner.says("started");
      await owner.says("ready");
      return owner;
    } catch (error) {
      await owner[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Kills the Deno, as nothing can that it could notice. */
  async kill() {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }

  /** Has the program say a line. */
  async echoes(line: string) {
    this.#lines.writeSync(new TextEncoder().encode(`${line}\n`));
    await this.says(line);
  }

  async says(text: string) {
    while (!this.#text.includes(text)) assert(await this.#read(), `ended before it said ${text}: ${this.#text}`);
  }

  /** Waits until Deno, the program and all that it has started have gone. */
  async ended() {
    while (await this.#read());
  }

  async #read(): Promise<boolean> {
    const { value = "", done } = await soon("the program says something or ends", this.#output.read());
    this.#text += value;
    return !done;
  }

  /** Ends the Deno, and the program by ending its input, where they live still. */
  async [Symbol.asyncDispose]() {
    await this.#child[Symbol.asyncDispose]();
    this.#lines.close();
    await this.ended();
    await this.#output.cancel();
    this.#folder[Symbol.dispose]();
  }
}

const START = `
  import { namespaceSpawn } from MOD;
  const program = namespaceSpawn(CONFIG);
  console.log("ready");
  await program.status;
`;

for (const killOnExit of [undefined, true]) {
  testInNamespace(
    `namespaceSpawn() takes a namespace along when its owner is killed and killOnExit is ${killOnExit}`,
    async () => {
      await using owner = await Owner.start(START, { enablePidNamespace: true, killOnExit });
      await owner.echoes("alive");
      await owner.kill();
      await owner.ended();
    },
  );
}

testInNamespace(
  "namespaceSpawn() leaves a namespace alone when its owner is killed and killOnExit is false",
  async () => {
    await using owner = await Owner.start(START, { enablePidNamespace: true, killOnExit: false });
    await owner.kill();
    await owner.echoes("still alive");
  },
);

test("namespaceSpawn() takes the program along when its owner is killed and killOnExit is true", async () => {
  await using owner = await Owner.start(START, { killOnExit: true });
  await owner.echoes("alive");
  await owner.kill();
  await owner.ended();
});

for (const killOnExit of [undefined, false]) {
  test(`namespaceSpawn() leaves the program alone when its owner is killed and killOnExit is ${killOnExit}`, async () => {
    await using owner = await Owner.start(START, { killOnExit });
    await owner.kill();
    await owner.echoes("still alive");
  });
}

/**
 * The kernel binds the program's life to a thread; a Worker's ends with it, as those of Deno's pool do when idle. But in
 * Deno 2.9 not that of a Worker which has ever listened to a signal: this one doesn't.
 */
const inWorker = (afterwards: string) => `
  const code = \`
    import { namespaceSpawn } from MOD;
    Deno.addSignalListener = Deno.removeSignalListener = () => {};
    onmessage = ({ data }) => {
      namespaceSpawn(data);
      postMessage("started");
    };
  \`;
  const worker = new Worker(URL.createObjectURL(new Blob([code])), { type: "module" });
  worker.postMessage(CONFIG);
  const comm = (thread) => Deno.readTextFile("/proc/self/task/" + thread + "/comm").catch(() => "has ended");
  const hasWorker = async () => {
    const threads = [...Deno.readDirSync("/proc/self/task")].map(({ name }) => comm(name));
    return (await Promise.all(threads)).some((name) => name.startsWith("worker-"));
  };
  worker.onmessage = async () => {
    if (!await hasWorker()) throw new Error("a Worker's thread has another name");
    ${afterwards}
    console.log("ready");
  };
  setInterval(() => {}, 60_000);
`;

for (
  const [what, afterwards] of [
    ["is there", ""],
    ["has ended", "worker.terminate(); while (await hasWorker());"],
  ]
) {
  test(`namespaceSpawn() ends the program with its owner, not before, when the Worker that started it ${what}`, async () => {
    await using owner = await Owner.start(inWorker(afterwards), { killOnExit: true });
    await owner.echoes("alive");
    await owner.kill();
    await owner.ended();
  });
}
