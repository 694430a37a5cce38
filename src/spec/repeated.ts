/**
 * The specs of the configurations that were run last: who runs a program again has it checked and put into words once,
 * which for a container takes 50 µs. A configuration is compared field by field, for its owner may have changed it.
 */

import type { NamespaceExecConfig } from "./exec_config.ts";
import { argumentsOf } from "./program.ts";
import type { Spec } from "./types.ts";

interface Remembered {
  names: string[];
  values: unknown[];
  /** Nobody changes a spec once it is made. */
  spec: Spec;
}

const MOST = 8;
const remembered: Remembered[] = [];
let next = 0;

/**
 * The spec of a configuration that says what one before it said, in the same order; of its arguments, which differ more
 * often than anything else, it may say something else.
 *
 * @throws {SpecError} where those are none
 */
export function repeatedSpec(config: NamespaceExecConfig): Spec | undefined {
  if (!isOrdinary(config)) return undefined;
  let alike: Remembered | undefined;
  for (const former of remembered) {
    const differs = difference(config, former);
    if (differs === "nothing") return former.spec;
    if (differs === "arguments") alike = former;
  }
  return alike === undefined ? undefined : remember(config, withArguments(alike.spec, argumentsOf(config)));
}

function withArguments(spec: Spec, args: string[]): Spec {
  return { ...spec, process: { ...spec.process, args } };
}

/** Remembers the spec of a configuration that has only texts, numbers, truths and lists of them. */
export function remember(config: object, spec: Spec): Spec {
  const names = Object.keys(config);
  const values = names.map((name) => config[name as keyof typeof config] as unknown);
  if (!isOrdinary(config) || !hasNoOther(config, names.length) || !values.every(isComparable)) return spec;
  const copies = values.map((value) => Array.isArray(value) ? [...value] : value);
  remembered[next] = { names, values: copies, spec };
  next = (next + 1) % MOST;
  return spec;
}

/** Whether it can be told later that it still says the same. */
function isComparable(value: unknown): boolean {
  return typeof value !== "object" || (Array.isArray(value) && value.every((each) => typeof each !== "object"));
}

/** Whether all that it says is in fields of its own. */
function isOrdinary(config: object): boolean {
  return Object.getPrototypeOf(config) === Object.prototype;
}

/** Whether it has no field but so many that can be enumerated. */
function hasNoOther(config: object, count: number): boolean {
  return Object.getOwnPropertyNames(config).length === count;
}

/**
 * In what a configuration differs.
 *
 * By `for … in`, for which an object of a known shape has its fields' names and places at hand.
 */
function difference(config: object, { names, values }: Remembered): "nothing" | "arguments" | "more" {
  let index = 0;
  let differs: "nothing" | "arguments" = "nothing";
  for (const name in config) {
    if (name !== names[index]) return "more";
    const value: unknown = config[name as keyof typeof config];
    if (value !== values[index] && !isSameList(value, values[index])) {
      if (name !== "argv") return "more";
      differs = "arguments";
    }
    index++;
  }
  return index === names.length && hasNoOther(config, index) ? differs : "more";
}

function isSameList(value: unknown, former: unknown): boolean {
  if (!Array.isArray(value) || !Array.isArray(former) || value.length !== former.length) return false;
  // Not by `every`, which passes over what is not there.
  for (let index = 0; index < value.length; index++) if (value[index] !== former[index]) return false;
  return true;
}
