/**
 * Holds `@std/cli/parse-args` and `@std/assert`, as the import map resolves them, to what std documents.
 *
 * @module
 */

import {
  assert,
  assertAlmostEquals,
  assertArrayIncludes,
  assertEquals,
  assertExists,
  assertGreater,
  assertGreaterOrEqual,
  assertInstanceOf,
  AssertionError,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertNotEquals,
  assertObjectMatch,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
  unreachable,
} from "@std/assert";
import { type Args, parseArgs, type ParseOptions } from "@std/cli/parse-args";

/** What it does; the command line; what is parsed, `_` aside when it is empty; the options. */
type ParseCase = [does: string, args: string | string[], parsed: Partial<Args>, options?: ParseOptions];

const documented: ParseCase[] = [
  ["returns no positionals when there are no arguments", [], {}],
  ["sets true when a long option has no value", "--rm", { rm: true }],
  ["takes the next argument when it is no option", "--name web", { name: "web" }],
  ["leaves the next argument when it is an option", "--a --b", { a: true, b: true }],
  ["splits at the first = when there are more", "--env=A=1=2", { env: "A=1=2" }],
  ["keeps = in the name when nothing precedes it", "--=x", { "=x": true }],
  ["keeps a dash when it begins a value after =", "--nice=-x", { nice: "-x" }],
  ["keeps newlines when a value has them", ["--s=a\nb"], { s: "a\nb" }],
  ["sets an empty string when nothing follows =", "--s= -t= a", { s: "", t: "", _: ["a"] }],
  ["takes the next argument when a short option precedes", "-n web", { n: "web" }],
  ["takes what follows = when the option is short", "-n=a=b", { n: "a=b" }],
  ["takes a number when it sticks to a short option", "-n512", { n: 512 }],
  ["takes a path when it sticks to a short option", "-xI/usr/lib", { x: true, I: "/usr/lib" }],
  ["sets each letter when shorts are grouped", "-abc", { a: true, b: true, c: true }],
  ["gives the value to the last when shorts are grouped", "-ip 80", { i: true, p: 80 }],
  ["reads digits as options when one comes first", "-12 x", { 1: true, 2: "x" }],
  ["keeps a lone dash when it is positional", "-", { _: ["-"] }],
  ["takes a lone dash when a short option precedes", "-f - -g-", { f: "-", g: "-" }],
  ["counts the last when an option is repeated", "-v a -v b", { v: "b" }],
  ["makes numbers when values look like them", "-a 12 -b 5.67 -c 1e3 -d 0xf 7", {
    a: 12,
    b: 5.67,
    c: 1000,
    d: 15,
    _: [7],
  }],
  ["keeps strings when values only begin like numbers", "-a 10f 7up", { a: "10f", _: ["7up"] }],
  ["keeps blanks when a value is nothing else", ["-x", "\t", " "], { x: "\t", _: [" "] }],
  ["keeps digits when the option is a string", "--id 007 -u 0", { id: "007", u: "0" }, { string: ["id", "u"] }],
  ["sets an empty string when a string has no value", "-ab --c", { a: "", b: "", c: "" }, { string: ["a", "b", "c"] }],
  ["omits a string option when it is not given", [], {}, { string: "s" }],
  ["keeps positionals strings when _ is declared so", "08", { _: ["08"] }, { string: "_" }],
  ["sets false when a boolean is not given", [], { t: false }, { boolean: "t" }],
  ["leaves the next argument when the option is boolean", "--tty 5 -i sh", { tty: true, i: true, _: [5, "sh"] }, {
    boolean: ["tty", "i"],
  }],
  ["takes true and false when the option is boolean", "--a false -b true --c=false", { a: false, b: true, c: false }, {
    boolean: ["a", "b", "c"],
    default: { a: true },
  }],
  ["reads --no- when the option is negatable", "--net --no-net", { net: false }, { boolean: "net", negatable: "net" }],
  ["counts the last when a negation precedes", "--no-net --net", { net: true }, { boolean: "net", negatable: "net" }],
  ["keeps no- in the name when not negatable", "--no-net", { "no-net": true }],
  [
    "makes an array when the option is collected",
    "--env A -e B --env=1",
    { env: ["A", "B", "1"], e: ["A", "B", "1"] },
    {
      string: "env",
      collect: "env",
      alias: { env: "e" },
    },
  ],
  ["sets [] when a collected option is not given", [], { env: [], v: [] }, {
    string: "env",
    boolean: "v",
    collect: ["env", "v"],
  }],
  ["replaces the default when a collected option is given", "--env A", { env: ["A"] }, {
    string: "env",
    collect: "env",
    default: { env: ["Z"] },
  }],
  ["sets false when a collected option is negated", "--env A --no-env", { env: false }, {
    string: "env",
    collect: "env",
    negatable: "env",
  }],
  ["stores under every name when there are aliases", "--mem 5", { memory: "5", m: "5", mem: "5" }, {
    string: "memory",
    alias: { memory: ["m", "mem"] },
  }],
  ["knows the type when only an alias is declared", "--tty sh", { tty: true, t: true, _: ["sh"] }, {
    boolean: "t",
    alias: { tty: "t" },
  }],
  ["uses defaults when options are not given", "-b 2", { a: 1, x: 1, b: 2, c: null }, {
    default: { a: 1, b: 1, c: null },
    alias: { a: "x" },
  }],
  ["leaves the rest unread when stopEarly is set", "-t x ls -l 5", { t: "x", _: ["ls", "-l", "5"] }, {
    stopEarly: true,
  }],
  ["drops -- when stopEarly met a positional before it", "ls -l -- -a", { _: ["ls", "-l", "-a"] }, { stopEarly: true }],
  ["ends the options when -- comes", "-a -- -b 5", { a: true, _: ["-b", "5"] }],
  ["keeps what follows -- apart when asked", "run -- -b --", { _: ["run"], "--": ["-b", "--"] }, { "--": true }],
  ["returns an empty -- when asked and there is none", "run", { _: ["run"], "--": [] }, { "--": true }],
];

