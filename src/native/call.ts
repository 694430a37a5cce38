/**
 * Calls into the library, and the records that it answers with; `rust/runtime/src/record.rs` has the table of offsets.
 *
 * @module
 */

import { errorFromJson } from "./errors.ts";

/** The answer does not fit: as `TOO_SMALL` in `rust/runtime/src/ffi.rs`. */
const TOO_SMALL = -1;

/** Enough for every record but a long plan's. */
const USUAL_RECORD_BYTES = 4096;
/** Enough for every error: as `rust/runtime/src/error.rs` keeps it. */
const ERROR_RECORD_BYTES = 65536;
const LARGEST_RECORD_BYTES = 1 << 28;

const encoder = new TextEncoder();

/** The bytes in which a spec crosses. */
export function encodeSpec(spec: unknown): Uint8Array<ArrayBuffer> {
  return encoder.encode(JSON.stringify(spec));
}

/** Enough for the text of every spec but a large one, each of whose UTF-16 units may take three bytes. */
const USUAL_TEXT_BYTES = 32768;
const usualText = new Uint8Array(USUAL_TEXT_BYTES);

/** What crosses of a spec. */
interface SpecText {
  bytes: Uint8Array<ArrayBuffer>;
  length: number;
}

/** The texts of specs that were encoded twice, and may be again; null: once so far. */
const texts = new WeakMap<object, SpecText | null>();

/**
 * As {@linkcode encodeSpec}, for a call on this thread: it must be made before the next spec is encoded. A spec is not
 * changed afterwards.
 */
export function encodeForCall(spec: object): SpecText {
  const known = texts.get(spec);
  if (known) return known;
  const text = known === null ? ownText(spec) : sharedText(spec);
  texts.set(spec, known === null ? text : null);
  return text;
}

function ownText(spec: object): SpecText {
  const bytes = encodeSpec(spec);
  return { bytes, length: bytes.byteLength };
}

function sharedText(spec: object): SpecText {
  const json = JSON.stringify(spec);
  if (json.length * 3 > USUAL_TEXT_BYTES) return ownText(spec);
  return { bytes: usualText, length: encoder.encodeInto(json, usualText).written };
}

/** Calls on this thread come one after the other, so one buffer serves all. */
const usualRecord = new Uint8Array(USUAL_RECORD_BYTES);

/**
 * Makes a call that writes a record.
 *
 * @param call gets a buffer and its length; returns the bytes written
 * @param record the buffer to begin with; `call` is repeated with a larger one where it does not suffice, as it always
 * does where a program was started
 * @throws the typed error where the record tells of a failure
 */
export function callForRecord(
  call: (record: Uint8Array<ArrayBuffer>, length: number) => number,
  record = usualRecord,
): Exclude<Told, { kind: "failed" }> {
  if (call(record, record.byteLength) === TOO_SMALL) return callForRecord(call, larger(record));
  return successIn(record);
}

/** As {@linkcode callForRecord}, for a call that waits for a program's end. */
export function callForEnd(call: (record: Uint8Array<ArrayBuffer>, length: number) => number): Ended {
  return endIn(callForRecord(call));
}

/** As {@linkcode callForEnd}, for a call on another thread. */
export async function callForEndElsewhere(
  call: (record: Uint8Array<ArrayBuffer>, length: number) => Promise<number>,
): Promise<Ended> {
  const record = new Uint8Array(ERROR_RECORD_BYTES);
  await call(record, record.byteLength);
  return endIn(successIn(record));
}

/** As {@linkcode callForRecord}, for a call that answers with JSON. */
export function callForJson<T>(
  call: (record: Uint8Array<ArrayBuffer>, length: number) => number,
  record?: Uint8Array<ArrayBuffer>,
): T {
  return jsonIn(callForRecord(call, record));
}

/** As {@linkcode callForJsonElsewhere}, for a call that does more than look, and is made once: its answer must fit. */
export async function callOnceForJsonElsewhere<T>(
  call: (record: Uint8Array<ArrayBuffer>, length: number) => Promise<number>,
  record: Uint8Array<ArrayBuffer>,
): Promise<T> {
  if (await call(record, record.byteLength) === TOO_SMALL) {
    throw new Error("minicontainer's own mistake, please report it: an answer is too large");
  }
  return jsonIn(successIn(record));
}

/** As {@linkcode callForJson}, for a call on another thread, which only looks. */
export async function callForJsonElsewhere<T>(
  call: (record: Uint8Array<ArrayBuffer>, length: number) => Promise<number>,
  record: Uint8Array<ArrayBuffer>,
): Promise<T> {
  if (await call(record, record.byteLength) === TOO_SMALL) return callForJsonElsewhere(call, larger(record));
  return jsonIn(successIn(record));
}

function larger({ byteLength }: Uint8Array): Uint8Array<ArrayBuffer> {
  if (byteLength * 16 > LARGEST_RECORD_BYTES) throw new Error("cannot read the library's answer: it is too large");
  return new Uint8Array(byteLength * 16);
}

function jsonIn<T>(told: Told): T {
  return told.kind === "text" ? JSON.parse(told.json) as T : unexpected(told);
}

function endIn(told: Told): Ended {
  return told.kind === "ended" ? told : unexpected(told);
}

