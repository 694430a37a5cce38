/** The text of a bundle's `config.json`: as much of it is looked at here as is needed to say what is wrong. Pure. */

import { SpecError } from "../native/errors.ts";
import { kindOf } from "./check.ts";
import type { Spec } from "./types.ts";

/** A configuration as it came, and what it says; JavaScript's numbers are not exact, so the text crosses. */
export interface ConfigText {
  text: string;
  spec: Partial<Spec>;
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:[-+].*)?$/;

/**
 * Reads a configuration.
 *
 * @param text JSON
 * @param what the file's name, for messages
 * @throws {SpecError} where it is none, or follows a version that is not known
 */
export function readConfig(text: string, what = "config.json"): ConfigText {
  const spec = readObject(text, what) as Partial<Spec>;
  const version: unknown = spec.ociVersion;
  if (typeof version !== "string") {
    throw new SpecError("ociVersion", `must be the version of the runtime-spec; it is ${kindOf(version)}`);
  }
  const [, major] = VERSION.exec(version) ?? [];
  if (major === undefined) throw new SpecError("ociVersion", `must be such as 1.2.0; it is ${JSON.stringify(version)}`);
  if (major !== "1") throw new SpecError("ociVersion", `only 1.x is known; it is ${version}`);
  return { text, spec };
}

/** @throws {SpecError} where a text is no object of JSON */
export function readObject(text: string, what: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SpecError("", `${what} is no JSON: ${(error as Error).message.split("\n")[0]}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SpecError("", `${what} must hold an object; it holds ${kindOf(value)}`);
}
