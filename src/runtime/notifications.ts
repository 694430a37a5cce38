/** A program's system calls that wait for an answer. Source: seccomp_unotify(2). */

import { callForJson, readRecord } from "../native/call.ts";
import { SpecError, StateError, SystemError } from "../native/errors.ts";
import { openLibrary } from "../native/library.ts";
import { notifySymbols } from "../native/symbols.ts";
import type { SeccompArchitecture } from "../spec/types.ts";
import { LISTENER, type Reactor } from "./reactor.ts";

/** As asm-generic/errno.h numbers them. */
const EPERM = 1;
const ENOENT = 2;
const EBADF = 9;
const EAGAIN = 11;

/** The largest that a call can fail with: `MAX_ERRNO` in the kernel. */
const LARGEST_ERRNO = 4095;

/** Enough for the text of every call. */
const CALL_BYTES = 1024;

/** A call as the library tells of it; what may be above 2^53 is text. */
interface Told {
  id: string;
  pid: number;
  syscall: string;
  number: number;
  architecture: SeccompArchitecture;
  instructionPointer: string;
  args: string[];
}

/** A program's listener. */
class Listener {
  readonly #library = openLibrary(notifySymbols);
  readonly #reactor: Reactor;
  readonly #token: number;
  readonly #record = new Uint8Array(CALL_BYTES);

  constructor(reactor: Reactor, token: number) {
    this.#reactor = reactor;
    this.#token = token;
  }

  /** The next call; `undefined` where none will come. */
  async next(): Promise<Told | undefined> {
    while (true) {
      const { number } = this.#reactor;
      const result = this.#library.minicontainer_receive(number, this.#token, this.#record, CALL_BYTES);
      if (result === 0 || result === -EBADF) return undefined;
      if (result > 0) {
        const { told } = readRecord(this.#record);
        return told.kind === "text" ? JSON.parse(told.json) : undefined;
      }
      if (result !== -EAGAIN) throw failure(result);
      await this.#reactor.ready(this.#token, LISTENER);
    }
  }

  /** Has the kernel make a call. */
  continue(id: bigint): number {
    return this.#library.minicontainer_continue(this.#reactor.number, this.#token, id);
  }

  /** Has a call fail. */
  fail(id: bigint, errno: number): number {
    return this.#library.minicontainer_fail(this.#reactor.number, this.#token, id, errno);
  }

  /** Has a call return a value. */
  return(id: bigint, value: bigint): number {
    return this.#library.minicontainer_return(this.#reactor.number, this.#token, id, value);
  }

  /** The string at an address of who makes a call. */
  readString(id: bigint, pid: number, address: bigint): string {
    const { number } = this.#reactor;
    return callForJson((record, length) =>
      this.#library.minicontainer_read_string(number, this.#token, id, pid, address, record, length)
    );
  }

  /** The number of an error's name; 0 where there is none. */
  errno(name: string): number {
    const bytes = new TextEncoder().encode(name);
    return this.#library.minicontainer_errno(bytes, bytes.byteLength);
  }

  /** Every call that waits, or would, fails with ENOSYS from now on. */
  close() {
    this.#reactor.close(this.#token, LISTENER);
  }
}

/**
 * A system call that waits for an answer: `SCMP_ACT_NOTIFY` in the program's filter asked for one.
 *
 * Each answer returns whether it was taken: it was not where the call waits no more, for its thread was ended or
 * interrupted by a signal, or the listener closed. Then nothing has to be done.
 */
export class SeccompNotification {
  /** The thread that makes the call, as this process sees its number. */
  readonly pid: number;
  /** The call's name, as in `mkdirat`. */
  readonly syscall: string;
  /** The call's number on `architecture`. */
  readonly number: number;
  /** How the kernel was called. */
  readonly architecture: SeccompArchitecture;
  /** Where in the program the call is made. */
  readonly instructionPointer: bigint;
  /** Six registers, unsigned; the call takes the first few. */
  readonly args: readonly bigint[];
  readonly #listener: Listener;
  readonly #id: bigint;
  #isAnswered = false;

  /** @ignore Made by {@linkcode NamespaceProcess.notifications}. */
  constructor(listener: Listener, told: Told) {
    this.pid = told.pid;
    this.syscall = told.syscall;
    this.number = told.number;
    this.architecture = told.architecture;
    this.instructionPointer = BigInt(told.instructionPointer);
    this.args = told.args.map(BigInt);
    this.#listener = listener;
    this.#id = BigInt(told.id);
  }

  /** Whether it has been answered. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /**
   * Has the kernel make the call, with what its arguments point to by then.
   *
   * It is no ground for a security policy: between a look at the memory and the call, another thread of the program can
   * put something else there. What must not happen is refused by the filter itself, or by permissions.
   *
   * @returns whether the call still waited
   * @throws {StateError} where it has been answered
   */
  allow(): boolean {
    return this.#answer(() => this.#listener.continue(this.#id));
  }

