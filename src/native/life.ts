/** Calls that serve a container's life: by name, with an object for their fields, and JSON for an answer. */

import { successIn } from "./call.ts";
import { openLibrary } from "./library.ts";
import { lifeSymbols } from "./symbols.ts";

const encoder = new TextEncoder();

/** Enough for every answer but a long list's or a large file's. */
const USUAL_ANSWER_BYTES = 1 << 20;
const LARGEST_ANSWER_BYTES = 1 << 28;
const TOO_SMALL = -1;

/** What only looks, and can be made once more where the answer did not fit. */
const LOOKS = [
  "store.read",
  "store.list",
  "bundle.read",
  "file.read",
  "features",
  "cgroup.stats",
  "cgroup.procs",
  "environment",
];

/**
 * Makes a call on a thread of Deno's pool.
 *
 * @param name as the table of `rust/runtime/src/life/mod.rs` has it
 * @param fields what it takes
 * @param json further fields whose values are JSON already, and cross as they are: JavaScript's numbers are not exact
 * @returns its answer
 * @throws the typed error that it fails with
 */
export async function callLife<T>(name: string, fields: object = {}, json: Record<string, string> = {}): Promise<T> {
  const texts = Object.entries(json).map(([field, text]) => `,${JSON.stringify(field)}:${text}`);
  const request = encoder.encode(`${JSON.stringify({ call: name, ...fields }).slice(0, -1)}${texts.join("")}}`);
  const { call_nonblocking } = openLibrary(lifeSymbols);
  for (let size = USUAL_ANSWER_BYTES; size <= LARGEST_ANSWER_BYTES; size *= 16) {
    const record = new Uint8Array(size);
    const length = await call_nonblocking(request, request.byteLength, record, record.byteLength);
    if (length !== TOO_SMALL) {
      const told = successIn(record);
      if (told.kind === "text") return JSON.parse(told.json);
    }
    if (!LOOKS.includes(name)) break;
  }
  throw new Error(`minicontainer's own mistake, please report it: the answer of ${name} is none`);
}