const whereStdLosesInput: ParseCase[] = [
  ["takes an empty argument when an option precedes", ["--name", "", "-u", ""], { name: "", u: "" }],
  ["sets both when = ends a group", "-ab=c", { a: true, b: "c" }],
  ["sets false when a short boolean has =", "-t=false", { t: false }, { boolean: "t" }],
];

for (const [does, args, parsed, options] of [...documented, ...whereStdLosesInput]) {
  Deno.test(`parseArgs() ${does}`, () => {
    assertEquals<Args>(parseArgs(typeof args === "string" ? args.split(" ") : args, options), { _: [], ...parsed });
  });
}

Deno.test("parseArgs() asks unknown() when an option is undeclared or an argument positional", () => {
  const asked: unknown[][] = [];
  const options = { boolean: ["a"], string: ["b"], collect: ["c"], alias: { d: "e" } };
  const args = ["-a", "-b1", "--c=1", "-d", "-e", "--typo=08", "-x", "--y", "file", "image"];
  const parsed = parseArgs(args, { ...options, unknown: (...call) => asked.push(call) });
  assertEquals(asked, [["--typo=08", "typo", "08"], ["-x", "x", true], ["--y", "y", "file"], ["image"]]);
  assertEquals([parsed.typo, parsed.x, parsed.y, parsed._], [8, true, "file", ["image"]]);
});

Deno.test("parseArgs() drops the argument when unknown() returns false", () => {
  const parsed = parseArgs(["-a", "--typo", "5", "file"], { boolean: ["a"], unknown: () => false });
  assertEquals<Args>(parsed, { a: true, _: [] });
});

Deno.test("parseArgs() reaches no prototype when an option is named like one", () => {
  const parsed = parseArgs(["--__proto__=x", "--__proto__.polluted=1", "--constructor=1"]);
  assertStrictEquals(Object.getPrototypeOf(parsed), Object.prototype);
  assertEquals(Object.hasOwn(parsed, "constructor"), false);
  assertEquals(({} as Args).polluted, undefined);
});

Deno.test("parseArgs() sets own values when names are inherited", () => {
  const parsed = parseArgs(["--toString", "x"]);
  assertEquals(new Map(Object.entries(parsed)), new Map<string, unknown>([["_", []], ["toString", "x"]]));
});

Deno.test("parseArgs() leaves the arguments as they were when it has read them", () => {
  const args = ["-a", "b", "--", "c"];
  parseArgs(args, { stopEarly: true, "--": true });
  assertEquals(args, ["-a", "b", "--", "c"]);
});

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const compiles = <_Check extends true>() => {};

Deno.test("parseArgs() types the values when options are declared", () => {
  const args = parseArgs(["--rest", "x"], {
    boolean: ["tty", "verbose"],
    string: ["name", "env", "memory", "user"],
    collect: ["env", "other"],
    negatable: ["user"],
    alias: { name: ["n"], tty: "t" },
    default: { memory: "64m" },
    "--": true,
  });
  compiles<Same<typeof args.tty, boolean>>();
  compiles<Same<typeof args.t, boolean>>();
  compiles<Same<typeof args.name, string | undefined>>();
  compiles<Same<typeof args.n, string | undefined>>();
  compiles<Same<typeof args.env, string[]>>();
  compiles<Same<typeof args.other, unknown[]>>();
  compiles<Same<typeof args.user, string | false | undefined>>();
  compiles<Same<typeof args.memory, string>>();
  compiles<Same<typeof args.rest, unknown>>();
  compiles<Same<typeof args._, (string | number)[]>>();
  compiles<Same<(typeof args)["--"], string[]>>();
  assertEquals(args.rest, "x");
});

