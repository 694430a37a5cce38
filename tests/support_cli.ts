/** What the tests of the command share. */

import { isCommand } from "../src/cli/main.ts";
import { until } from "./support.ts";

const PROJECT = new URL("../", import.meta.url).pathname;

/** The command with the two permissions that it needs, and no other. */
const BY_DENO = [Deno.execPath(), "run", "--no-prompt", "--allow-ffi", "--allow-run", `${PROJECT}cli.ts`];

/** The installed command, which engines call: `deno task test` builds it, and may have all tests use it. */
const installed = Deno.env.get("MINICONTAINER_COMMAND");
const isForAll = Deno.env.has("MINICONTAINER_COMMAND_FOR_ALL");

/** The command that runs programs. */
export const COMMAND = isForAll && installed !== undefined ? [installed] : BY_DENO;

/** The one that keeps containers. */
export const OCI_COMMAND = installed === undefined ? BY_DENO : [installed];

/** What a start of {@linkcode OCI_COMMAND} takes before it does something, at least, and where it has surely ended. */
export const OCI_MOMENTS = installed === undefined ? { from: 20, to: 90 } : { from: 0, to: 20 };

/**
 * Runs the command to its end.
 *
 * @param options `prefix` is put in front, as in `nohup`; with `streams` `"file"` it writes to files, which what it leaves
 * running may hold open
 */
export async function cli(
  args: string[],
  { prefix = [], env, streams = "piped", by = isCommand(args) ? OCI_COMMAND : COMMAND }: {
    prefix?: string[];
    env?: Record<string, string>;
    streams?: "piped" | "file";
    by?: string[];
  } = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const command = [...prefix, ...by, ...args];
  if (streams === "file") return await withFiles(command, env);
  const [program, ...rest] = command;
  const output = await new Deno.Command(program, { args: rest, env, stdin: "null" }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code: output.code, stdout: decode(output.stdout), stderr: decode(output.stderr) };
}

async function withFiles(command: string[], env?: Record<string, string>) {
  const [stdout, stderr] = ["out", "err"].map((suffix) => Deno.makeTempFileSync({ suffix }));
  try {
    const args = ["-c", 'o=$1 e=$2; shift 2; "$@" >"$o" 2>"$e"', "sh", stdout, stderr, ...command];
    const { code } = await new Deno.Command("sh", { args, env, stdin: "null" }).output();
    return { code, stdout: await Deno.readTextFile(stdout), stderr: await Deno.readTextFile(stderr) };
  } finally {
    for (const path of [stdout, stderr]) Deno.removeSync(path);
  }
}

/** A stream's lines, one after the other. */
export class Lines {
  readonly #reader: ReadableStreamDefaultReader<string>;
  #rest = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** The next line, or what is left at the end. */
  async next(): Promise<string> {
    while (!this.#rest.includes("\n")) {
      const { done, value } = await this.#reader.read();
      if (done) break;
      this.#rest += value;
    }
    const [line, ...rest] = this.#rest.split("\n");
    this.#rest = rest.join("\n");
    return line;
  }

  /** Reads what is left. */
  async close() {
    while (!(await this.#reader.read()).done);
  }
}

/** A command in a terminal of its own, which `script` makes and hands our bytes on to. */
export class Terminal implements AsyncDisposable {
  /** All that it has shown. */
  output = "";
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #shown: Promise<void>;
  #seen = 0;

  constructor(command: string) {
    this.#child = new Deno.Command("script", {
      // `exec`: script's shell would get the terminal's signals too, and some end by them.
      args: ["-qefc", `exec ${command}`, "/dev/null"],
      env: { TERM: "dumb" },
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#shown = this.#read();
  }

  /** Types on its keyboard. */
  type(text: string) {
    this.#writer.write(new TextEncoder().encode(text));
  }

  /** Waits until something is shown behind what was waited for before. */
  async waitFor(pattern: RegExp): Promise<RegExpExecArray> {
    let found: RegExpExecArray | null = null;
    await until(`${pattern} in the terminal`, () => {
      found = pattern.exec(this.output.slice(this.#seen));
      return found !== null;
    });
    const match = found! as RegExpExecArray;
    this.#seen += match.index + match[0].length;
    return match;
  }

  /** Waits for the command's end; its exit code. */
  async code(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#shown;
    return code;
  }

  async #read() {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) this.output += text;
  }

  async [Symbol.asyncDispose]() {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.code();
    await this.#writer.close().catch(() => {});
  }
}

/** A process's state as ps(1) shows it, `undefined` where there is none. */
export function processState(pid: number): string | undefined {
  try {
    return /\) (\w) /.exec(Deno.readTextFileSync(`/proc/${pid}/stat`))?.[1];
  } catch {
    return undefined;
  }
}

/** Whether a process is there and no zombie. */
export function isAlive(pid: number): boolean {
  return !["Z", "X", undefined].includes(processState(pid));
}
