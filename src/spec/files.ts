/** Files that are written into a root filesystem. */

import { SpecError } from "../native/errors.ts";
import { absolute, kindOf, object } from "./check.ts";
import type { InjectedFile } from "./types.ts";

/** @throws {SpecError} where a path is not absolute, or a content neither text nor bytes */
export function filesOf(path: string, value: unknown): InjectedFile[] {
  return Object.entries(object(path, value)).map(([file, content]) => ({
    path: absolute(path, file),
    content: bytesOf(`${path}[${JSON.stringify(file)}]`, content).toBase64(),
  }));
}

function bytesOf(path: string, content: unknown): Uint8Array {
  if (typeof content === "string") return new TextEncoder().encode(content);
  if (content instanceof Uint8Array) return content;
  throw new SpecError(path, `must be a string or a Uint8Array; it is ${kindOf(content)}`);
}
