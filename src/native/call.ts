/** Calls into the library that answer with a record. */

import { type Ended, readRecord, type Told } from "./record.ts";

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
