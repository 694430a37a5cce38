/** What a command reads: a file, or stdin. */

import { SpecError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { joined } from "../../native/text.ts";

/** As much as the library reads of a file. */
const LARGEST_INPUT = 16 << 20;

/** The text of a file, of stdin where it is `-`. */
export async function textOfFile(path: string): Promise<string> {
  if (path !== "-") return (await callLife<{ text: string }>("file.read", { path })).text;
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for (const piece = new Uint8Array(65536);;) {
    const read = Deno.stdin.readSync(piece);
    if (read === null) break;
    pieces.push(piece.slice(0, read));
    length += read;
    if (length > LARGEST_INPUT) throw new SpecError("", `stdin has more than ${LARGEST_INPUT >> 20} MiB`);
  }
  return new TextDecoder().decode(joined(pieces));
}
