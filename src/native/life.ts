/** Calls that serve a container's life: by name, with an object for their fields, and JSON for an answer. */

import { callForJson, callForJsonElsewhere, callOnceForJsonElsewhere } from "./call.ts";
import { openLibrary } from "./library.ts";
import { lifeHereSymbols, lifeSymbols } from "./symbols.ts";

const encoder = new TextEncoder();

/** Further fields whose values are JSON already, and cross as they are: JavaScript's numbers are not exact. */
type Texts = Record<string, string>;

/** Enough for every answer but a long list's or a large file's: a piece of a log has 128 KiB, six times as long in JSON. */
const USUAL_ANSWER_BYTES = 1 << 20;

/** What only looks, and can be made once more where the answer did not fit. */
const LOOKS = ["store.list", "file.read", "features", "cgroup.stats", "cgroup.procs", "changes"];

/** Buffers for answers, for the next calls. */
const spare: Uint8Array<ArrayBuffer>[] = [];
const MOST_SPARE = 8;

/**
 * Makes a call on a thread of Deno's pool.
 *
 * @param name as the table of `rust/runtime/src/life/mod.rs` has it
 * @param fields what it takes
 * @returns its answer
 * @throws the typed error that it fails with
 */
export async function callLife<T>(name: string, fields: object = {}, texts: Texts = {}): Promise<T> {
  const request = requestOf(name, fields, texts);
  const { call_nonblocking } = openLibrary(lifeSymbols);
  const record = spare.pop() ?? new Uint8Array(USUAL_ANSWER_BYTES);
  const call = (record: Uint8Array<ArrayBuffer>, length: number) =>
    call_nonblocking(request, request.byteLength, record, length);
  try {
    return await (LOOKS.includes(name)
      ? callForJsonElsewhere<T>(call, record)
      : callOnceForJsonElsewhere<T>(call, record));
  } finally {
    if (spare.length < MOST_SPARE) spare.push(record);
  }
}

/**
 * As {@linkcode callLife}, on this thread, which is there and back in a tenth of the time: for what looks at this process
 * or reads a small file, and waits for nobody.
 */
export function callLifeHere<T>(name: string, fields: object = {}, texts: Texts = {}): T {
  const request = requestOf(name, fields, texts);
  const { minicontainer_call } = openLibrary(lifeHereSymbols);
  return callForJson((record, length) => minicontainer_call(request, request.byteLength, record, length));
}

function requestOf(name: string, fields: object, texts: Texts): Uint8Array<ArrayBuffer> {
  const more = Object.entries(texts).map(([field, text]) => `,${JSON.stringify(field)}:${text}`);
  return encoder.encode(`${JSON.stringify({ call: name, ...fields }).slice(0, -1)}${more.join("")}}`);
}
