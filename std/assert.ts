// deno-lint-ignore-file no-explicit-any -- std's signatures: any constructor, any object
/**
 * The assertions of `@std/assert` that the tests use, with std's signatures, over `node:assert/strict`.
 * Deep equality is Node's: unlike std's, it tells `0` from `-0` and `{}` from an object without prototype.
 * The examples below leave out `import { ... } from "@std/assert"`.
 *
 * @module
 */

import * as strict from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

/** @internal */
type Class<T> = abstract new (...args: any[]) => T;
/** @internal */
type Elements<T> = ArrayLike<T> & object;
/** @internal */
type ExpectedError = [msg?: string] | [ErrorClass?: Class<Error>, msgIncludes?: string, msg?: string];

/**
 * What every failed assertion throws.
 * @example Usage
 * ```ts
 * assertThrows(() => assert(false, "no address"), AssertionError, "no address");
 * ```
 */
export class AssertionError extends Error {
  /** What `Error` prints before the message. */
  override readonly name = "AssertionError";
}

/**
 * Asserts that a value is truthy, and narrows its type to that.
 * @param expr the value
 * @param msg the failure's message
 * @example Usage
 * ```ts
 * assert("sandbox".includes("box"));
 * ```
 */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/**
 * Asserts that two values are deeply equal.
 * @param actual the value found
 * @param expected the value wanted
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertEquals({ argv: ["ls", "-l"] }, { argv: ["ls", "-l"] });
 * ```
 */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  failWithDiff(() => strict.deepStrictEqual(actual, expected), "Values are not equal", msg);
}

/**
 * Asserts that two values are not deeply equal.
 * @param actual the value found
 * @param expected the value not wanted
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertNotEquals({ pid: 1 }, { pid: 2 });
 * ```
 */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (isDeepStrictEqual(actual, expected)) failWith(`Expected actual: ${show(actual)} not to equal expected`, msg);
}

/**
 * Asserts that two values are the same by `Object.is`, and narrows the type of the first.
 * @param actual the value found
 * @param expected the value wanted
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertStrictEquals(Number("x"), NaN);
 * ```
 */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  failWithDiff(() => strict.strictEqual(actual, expected), "Values are not strictly equal", msg);
}

/**
 * Asserts that a value is neither `null` nor `undefined`, and narrows its type to that.
 * @param actual the value
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertExists(new Map([["PATH", "/bin"]]).get("PATH"));
 * ```
 */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === undefined || actual === null) failWith(`Expected a value, but got: ${actual}`, msg);
}

/**
 * Asserts that a function throws, anything at all.
 * @param fn the function, called once without arguments
 * @param msg added to the failure's message
 * @returns what was thrown
 */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/**
 * Asserts that a function throws an error of a class.
 * @param fn the function, called once without arguments
 * @param ErrorClass the error's class or a superclass
 * @param msgIncludes what the error's message contains
 * @param msg added to the failure's message
 * @returns the error
 * @example Usage
 * ```ts
 * assertThrows(() => JSON.parse("{"), SyntaxError, "JSON");
 * ```
 */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...expected: ExpectedError): unknown {
  try {
    fn();
  } catch (error) {
    return checkError(error, expected);
  }
  failWith("Expected function to throw", messageIn(expected));
}

/**
 * Asserts that a function returns a promise that rejects, with anything at all.
 * @param fn the function, called once without arguments; it fails the assertion by throwing itself
 * @param msg added to the failure's message
 * @returns what the promise was rejected with
 */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Asserts that a function returns a promise that rejects with an error of a class.
 * @param fn the function, called once without arguments; it fails the assertion by throwing itself
 * @param ErrorClass the error's class or a superclass
 * @param msgIncludes what the error's message contains
 * @param msg added to the failure's message
 * @returns the error
 * @example Usage
 * ```ts
 * await assertRejects(() => new Response("{").json(), SyntaxError, "JSON");
 * ```
 */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Class<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(fn: () => PromiseLike<unknown>, ...expected: ExpectedError): Promise<unknown> {
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (cause) {
    failWith("Function throws when expected to reject", messageIn(expected), { cause });
  }
  const [outcome] = await Promise.allSettled([promise]);
  if (outcome.status === "rejected") return checkError(outcome.reason, expected);
  failWith("Expected function to reject", messageIn(expected));
}

/**
 * Asserts that a string matches a pattern.
 * @param actual the string
 * @param expected the pattern
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertMatch("sandbox-7f", /^sandbox-[0-9a-f]+$/);
 * ```
 */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) failWith(`Expected actual: "${actual}" to match: "${expected}"`, msg);
}

/**
 * Asserts that a string contains another.
 * @param actual the string
 * @param expected the part
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertStringIncludes("clone: Operation not permitted", "not permitted");
 * ```
 */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) failWith(`Expected actual: "${actual}" to contain: "${expected}"`, msg);
}

/**
 * Asserts that each of some values deeply equals an element of an array.
 * @param actual the array
 * @param expected the values, in any order
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertArrayIncludes([{ fd: 0 }, { fd: 1 }, { fd: 2 }], [{ fd: 2 }, { fd: 0 }]);
 * ```
 */
export function assertArrayIncludes<T>(actual: Elements<T>, expected: Elements<T>, msg?: string): void {
  const elements = Array.from(actual);
  const missing = Array.from(expected).filter((value) => !elements.some((each) => isDeepStrictEqual(each, value)));
  if (missing.length > 0) failWith(`Expected actual: ${show(elements)} to include: ${show(missing)}`, msg);
}

