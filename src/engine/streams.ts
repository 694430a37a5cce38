/**
 * Of the web's streams what the command uses: of a stream to read, that one reader goes through it; of one to write, that
 * one writer writes after another.
 */

interface Source<T> {
  start?(controller: Readable<T>): void;
  pull?(): void;
  cancel?(): void;
}

interface Strategy<T> {
  highWaterMark?: number;
  size?(chunk: T): number;
}

/** A `ReadableStream`, and its controller. */
export class Readable<T> implements AsyncIterable<T> {
  readonly #source: Source<T>;
  readonly #size: (chunk: T) => number;
  readonly #room: number;
  readonly #queue: T[] = [];
  #isClosed = false;
  #arrived = Promise.withResolvers<void>();

  constructor(source: Source<T> = {}, { highWaterMark = 1, size = () => 1 }: Strategy<T> = {}) {
    this.#source = source;
    this.#size = size;
    this.#room = highWaterMark;
    source.start?.(this);
  }

  /** What may still be put into the queue. */
  get desiredSize(): number {
    return this.#queue.reduce((left, chunk) => left - this.#size(chunk), this.#room);
  }

  /** Puts something into the queue. */
  enqueue(chunk: T) {
    if (this.#isClosed) throw new TypeError("the stream is closed");
    this.#queue.push(chunk);
    this.#tell();
  }

  /** Nothing more comes. */
  close() {
    if (this.#isClosed) throw new TypeError("the stream is closed");
    this.#isClosed = true;
    this.#tell();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (this.desiredSize > 0) this.#source.pull?.();
        if (chunk !== undefined) yield chunk;
        else if (this.#isClosed) return;
        else await this.#arrived.promise;
      }
    } finally {
      if (!this.#isClosed) this.#source.cancel?.();
    }
  }

  #tell() {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}

interface Sink<T> {
  write?(chunk: T): Promise<void> | void;
  close?(): Promise<void> | void;
}

/** A `WritableStream`, and its writer. */
export class Writable<T> {
  readonly #sink: Sink<T>;
  #last: Promise<void> = Promise.resolve();

  constructor(sink: Sink<T> = {}) {
    this.#sink = sink;
  }

  /** The one writer. */
  getWriter(): this {
    return this;
  }

  /** Writes once all before it is written. */
  write(chunk: T): Promise<void> {
    return this.#next(() => this.#sink.write?.(chunk));
  }

  /** Ends it behind all that was written. */
  close(): Promise<void> {
    return this.#next(() => this.#sink.close?.());
  }

  #next(step: () => Promise<void> | void): Promise<void> {
    return this.#last = this.#last.then(step);
  }
}
