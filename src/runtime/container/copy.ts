/** Copying files into a container and out of it. */

import { callLife } from "../../native/life.ts";
import { filesOf } from "./files.ts";
import type { Place } from "./store.ts";

/** How files are copied. */
export interface CopyOptions {
  /** A link is copied as what it leads to; of a folder's own links none is. */
  followLink?: boolean;
}

/** One side of a copy: a path of the host's, or of a container's root. */
export interface CopySide {
  path: string;
  /** Absent: the host. */
  container?: Place;
}

/**
 * Copies a file, a link, or a folder with all that is in it.
 *
 * @returns what was left out, a sentence each
 * @throws {StateError} where a container has no root filesystem of its own
 * @throws {SystemError} where a path cannot be read or written; what was copied by then stays
 */
export async function copyFiles(from: CopySide, to: CopySide, { followLink }: CopyOptions = {}): Promise<string[]> {
  const request = { from: await asked(from), to: await asked(to), followLink };
  const { leftOut } = await callLife<{ leftOut: string[] }>("copy", request);
  return leftOut;
}

async function asked({ path, container }: CopySide) {
  return { path, ...(container && { container: await filesOf(container) }) };
}
