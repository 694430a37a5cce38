/** A Deno process beside this one that is asked and answers, one line of JSON each. */

/** How a peer is started. */
export interface PeerOptions {
  /** Flags for V8. */
  v8Flags?: string[];
  /** A command that starts Deno in its stead, which gets Deno's own command line behind its arguments. */
  wrapper?: string[];
}

/** The asking side; disposing of it ends the process. */
export class Peer<Question, Answer> implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: AsyncGenerator<string, void>;

  /** @param script the URL of a module that calls {@linkcode serve} @param args what it finds in `Deno.args` */
  constructor(script: string, args: string[], { v8Flags = [], wrapper = [] }: PeerOptions = {}) {
    const flags = v8Flags.length > 0 ? [`--v8-flags=${v8Flags.join(",")}`] : [];
    const [command, ...rest] = [...wrapper, Deno.execPath(), "run", "-A", ...flags, script, ...args];
    this.#process = new Deno.Command(command, { args: rest, stdin: "piped", stdout: "piped" }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    this.#answers = lines(this.#process.stdout);
  }

  /** Asks, and waits for the answer. */
  async ask(question: Question): Promise<Answer> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify(question) + "\n"));
    const { value, done } = await this.#answers.next();
    if (done) throw new Error(`a process of the benchmark ended with exit code ${(await this.#process.status).code}`);
    return JSON.parse(value);
  }

  /** Ends the process. */
  async [Symbol.asyncDispose]() {
    await this.#writer.close().catch(() => {});
    await this.#answers.return();
    await this.#process.status;
  }
}

/** The answering side: gives `answer` each question until there are no more. */
export async function serve<Question, Answer>(answer: (question: Question) => Answer | Promise<Answer>) {
  for await (const line of lines(Deno.stdin.readable)) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
}

async function* lines(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