Deno.test("parseArgs() types the values as any when names are not literal", () => {
  const names: string[] = ["memory"];
  const memory: string = parseArgs(["--memory", "64"], { string: names }).memory;
  const count: number = parseArgs(["-n5"]).n;
  assertEquals([memory, count], ["64", 5]);
});

class SpecError extends Error {}
class FieldError extends SpecError {}
class Option {
  constructor(readonly value: number) {}
}

const throwing = (error: unknown) => () => {
  throw error;
};
const rejecting = (error: unknown) => () => Promise.reject(error);

const circular = (): Record<string, unknown> => {
  const object: Record<string, unknown> = { id: 1 };
  return Object.assign(object, { self: object });
};

/** The assertion; claims that hold; claims that do not. */
type AssertionCase = [name: string, holding: (() => unknown)[], failing: (() => unknown)[]];

const assertions: AssertionCase[] = [
  ["assert", [() => assert(1)], [() => assert(0), () => assert(null)]],
  ["assertEquals", [
    () => assertEquals({ a: [1, { b: NaN }] }, { a: [1, { b: NaN }] }),
    () => assertEquals(new Map([["a", new Set([1, 2])]]), new Map([["a", new Set([2, 1])]])),
    () => assertEquals(new Uint8Array([1]), new Uint8Array([1])),
    () => assertEquals(circular(), circular()),
  ], [
    () => assertEquals({ a: 1 }, { a: 2 }),
    () => assertEquals<unknown>({ a: undefined }, {}),
    () => assertEquals<unknown>(1, "1"),
    () => assertEquals(new URL("http://localhost/a"), new URL("http://localhost/b")),
    () => assertEquals(new Error("a"), new Error("b")),
  ]],
  ["assertNotEquals", [() => assertNotEquals({ a: 1 }, { a: 2 })], [() => assertNotEquals({ a: [1] }, { a: [1] })]],
  ["assertStrictEquals", [() => assertStrictEquals(NaN, NaN)], [
    () => assertStrictEquals({}, {}),
    () => assertStrictEquals(0, -0),
  ]],
  ["assertExists", [() => assertExists(0), () => assertExists("")], [
    () => assertExists(null),
    () => assertExists(undefined),
  ]],
  ["assertMatch", [() => assertMatch("pid 12", /\d+$/)], [() => assertMatch("pid", /\d/)]],
  ["assertStringIncludes", [() => assertStringIncludes("no file", "file")], [
    () => assertStringIncludes("no file", "File"),
  ]],
  ["assertArrayIncludes", [() => assertArrayIncludes([{ a: 1 }, { a: 2 }], [{ a: 2 }])], [
    () => assertArrayIncludes([{ a: 1 }], [{ a: 1 }, { a: 2 }]),
  ]],
  ["assertObjectMatch", [
    () => assertObjectMatch({ a: { b: 1, c: 2 }, d: 3 }, { a: { b: 1 } }),
    () => assertObjectMatch({ a: [1, { b: 2, c: 3 }, 4] }, { a: [1, { b: 2 }] }),
    () => assertObjectMatch({ a: new Map([["k", { b: 1, c: 2 }]]) }, { a: new Map([["k", { b: 1 }]]) }),
    () => assertObjectMatch({ a: new Set([1, 2]), b: /x/i }, { a: new Set([2]), b: /x/i }),
    () => assertObjectMatch({ a: new Option(1) }, { a: { value: 1 } }),
    () => assertObjectMatch(circular(), circular()),
  ], [
    () => assertObjectMatch({ a: 1 }, { a: 1, b: undefined }),
    () => assertObjectMatch({ a: [1, 2] }, { a: [2] }),
    () => assertObjectMatch({ a: null, b: [] }, { a: {} }),
    () => assertObjectMatch({ a: [] }, { a: {} }),
    () => assertObjectMatch({ a: new Map([["k", 1]]) }, { a: new Map([["k", 2]]) }),
    () => assertObjectMatch({ a: new Set([1]) }, { a: new Set([2]) }),
    () => assertObjectMatch({ a: /x/i }, { a: /x/ }),
    () => assertObjectMatch(circular(), { self: { self: { id: 2 } } }),
  ]],
  ["assertInstanceOf", [() => assertInstanceOf(new FieldError(), SpecError)], [
    () => assertInstanceOf(new SpecError(), FieldError),
    () => assertInstanceOf(null, Object),
  ]],
  ["assertGreater", [() => assertGreater(2, 1)], [() => assertGreater(1, 1), () => assertGreater(NaN, 1)]],
  ["assertGreaterOrEqual", [() => assertGreaterOrEqual(1, 1)], [() => assertGreaterOrEqual(0, 1)]],
  ["assertLess", [() => assertLess(1n, 2n)], [() => assertLess(1, 1), () => assertLess(NaN, 1)]],
  ["assertLessOrEqual", [() => assertLessOrEqual("a", "a")], [() => assertLessOrEqual(2, 1)]],
  ["assertAlmostEquals", [
    () => assertAlmostEquals(0.1 + 0.2, 0.3),
    () => assertAlmostEquals(1, 2, 1),
    () => assertAlmostEquals(NaN, NaN),
    () => assertAlmostEquals(Infinity, Infinity),
  ], [
    () => assertAlmostEquals(1, 1.1),
    () => assertAlmostEquals(0.1 + 0.2, 0.3, 1e-17),
    () => assertAlmostEquals(0, Infinity),
    () => assertAlmostEquals(Infinity, NaN),
  ]],
  ["assertThrows", [
    () => assertThrows(throwing(undefined)),
    () => assertThrows(throwing(new FieldError("no root")), SpecError, "root"),
  ], [
    () => assertThrows(() => {}),
    () => assertThrows(throwing(new SpecError()), FieldError),
    () => assertThrows(throwing(new SpecError("no root")), SpecError, "cwd"),
    () => assertThrows(throwing("no root"), Error),
  ]],
  ["assertRejects", [
    () => assertRejects(rejecting(undefined)),
    () => assertRejects(rejecting(new FieldError("no root")), SpecError, "root"),
  ], [
    () => assertRejects(() => Promise.resolve()),
    () => assertRejects(throwing(new SpecError())),
    () => assertRejects((() => 1) as unknown as () => Promise<unknown>),
    () => assertRejects(rejecting(new SpecError()), FieldError),
    () => assertRejects(rejecting(new SpecError("no root")), SpecError, "cwd"),
  ]],
  ["fail", [], [() => fail()]],
  ["unreachable", [], [() => unreachable()]],
];