  /**
   * Has the call fail.
   *
   * @param errno the error's name, or its number, 1 to 4095; default `"EPERM"`
   * @returns whether the call still waited
   * @throws {StateError} where it has been answered
   * @throws {SpecError} where there is no such error
   */
  deny(errno: string | number = EPERM): boolean {
    const number = typeof errno === "string" ? this.#listener.errno(errno) : errno;
    if (!Number.isInteger(number) || number < 1 || number > LARGEST_ERRNO) {
      const shown = JSON.stringify(errno);
      throw new SpecError("errno", `must be an error's name, or its number, 1 to ${LARGEST_ERRNO}; it is ${shown}`);
    }
    return this.#answer(() => this.#listener.fail(this.#id, number));
  }

  /**
   * Has the call return a value without being made.
   *
   * @param value what it returns, a whole number of 64 bits; default 0
   * @returns whether the call still waited
   * @throws {StateError} where it has been answered
   * @throws {SpecError} where the value is no such number
   */
  succeed(value: number | bigint = 0): boolean {
    const isWhole = typeof value === "bigint" || Number.isSafeInteger(value);
    if (!isWhole || BigInt.asIntN(64, BigInt(value)) !== BigInt(value)) {
      throw new SpecError("value", `must be a whole number of 64 bits; it is ${value}`);
    }
    return this.#answer(() => this.#listener.return(this.#id, BigInt(value)));
  }

  /**
   * Reads the string that an argument points to, such as a path.
   *
   * It is what stands there now; see {@linkcode SeccompNotification.allow} for what that is worth. A path is the
   * program's: relative to its folder, and in its root.
   *
   * @param index which argument, 0 to 5
   * @returns the text up to its NUL; bytes that are no UTF-8 become U+FFFD
   * @throws {StateError} where the call waits no more
   * @throws {SystemError} where nothing is there (`EFAULT`), no NUL is within 4096 bytes (`ENAMETOOLONG`), or this
   * process may not look (`EPERM`)
   * @throws {SpecError} where there is no such argument
   */
  readString(index: number): string {
    const address = this.args[index];
    if (address === undefined) throw new SpecError("index", `must be 0 to 5; it is ${index}`);
    try {
      return this.#listener.readString(this.#id, this.pid, address);
    } catch (error) {
      if (!(error instanceof SystemError) || !isGone(error.errno)) throw error;
      throw new StateError(`cannot read argument ${index} of ${this.syscall}: it waits no more`, "waiting", "gone");
    }
  }

  #answer(answer: () => number): boolean {
    if (this.#isAnswered) {
      throw new StateError(`cannot answer ${this.syscall}: it has been answered`, "waiting", "answered");
    }
    const result = answer();
    this.#isAnswered = true;
    if (result < 0 && !isGone(-result)) throw failure(result);
    return result === 0;
  }
}

/** Whether a call waits no more: its thread was ended or interrupted, or the listener is closed. */
function isGone(errno: number): boolean {
  return errno === ENOENT || errno === EBADF;
}

function failure(result: number): Error {
  return new Deno.errors.BadResource(`the listener of the program's filter is broken (errno ${-result})`);
}

/** A program's calls that wait, one after the other. */
export class Notifications {
  /** The calls; it can be gone through once. */
  readonly calls: AsyncGenerator<SeccompNotification, void, void>;
  readonly #listener: Listener;
  readonly #deadline: ReturnType<typeof setTimeout>;
  #isForsaken = false;

  constructor(reactor: Reactor, token: number) {
    this.#listener = new Listener(reactor, token);
    this.calls = calls(this.#listener);
    // A program that asks where nobody answers must not wait for ever.
    this.#deadline = setTimeout(() => {
      this.#isForsaken = true;
      this.close();
    }, 0);
  }

  /**
   * Somebody goes through the calls, now or later.
   *
   * @throws {StateError} where the time for that is over
   */
  claim() {
    if (this.#isForsaken) {
      const message =
        "Cannot get 'notifications': it must be read in the turn of the event loop that starts the program";
      throw new StateError(message, "answered", "unanswered");
    }
    clearTimeout(this.#deadline);
  }

  /** Has every call that waits, or would, fail with ENOSYS; whoever goes through them is at the end. */
  close() {
    this.#listener.close();
  }
}

async function* calls(listener: Listener): AsyncGenerator<SeccompNotification, void, void> {
  try {
    for (let told = await listener.next(); told !== undefined; told = await listener.next()) {
      const call = new SeccompNotification(listener, told);
      yield call;
      if (!call.isAnswered) call.deny();
    }
  } finally {
    listener.close();
  }
}
