/** What a value must be, each check with the field that it names; callers' values are JavaScript's, unchecked. */

import { SpecError } from "../native/errors.ts";

/** @throws {SpecError} where `value` is no string, or none that the kernel can have */
export function text(path: string, value: unknown): string {
  if (typeof value !== "string") throw new SpecError(path, `must be a string; it is ${kindOf(value)}`);
  const place = value.indexOf("\0");
  if (place !== -1) throw new SpecError(path, `must not contain a NUL character; there is one at ${place}`);
  if (!value.isWellFormed()) throw new SpecError(path, "must be well-formed; it has half of a surrogate pair");
  return value;
}

/** @throws {SpecError} where `value` is no {@linkcode text}, or empty; `what` it must name */
export function name(path: string, value: unknown, what: string): string {
  const checked = text(path, value);
  if (checked === "") throw new SpecError(path, `must name ${what}; it is empty`);
  return checked;
}

/** @throws {SpecError} where `value` is no absolute path */
export function absolute(path: string, value: unknown): string {
  const checked = text(path, value);
  if (!checked.startsWith("/")) throw new SpecError(path, `must be an absolute path; it is ${shown(checked)}`);
  return checked;
}

/** @throws {SpecError} where `value` is no array */
export function list<T>(path: string, value: unknown, entry: (path: string, value: unknown) => T): T[] {
  if (!Array.isArray(value)) throw new SpecError(path, `must be an array; it is ${kindOf(value)}`);
  // Not `map`, which passes over holes.
  return Array.from(value, (each, index) => entry(`${path}[${index}]`, each));
}

/** @throws {SpecError} where `value` is no array of {@linkcode text} */
export function texts(path: string, value: unknown): string[] {
  if (!Array.isArray(value)) throw new SpecError(path, `must be an array of strings; it is ${kindOf(value)}`);
  return list(path, value, text);
}

/** @throws {SpecError} where `value` is neither absent nor true or false */
export function flag(path: string, value: unknown): boolean | undefined {
  if (value !== undefined && typeof value !== "boolean") {
    throw new SpecError(path, `must be true or false; it is ${kindOf(value)}`);
  }
  return value;
}

/** @throws {SpecError} where `value` is no whole number from `least` to `most` */
export function whole(path: string, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new SpecError(path, `must be a whole number from ${least} to ${most}; it is ${shown(value)}`);
}

/** @throws {SpecError} where `value` is no object */
export function object(path: string, value: unknown): Record<string, unknown> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new SpecError(path, `must be an object; it is ${kindOf(value)}`);
}

/** A copy of an object. @throws {SpecError} where it is no plain data, as JSON has it */
export function plain<T>(path: string, value: unknown): T {
  object(path, value);
  try {
    return JSON.parse(JSON.stringify(value));
  } catch (error) {
    throw new SpecError(path, `must be plain data, as JSON has it; ${(error as Error).message.split("\n")[0]}`);
  }
}

/** @throws {SpecError} where `value` is none of some words */
export function oneOf<T extends string>(path: string, value: unknown, words: readonly T[]): T {
  if (words.includes(value as T)) return value as T;
  throw new SpecError(path, `must be one of ${words.join(", ")}; it is ${shown(value)}`);
}

/** The check's result, or nothing where there is nothing to check. */
export function ifGiven<T>(
  path: string,
  value: unknown,
  check: (path: string, value: unknown) => T,
): T | undefined {
  return value === undefined ? undefined : check(path, value);
}

/** A value as a message has it. */
export function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : typeof value === "number" ? `${value}` : kindOf(value);
}

/** The kind of a value, as a message has it. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === undefined) return "missing";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/** An object without the fields that are absent. */
export function present<T extends object>(fields: T): T {
  const found: Partial<T> = {};
  for (const field in fields) if (fields[field] !== undefined) found[field] = fields[field];
  return found as T;
}