/** What a claim fails with, found out without the assertions that are tested here. */
async function failureOf(claim: () => unknown): Promise<unknown> {
  try {
    await claim();
  } catch (error) {
    return error;
  }
}

for (const [name, holding, failing] of assertions) {
  Deno.test(`${name}() throws AssertionError when the claim does not hold, and only then`, async () => {
    for (const claim of holding) await claim();
    for (const claim of failing) {
      if (!(await failureOf(claim) instanceof AssertionError)) throw new Error(`this passed: ${claim}`);
    }
  });
}

Deno.test("assertThrows() returns the error when it is thrown", () => {
  const error: FieldError = assertThrows(throwing(new FieldError("no root")), FieldError);
  assertEquals(error.message, "no root");
  assertEquals(assertThrows(throwing(125)), 125);
});

Deno.test("assertRejects() resolves with the error when the promise rejects", async () => {
  const error: FieldError = await assertRejects(rejecting(new FieldError("no root")), FieldError);
  assertEquals(error.message, "no root");
  assertEquals(await assertRejects(rejecting(125)), 125);
});

Deno.test("AssertionError says what was expected when an assertion with a message fails", () => {
  const failures: [() => void, ...parts: string[]][] = [
    [() => assert(false, "MINE"), "MINE"],
    [() => assertEquals({ pid: 1 }, { pid: 2 }, "MINE"), "not equal: MINE", "+   pid: 1", "-   pid: 2"],
    [() => assertThrows(() => {}, "MINE"), "Expected function to throw: MINE"],
    [() => assertThrows(throwing(new SpecError("x")), SpecError, "y", "MINE"), '"y"', '"x"', "MINE"],
    [() => assertThrows(throwing(new SpecError("x")), FieldError), "FieldError", "SpecError"],
    [() => assertGreater(1, 2, "MINE"), "MINE"],
    [() => fail("MINE"), "Failed assertion: MINE"],
    [() => unreachable(), "Unreachable."],
  ];
  for (const [claim, ...parts] of failures) {
    const { message, name } = assertThrows(claim, AssertionError);
    assertEquals(name, "AssertionError");
    for (const part of parts) assertStringIncludes(message, part);
  }
});

Deno.test("assert() and its kin narrow the type when they pass", () => {
  const value: unknown = parseArgs(["--name=web"]).name;
  assert(typeof value === "string");
  assertEquals(value.length, 3);
  const found = [new FieldError("no root")].find((error): error is FieldError => error.message === "no root");
  assertExists(found);
  const error: Error = found;
  assertInstanceOf(error, SpecError);
  compiles<Same<typeof error, SpecError>>();
});
