/**
 * `parseArgs` with the signature and the documented behaviour of `@std/cli/parse-args`.
 *
 * It is on the start-up path of the command line, so it imports nothing and prepares nothing at load.
 *
 * Left out: `boolean: true`, and dotted names: `--a.b` sets `"a.b"`, it does not nest.
 *
 * @module
 */

/**
 * What {@linkcode parseArgs} is told about the options; each list takes one name or an array of them.
 *
 * @example Options kept in a constant
 * ```ts
 * import { parseArgs, type ParseOptions } from "@std/cli/parse-args";
 *
 * const options: ParseOptions<"verbose", "name"> = { boolean: "verbose", string: "name" };
 * const { verbose, name } = parseArgs(["--name", "web"], options);
 * console.assert(verbose === false && name === "web");
 * ```
 */
export interface ParseOptions<
  TBooleans extends string = string,
  TStrings extends string = string,
  TCollectable extends string = string,
  TNegatable extends string = string,
  TDefaults extends Record<string, unknown> = Record<string, unknown>,
  TAliases extends Aliases = Aliases,
  TDoubleDash extends boolean | undefined = boolean | undefined,
> {
  /** Whether what follows `--` is kept apart, in `"--"`; otherwise it ends `_`. */
  "--"?: TDoubleDash;
  /** Further names of an option; a value given to one is stored under all. */
  alias?: TAliases;
  /** Options that take no value but `true` and `false`; `false` unless given. */
  boolean?: TBooleans | readonly TBooleans[];
  /** Options whose values are collected into an array, which replaces the default; `[]` unless given. */
  collect?: TCollectable | readonly TCollectable[];
  /** Values of options that are not given. */
  default?: TDefaults;
  /** Options that `--no-NAME` sets to `false`. */
  negatable?: TNegatable | readonly TNegatable[];
  /** Whether the first argument that is no option ends the options: what follows it goes into `_` unread. */
  stopEarly?: boolean;
  /** Options whose values stay strings, `""` without a value; `"_"` keeps the positional arguments strings. */
  string?: TStrings | readonly TStrings[];
  /** Called for each undeclared option, and with `arg` alone for each positional; `false` drops the argument. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * What {@linkcode parseArgs} returns: the values by name, and in `_` what belongs to no option.
 *
 * @example A function that takes the result
 * ```ts
 * import { type Args, parseArgs } from "@std/cli/parse-args";
 *
 * const countPositionals = (args: Args) => args._.length;
 * console.assert(countPositionals(parseArgs(["run", "alpine"])) === 2);
 * ```
 */
export type Args<
  // deno-lint-ignore no-explicit-any -- std's default, so that the two can be exchanged
  TArgs extends Record<string, unknown> = Record<string, any>,
  TDoubleDash extends boolean | undefined = undefined,
> =
  & TArgs
  & { _: (string | number)[] }
  & (boolean extends TDoubleDash ? { "--"?: string[] } : true extends TDoubleDash ? { "--": string[] } : unknown);

/** @internal */
type Aliases = Readonly<Record<string, string | readonly string[]>>;

type NamesOf<TKey, TAliases> = TKey extends keyof TAliases
  ? TKey | (TAliases[TKey] extends readonly (infer TName)[] ? TName : TAliases[TKey])
  : TKey;

type ValueOf<TKey, TBooleans, TStrings, TCollectable, TNegatable> =
  | (TKey extends TNegatable ? false : never)
  | (TKey extends TCollectable ? ScalarOf<TKey, TBooleans, TStrings>[] : ScalarOf<TKey, TBooleans, TStrings>);

type ScalarOf<TKey, TBooleans, TStrings> = TKey extends TBooleans ? boolean : TKey extends TStrings ? string : unknown;

type LiteralKeysOf<TRecord> = string extends keyof TRecord ? never : keyof TRecord;

/** @internal */
type Values<
  TBooleans extends string,
  TStrings extends string,
  TCollectable extends string,
  TNegatable extends string,
  TDefaults,
  TAliases,
> = [TBooleans | TStrings | TCollectable] extends [never] ? AnyValues
  : string extends TBooleans | TStrings | TCollectable ? AnyValues
  :
    & Record<string, unknown>
    & {
      [
        TKey in TBooleans | TCollectable | LiteralKeysOf<TDefaults> as NamesOf<TKey, TAliases> & PropertyKey
      ]:
        | (TKey extends keyof TDefaults ? TDefaults[TKey] : never)
        | ValueOf<TKey, TBooleans, TStrings, TCollectable, TNegatable>;
    }
    & {
      [
        TKey in Exclude<TStrings, TCollectable | LiteralKeysOf<TDefaults>> as
          & NamesOf<TKey, TAliases>
          & PropertyKey
      ]?: ValueOf<TKey, TBooleans, TStrings, TCollectable, TNegatable>;
    };

// deno-lint-ignore no-explicit-any -- as in std: undeclared options are of any type
type AnyValues = Record<string, any>;

/**
 * Reads command line arguments into an object.
 *
 * Understood are `--name value`, `--name=value`, `--name`, `-n value`, `-n=value`, `-n5`, `-n/path`, `-n`, the group
 * `-abc` and, for negatable names, `--no-name`. `--` ends the options wherever it stands, also after a positional with
 * `stopEarly`, and is itself dropped. A boolean option takes the next argument only if that is `true` or `false`.
 *
 * A value that looks like a number becomes one unless its option is declared as string or boolean. Of repeated options
 * the last counts, unless they are collected. The names `__proto__` and `constructor` are ignored.
 *
 * Where std's parser loses input, this one keeps it: `""` after an option is its value, `-ab=c` sets both `a` and `b`,
 * and `-b=false` turns a declared boolean off.
 *
 * @param args the arguments, usually `Deno.args`
 * @param options what is known of the options; without it every value is guessed
 * @returns the values by name, under every alias, and `_` with the positional arguments
 * @example Declared options
 * ```ts
 * import { parseArgs } from "@std/cli/parse-args";
 * import { assertEquals } from "@std/assert";
 *
 * const args = parseArgs(["--memory", "64", "-e", "A=1", "-e", "B=2", "--no-network", "alpine"], {
 *   boolean: ["network"],
 *   string: ["memory", "env"],
 *   collect: ["env"],
 *   negatable: ["network"],
 *   alias: { env: "e" },
 * });
 * assertEquals(args.memory, "64");
 * assertEquals(args.env, ["A=1", "B=2"]);
 * assertEquals(args.network, false);
 * assertEquals(args._, ["alpine"]);
 * ```
 * @example A program's own options pass through
 * ```ts
 * import { parseArgs } from "@std/cli/parse-args";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(parseArgs(["--tty", "ls", "-l"], { boolean: ["tty"], stopEarly: true }), { tty: true, _: ["ls", "-l"] });
 * ```
 */
export function parseArgs<
  TArgs extends Values<TBooleans, TStrings, TCollectable, TNegatable, TDefaults, TAliases>,
  TDoubleDash extends boolean | undefined = undefined,
  TBooleans extends string = never,
  TStrings extends string = never,
  TCollectable extends string = never,
  TNegatable extends string = never,
  TDefaults extends Record<string, unknown> = Record<never, never>,
  const TAliases extends Aliases = Record<never, never>,
>(
  args: string[],
  options: ParseOptions<TBooleans, TStrings, TCollectable, TNegatable, TDefaults, TAliases, TDoubleDash> = {},
): Args<TArgs, TDoubleDash> {
  const reader = new Reader(options as ParseOptions);
  const end = args.indexOf("--");
  const beforeDashes = end === -1 ? args : args.slice(0, end);
  const afterDashes = end === -1 ? [] : args.slice(end + 1);
  let unread: string[] = [];

  for (let at = 0; at < beforeDashes.length; at++) {
    const arg = beforeDashes[at];
    if (isOption(arg)) {
      const next: string | undefined = beforeDashes[at + 1];
      const tookNext = arg.startsWith("--") ? reader.readLong(arg, next) : reader.readShorts(arg, next);
      if (tookNext) at++;
    } else {
      reader.readPositional(arg);
      if (options.stopEarly) {
        unread = beforeDashes.slice(at + 1);
        break;
      }
    }
  }

  const values = reader.valuesWithDefaults();
  const parsed = options["--"]
    ? { ...values, _: reader.positionals.concat(unread), "--": afterDashes }
    : { ...values, _: reader.positionals.concat(unread, afterDashes) };
  return parsed as unknown as Args<TArgs, TDoubleDash>;
}

/** A declared option, shared by all its names. */
interface Option {
  readonly names: readonly string[];
  isBoolean?: true;
  isString?: true;
  isCollected?: true;
  isNegatable?: true;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const DIGITS = "0123456789";

// It runs once, cold: compiling it is what costs, patterns and destructured iteration most of all.
class Reader {
  readonly positionals: (string | number)[] = [];
  readonly #values: Record<string, unknown> = {};
  readonly #declared = new Map<string, Option>();
  readonly #options: ParseOptions;

  constructor(options: ParseOptions) {
    this.#options = options;
    const alias = options.alias ?? {};
    for (const name of Object.keys(alias)) {
      const option = { names: [name].concat(alias[name]) };
      for (const each of option.names) this.#declared.set(each, option);
    }
    this.#declare(options.boolean, "isBoolean");
    this.#declare(options.string, "isString");
    this.#declare(options.collect, "isCollected");
    this.#declare(options.negatable, "isNegatable");
  }

  #declare(names: string | readonly string[] = [], trait: Exclude<keyof Option, "names">): void {
    for (const name of typeof names === "string" ? [names] : names) {
      const option: Option = this.#declared.get(name) ?? { names: [name] };
      option[trait] = true;
      this.#declared.set(name, option);
    }
  }

  readPositional(arg: string): void {
    if (this.#options.unknown?.(arg) === false) return;
    this.positionals.push(this.#declared.get("_")?.isString ? arg : numberIfNumeric(arg));
  }

  /** Returns whether `next` was taken as the value. */
  readLong(arg: string, next: string | undefined): boolean {
    // From 3 on: the name in `--=x` is not empty.
    const equals = arg.indexOf("=", 3);
    const negated = equals === -1 && arg.startsWith("--no-") ? arg.slice("--no-".length) : "";
    if (equals !== -1) {
      this.#store(arg, arg.slice(2, equals), arg.slice(equals + 1));
    } else if (this.#declared.get(negated)?.isNegatable) {
      this.#store(arg, negated, false);
    } else {
      return this.#storeWithNext(arg, arg.slice(2), next?.startsWith("-") ? undefined : next);
    }
    return false;
  }

  /** Returns whether `next` was taken as the value. */
  readShorts(arg: string, next: string | undefined): boolean {
    const last = arg.length - 1;
    for (let at = 1; at < last; at++) {
      const value = attachedValue(arg.slice(at));
      this.#store(arg, arg[at], value);
      if (value !== undefined) return false;
    }
    return this.#storeWithNext(arg, arg[last], next !== undefined && isOption(next) ? undefined : next);
  }

  valuesWithDefaults(): Record<string, unknown> {
    const defaults = this.#options.default ?? {};
    for (const name of Object.keys(defaults)) {
      if (!Object.hasOwn(this.#values, name)) this.#set(this.#declared.get(name)?.names ?? [name], defaults[name]);
    }
    this.#declared.forEach((option, name) => {
      if (Object.hasOwn(this.#values, name)) return;
      if (option.isCollected) this.#set([name], []);
      else if (option.isBoolean) this.#set([name], false);
    });
    return this.#values;
  }

  #storeWithNext(arg: string, name: string, next: string | undefined): boolean {
    const isTaken = next !== undefined &&
      (!this.#declared.get(name)?.isBoolean || next === "true" || next === "false");
    this.#store(arg, name, isTaken ? next : undefined);
    return isTaken;
  }

  #store(arg: string, name: string, given: string | false | undefined): void {
    const option = this.#declared.get(name);
    let value: string | number | boolean = given ?? (option?.isString ? "" : true);
    if (option === undefined && this.#options.unknown?.(arg, name, value) === false) return;
    if (typeof value === "string" && !option?.isString) {
      value = option?.isBoolean ? value !== "false" : numberIfNumeric(value);
    }
    this.#set(option?.names ?? [name], value, option?.isCollected && given !== false);
  }

  #set(names: readonly string[], value: unknown, isCollected = false): void {
    for (const name of names) {
      if (name === "__proto__" || name === "constructor") continue;
      const current = this.#values[name];
      if (!isCollected) this.#values[name] = value;
      else if (Array.isArray(current)) current.push(value);
      else this.#values[name] = [value];
    }
  }
}

function isOption(arg: string): boolean {
  return arg.startsWith("-") && arg !== "-";
}

/** The value in `n5`, `nweb1`, `n=x` or `n/x`: a number at a letter's end, or whatever begins with punctuation. */
function attachedValue(letters: string): string | undefined {
  if (letters[1] === "=") return letters.slice(2);
  const beginsWithPunctuation = !`${LETTERS}${DIGITS}_`.includes(letters[1]);
  const endsInNumber = DIGITS.includes(letters[letters.length - 1]);
  return beginsWithPunctuation || endsInNumber && LETTERS.includes(letters[0]) ? letters.slice(1) : undefined;
}

function numberIfNumeric(value: string): string | number {
  const number = value.trim() === "" ? NaN : Number(value);
  return Number.isFinite(number) ? number : value;
}