/**
 * Asserts that an object has what another has: deeply, in keys, leading elements, and entries of maps and sets.
 * @param actual the object found, whatever its class
 * @param expected the part wanted
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertObjectMatch({ state: { pid: 7, status: "running" }, id: "a" }, { state: { status: "running" } });
 * ```
 */
export function assertObjectMatch(
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  if (!contains(actual, expected)) failWith(`Expected actual: ${show(actual)} to contain: ${show(expected)}`, msg);
}

/**
 * Asserts that a value is an instance of a class, and narrows its type to that.
 * @param actual the value
 * @param expectedType its class or a superclass
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertInstanceOf(new TypeError("no such field"), Error);
 * ```
 */
export function assertInstanceOf<T extends Class<unknown>>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  failWith(`Expected object to be an instance of "${expectedType.name}" but was: ${show(actual)}`, msg);
}

/**
 * Asserts that a value is greater than another.
 * @param actual the value
 * @param expected the other
 * @param msg the failure's message
 * @example Usage
 * ```ts
 * assertGreater(2, 1);
 * ```
 */
export function assertGreater<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual > expected)) throw new AssertionError(msg ?? `Expect ${show(actual)} > ${show(expected)}`);
}

/**
 * Asserts that a value is greater than or equal to another.
 * @param actual the value
 * @param expected the other
 * @param msg the failure's message
 * @example Usage
 * ```ts
 * assertGreaterOrEqual(2, 2);
 * ```
 */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual >= expected)) throw new AssertionError(msg ?? `Expect ${show(actual)} >= ${show(expected)}`);
}

/**
 * Asserts that a value is less than another.
 * @param actual the value
 * @param expected the other
 * @param msg the failure's message
 * @example Usage
 * ```ts
 * assertLess(1, 2);
 * ```
 */
export function assertLess<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual < expected)) throw new AssertionError(msg ?? `Expect ${show(actual)} < ${show(expected)}`);
}

/**
 * Asserts that a value is less than or equal to another.
 * @param actual the value
 * @param expected the other
 * @param msg the failure's message
 * @example Usage
 * ```ts
 * assertLessOrEqual(2, 2);
 * ```
 */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string): void {
  if (!(actual <= expected)) throw new AssertionError(msg ?? `Expect ${show(actual)} <= ${show(expected)}`);
}

/**
 * Asserts that two numbers are equal but for rounding.
 * @param actual the number found
 * @param expected the number wanted
 * @param tolerance how far apart they may be; a ten-millionth of `expected` unless given
 * @param msg added to the failure's message
 * @example Usage
 * ```ts
 * assertAlmostEquals(0.1 + 0.2, 0.3);
 * ```
 */
export function assertAlmostEquals(actual: number, expected: number, tolerance?: number, msg?: string): void {
  const allowed = tolerance ?? (Number.isFinite(expected) ? Math.abs(expected * 1e-7) : 1e-7);
  if (Object.is(actual, expected) || Math.abs(expected - actual) <= allowed) return;
  failWith(`Expected actual: "${actual}" to be close to "${expected}", by "${allowed}"`, msg);
}

/**
 * Fails.
 * @param msg why
 * @returns never
 * @example Usage
 * ```ts
 * assertThrows(() => fail("left running"), AssertionError, "left running");
 * ```
 */
export function fail(msg?: string): never {
  failWith("Failed assertion", msg);
}

/**
 * Fails where the code must not get to.
 * @param msg why
 * @returns never
 * @example Usage
 * ```ts
 * assertThrows(() => unreachable("no such state"), AssertionError, "no such state");
 * ```
 */
export function unreachable(msg?: string): never {
  failWith("Unreachable", msg);
}

function failWith(message: string, msg?: string, options?: ErrorOptions): never {
  throw new AssertionError(msg ? `${message}: ${msg}` : `${message}.`, options);
}

function failWithDiff(check: () => void, message: string, msg?: string): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof strict.AssertionError)) throw error;
    throw new AssertionError(`${message}${msg ? `: ${msg}` : "."}\n${error.message}`);
  }
}

function messageIn(expected: ExpectedError): string | undefined {
  return typeof expected[0] === "string" ? expected[0] : expected[2];
}

function checkError(error: unknown, expected: ExpectedError): unknown {
  const [ErrorClass, msgIncludes = ""] = expected;
  if (typeof ErrorClass !== "function") return error;
  if (error instanceof ErrorClass && error.message.includes(msgIncludes)) return error;
  const problem = error instanceof ErrorClass
    ? `Expected error message to include ${show(msgIncludes)}, but got ${show(error.message)}`
    : `Expected error to be instance of "${ErrorClass.name}", but was: ${show(error)}`;
  failWith(problem, messageIn(expected), { cause: error });
}

function contains(actual: any, expected: any, seen = new Map<unknown, Set<unknown>>()): boolean {
  if (seen.get(actual)?.has(expected)) return true;
  seen.set(actual, (seen.get(actual) ?? new Set()).add(expected));
  const [kind, actualKind] = [expected, actual].map((value) => Object.prototype.toString.call(value));
  switch (kind === actualKind && kind) {
    case "[object Object]":
    case "[object Array]":
      return Reflect.ownKeys({ ...expected }).every((key) =>
        key in actual && contains(actual[key], expected[key], seen)
      );
    case "[object Map]":
      return [...expected].every(([key, value]) => actual.has(key) && contains(actual.get(key), value, seen));
    case "[object Set]":
      return [...expected].every((value) => actual.has(value));
    default:
      return isDeepStrictEqual(actual, expected);
  }
}

function show(value: unknown): string {
  return Deno.inspect(value, { depth: Infinity, iterableLimit: Infinity, strAbbreviateSize: Infinity });
}
