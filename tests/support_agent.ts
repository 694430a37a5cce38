/** Who is sent descriptors, and answers a container's calls, by the C library's sockets: Deno's receive none. */

import { exists, soon } from "./support.ts";

const libc = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept: { parameters: ["i32", "pointer", "pointer"], result: "i32" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
});

const [AF_UNIX, SOCK_STREAM, SOCK_DGRAM, POLLIN, SCM_RIGHTS] = [1, 1, 2, 1, 1];
const MSG_CMSG_CLOEXEC = 0x40000000;
const NOTIF_RECV = 0xc0502100n;
const NOTIF_SEND = 0xc0182101n;
const PATIENCE_MS = 10_000;

/** OCI's container process state. */
export interface ProcessState {
  ociVersion: string;
  fds: string[];
  pid: number;
  metadata?: string;
  state: { id: string; status: string; pid: number; bundle: string };
}

/** What becomes of a call: 0: it returns that and is not made; above: it fails with this number; else it is made. */
export type Verdict = number | "continue";

/** Listens at a socket, and answers the calls of each process whose listener it is sent. */
export class Agent implements Disposable {
  readonly #socket: number;
  readonly #path: string;
  readonly #answer: () => Verdict;

  /** @param answer what becomes of the next call */
  constructor(path: string, answer: () => Verdict) {
    this.#path = path;
    this.#answer = answer;
    this.#socket = bound(path, SOCK_STREAM);
    check(libc.symbols.listen(this.#socket, 8));
  }

  /** Whether somebody has connected who was not served. */
  hasVisitor(): Promise<boolean> {
    return isReadable(this.#socket, 0);
  }

  /** Serves the next process to its end: what was told of it, and how many calls were answered. */
  async serve(): Promise<{ told: ProcessState; calls: number }> {
    const isThere = await soon("somebody connects", isReadable(this.#socket, PATIENCE_MS));
    if (!isThere) throw new Error("nobody has connected");
    const connection = check(libc.symbols.accept(this.#socket, null, null));
    const { text, descriptor } = receive(connection);
    const isOver = receive(connection).text === "";
    libc.symbols.close(connection);
    if (!isOver) throw new Error("there is more than one message");
    try {
      return { told: JSON.parse(text), calls: await this.#answerAll(descriptor) };
    } finally {
      libc.symbols.close(descriptor);
    }
  }

  async #answerAll(listener: number): Promise<number> {
    for (let calls = 0;; calls++) {
      const call = new DataView(new ArrayBuffer(80));
      if (!await isReadable(listener, PATIENCE_MS)) return calls;
      check(libc.symbols.ioctl(listener, NOTIF_RECV, new Uint8Array(call.buffer)));
      const answer = new DataView(new ArrayBuffer(24));
      answer.setBigUint64(0, call.getBigUint64(0, true), true);
      const verdict = this.#answer();
      if (verdict === "continue") answer.setUint32(20, 1, true);
      else answer.setInt32(16, -verdict, true);
      check(libc.symbols.ioctl(listener, NOTIF_SEND, new Uint8Array(answer.buffer)));
    }
  }

  [Symbol.dispose]() {
    libc.symbols.close(this.#socket);
    if (exists(this.#path)) Deno.removeSync(this.#path);
  }
}

/** Listens at a socket for a single message: on a connection, or as a datagram. */
export class Listener implements Disposable {
  readonly #socket: number;
  readonly #isStream: boolean;

  constructor(path: string, kind: "stream" | "datagram") {
    this.#isStream = kind === "stream";
    this.#socket = bound(path, this.#isStream ? SOCK_STREAM : SOCK_DGRAM);
    if (this.#isStream) check(libc.symbols.listen(this.#socket, 1));
  }

  /** The message; of the process that a descriptor in it stands for, its number. */
  async message(): Promise<{ text: string; pid?: number }> {
    if (!await isReadable(this.#socket, PATIENCE_MS)) throw new Error("nothing has come");
    const from = this.#isStream ? check(libc.symbols.accept(this.#socket, null, null)) : this.#socket;
    const { text, descriptor } = receive(from);
    if (this.#isStream) libc.symbols.close(from);
    if (descriptor === -1) return { text };
    const [, pid] = /^Pid:\s+(\d+)/m.exec(Deno.readTextFileSync(`/proc/self/fdinfo/${descriptor}`)) ?? [];
    libc.symbols.close(descriptor);
    return { text, pid: Number(pid) };
  }

  [Symbol.dispose]() {
    libc.symbols.close(this.#socket);
  }
}

/** A socket at a path. */
function bound(path: string, kind: number): number {
  const address = new Uint8Array(110);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  new TextEncoder().encodeInto(path, address.subarray(2));
  const socket = check(libc.symbols.socket(AF_UNIX, kind, 0));
  check(libc.symbols.bind(socket, address, address.byteLength));
  return socket;
}

/** Whether there is something to read, rather than nobody left who could write. */
async function isReadable(descriptor: number, patience: number): Promise<boolean> {
  const polled = new Uint8Array(8);
  const view = new DataView(polled.buffer);
  view.setInt32(0, descriptor, true);
  view.setInt16(4, POLLIN, true);
  await libc.symbols.poll(polled, 1n, patience);
  return (view.getInt16(6, true) & POLLIN) !== 0;
}

/** One message, as `struct msghdr` and `struct cmsghdr` of 64 bits have it. */
function receive(socket: number): { text: string; descriptor: number } {
  const bytes = new Uint8Array(65536);
  const control = new Uint8Array(64);
  const part = new BigUint64Array([address(bytes), BigInt(bytes.byteLength)]);
  const message = new BigUint64Array([0n, 0n, address(part), 1n, address(control), BigInt(control.byteLength), 0n]);
  const length = check(
    Number(libc.symbols.recvmsg(socket, new Uint8Array(message.buffer), MSG_CMSG_CLOEXEC)),
  );
  const view = new DataView(control.buffer);
  const descriptor = view.getInt32(12, true) === SCM_RIGHTS ? view.getInt32(16, true) : -1;
  return { text: new TextDecoder().decode(bytes.subarray(0, length)), descriptor };
}

function address(buffer: Uint8Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(buffer));
}

function check(result: number): number {
  if (result < 0) throw new Error("a call of the C library's has failed");
  return result;
}