/** What a record tells. @throws the typed error where that is a failure */
export function successIn(record: Uint8Array<ArrayBuffer>): Exclude<Told, { kind: "failed" }> {
  const { told } = readRecord(record);
  if (told.kind === "failed") throw told.error;
  return told;
}

function unexpected({ kind }: Told): never {
  throw new Error(`minicontainer's own mistake, please report it: an unexpected record of kind ${kind}`);
}

/** How a program ended, in the kernel's terms. */
export interface Ended {
  kind: "ended";
  pid: number;
  /** Exit status where `exited`, else signal number. */
  code: number;
  exited: boolean;
  outOfTime: boolean;
  wallUs: number;
  cpuUserUs: number;
  cpuSystemUs: number;
  memoryPeakBytes: number;
  memoryPeakIsBound: boolean;
  outOfCpuTime: boolean;
  /** It wrote more than the command lets it. */
  outOfOutput: boolean;
  degraded: string[];
  /** What its cgroup used, where it had one of its own. */
  used?: Used;
  /** What was changed in its overlay, where that was asked for. */
  changes?: FileChange[];
}

/** What a cgroup used in all; what this host does not tell is absent. */
export interface Used {
  memoryPeakBytes?: number;
  cpuUserUs?: number;
  cpuSystemUs?: number;
  throttledUs?: number;
  pidsPeak?: number;
  ioReadBytes?: number;
  ioWriteBytes?: number;
  oomKills?: number;
  pressure?: { cpuUs?: number; memoryUs?: number; ioUs?: number };
  /** Why the cgroup is still there. */
  left?: string;
}

/** A path of the root filesystem that was changed. */
export interface FileChange {
  /** In the container. */
  path: string;
  /** Of a folder, `"changed"` says that something in it was, too. */
  kind: "added" | "changed" | "deleted";
}

/** 0..255 by the shell's convention: the exit status, or 128 and the signal's number. */
export function exitCodeOf({ exited, code }: Ended): number {
  return exited ? code : 128 + code;
}

/** What a record tells. */
export type Told =
  | Ended
  | { kind: "failed"; error: Error }
  | { kind: "ready"; stream: number }
  | { kind: "started"; pid: number; asks: boolean; degraded: string[] }
  | { kind: "text"; json: string };

const HEADER_BYTES = 56;
const decoder = new TextDecoder();

/** A buffer as the native side sees it, in this machine's byte order. */
interface Views {
  buffer: ArrayBuffer;
  words: Int32Array;
  numbers: Float64Array;
}

function viewsOf(buffer: ArrayBuffer): Views {
  return { buffer, words: new Int32Array(buffer), numbers: new Float64Array(buffer) };
}

/** Those of the buffer that was read last: most records are in one and the same. */
let views = viewsOf(new ArrayBuffer(0));

/**
 * Reads the record at `offset`; `next` is where another may follow. The buffer's length is a multiple of 8, as every
 * record's place in it is.
 */
export function readRecord(bytes: Uint8Array<ArrayBuffer>, offset = 0): { token: number; next: number; told: Told } {
  if (views.buffer !== bytes.buffer) views = viewsOf(bytes.buffer);
  const { words } = views;
  const from = bytes.byteOffset + offset;
  const word = from >> 2;
  const jsonBytes = words[word + 5];
  const start = offset + HEADER_BYTES;
  const json = jsonBytes === 0 ? "" : decoder.decode(bytes.subarray(start, start + jsonBytes));
  return {
    token: words[word + 1] >>> 0,
    next: start + Math.ceil(jsonBytes / 8) * 8,
    told: readTold(views, from, json),
  };
}

/** Reads the records in the first `length` bytes. */
export function readRecords(bytes: Uint8Array<ArrayBuffer>, length: number): { token: number; told: Told }[] {
  const records = [];
  for (let offset = 0; offset < length;) {
    const record = readRecord(bytes, offset);
    records.push(record);
    offset = record.next;
  }
  return records;
}

function readTold({ words, numbers }: Views, from: number, json: string): Told {
  const word = from >> 2;
  const pid = words[word + 2];
  const code = words[word + 3];
  const flags = words[word + 4];
  switch (words[word]) {
    case 1: {
      const number = from >> 3;
      const ended: Ended = {
        kind: "ended",
        pid,
        code,
        exited: (flags & 1) !== 0,
        outOfTime: (flags & 2) !== 0,
        memoryPeakIsBound: (flags & 4) !== 0,
        outOfCpuTime: (flags & 16) !== 0,
        outOfOutput: (flags & 32) !== 0,
        wallUs: Math.round(numbers[number + 3]),
        cpuUserUs: Math.round(numbers[number + 4]),
        cpuSystemUs: Math.round(numbers[number + 5]),
        memoryPeakBytes: numbers[number + 6],
        degraded: [],
      };
      return json === "" ? ended : Object.assign(ended, JSON.parse(json));
    }
    case 2:
      return { kind: "failed", error: errorFromJson(json) };
    case 3:
      return { kind: "ready", stream: code };
    case 4:
      return { kind: "started", pid, asks: (flags & 8) !== 0, ...startedDetails(json) };
    case 5:
      return { kind: "text", json };
    default:
      throw new Error("minicontainer's own mistake, please report it: a record of unknown kind");
  }
}

/** What a start tells beside its numbers: mostly nothing. */
function startedDetails(json: string): { degraded: string[] } {
  return json === "" ? { degraded: [] } : { degraded: [], ...JSON.parse(json) };
}
