/** What the installed command's program has for its TypeScript: `rust/command/src/host.rs`. */

/** The functions, which are a global of that program. */
export interface Host {
  /** The command line, without the command's own name. */
  args: string[];
  /** Calls a function of the library on this thread. */
  call(name: string, args: unknown[]): number;
  /** Has another thread do so, which {@linkcode Host.next} tells the end of; until then its buffers are the library's. */
  begin(call: number, name: string, args: unknown[]): void;
  /** Has another thread read from a stream, as {@linkcode Host.begin} does. */
  beginRead(call: number, stream: number, bytes: Uint8Array): void;
  /** Reads; the bytes read, 0 at the end, or a negative error number. */
  readSync(stream: number, bytes: Uint8Array): number;
  /** Writes; the bytes written, or a negative error number. */
  write(stream: number, bytes: Uint8Array): number;
  /** What has happened within so many milliseconds, or within any time: an end with its result, or a signal. */
  next(ms: number | undefined): [kind: 0, call: number, result: number] | [kind: 1, signal: number] | undefined;
  /** Has a signal be told of from now on. */
  listen(signal: number): void;
  isTerminal(stream: number): boolean;
  /** Rows and columns of the first stream that is a terminal. */
  consoleSize(): [rows: number, columns: number] | undefined;
  /** Has the terminal on stdin hand on each key, or be as it was. */
  setRaw(isRaw: boolean): void;
  /** What a program prints; nothing where there is none. */
  output(program: string, args: string[]): [code: number, stdout: Uint8Array, stderr: Uint8Array] | undefined;
  /** The path of the program that this is. */
  execPath(): string;
  fillRandom(bytes: Uint8Array): void;
  encode(text: string): Uint8Array<ArrayBuffer>;
  decode(bytes: Uint8Array): string;
  /** Milliseconds since some moment. */
  now(): number;
  exit(code: number): never;
}

/** The host, where there is one. */
export const host: Host = (globalThis as unknown as { host: Host }).host;
