import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Option, parseOptions, UsageError } from "../../src/cli/options.ts";
import { RUN_OPTIONS } from "../../src/cli/run_options.ts";
import { specFromOptions } from "../../src/cli/run.ts";
import { nearest } from "../../src/cli/report.ts";

const parse = (...args: string[]) => parseOptions(RUN_OPTIONS, args);

Deno.test("parseOptions() ends the options at the first argument that is none", () => {
  const cases: [string[], string[]][] = [
    [["ls", "--pid"], ["ls", "--pid"]],
    [["--pid", "ls", "--", "-l"], ["ls", "--", "-l"]],
    [["--", "--pid"], ["--pid"]],
    [["--pid", "--", "--", "x"], ["--", "x"]],
    [["-", "x"], ["-", "x"]],
    [["--cwd", "/", "true"], ["true"]],
    [["--cwd=/", "true"], ["true"]],
    [["-e", "A=1", "true", "-e"], ["true", "-e"]],
    [["--pid", "true"], ["true"]],
    [["--pid", "007"], ["007"]],
    [[], []],
  ];
  for (const [args, rest] of cases) assertEquals(parse(...args).rest, rest, args.join(" "));
});

Deno.test("parseOptions() gives flags, texts and lists", () => {
  const parsed = parse("--pid", "-e", "A=1", "--env=B=2=3", "--cwd", "/a", "--cwd", "/b", "--env", "-", "true");
  assertEquals([parsed.flag("pid"), parsed.flag("debug")], [true, false]);
  assertEquals(parsed.texts("env"), ["A=1", "B=2=3", "-"]);
  assertEquals([parsed.text("cwd"), parsed.text("timeout")], ["/b", undefined]);
  assertEquals(parsed.texts("env-file"), []);
});

Deno.test("parseOptions() keeps a value that looks like a number or an option as it is", () => {
  assertEquals(parse("--cwd", "007", "true").text("cwd"), "007");
  assertEquals(parse("--cwd", "--pid", "true").text("cwd"), "--pid");
  assertEquals(parse("--cwd=", "true").text("cwd"), "");
  assertEquals(parse("-eA=1", "-e=x", "true").texts("env"), ["A=1", "=x"]);
  assertEquals(parse("--cwd", "--pid", "true").flag("pid"), false);
});

Deno.test("parseOptions() refuses an option that is not in the table, and one without its value", () => {
  const unknown = assertThrows(() => parse("--pdi", "true"), UsageError, "unknown option --pdi");
  assertEquals(unknown.unknown?.given, "--pdi");
  assertThrows(() => parse("-x", "true"), UsageError, "unknown option -x");
  assertThrows(() => parse("--debug=yes", "true"), UsageError, "--debug takes no value");
  assertThrows(() => parse("--env"), UsageError, "--env needs a value: --env NAME=VALUE");
  assertThrows(() => parse("--pid", "-e"), UsageError, "-e needs a value: -e NAME=VALUE");
});

Deno.test("parseOptions() takes an optional value only where it is attached", () => {
  const joined = parse("--net=/proc/1/ns/net", "--pid", "/bin/true");
  assertEquals([joined.text("net"), joined.text("pid"), joined.flag("pid")], ["/proc/1/ns/net", undefined, true]);
  assertEquals(joined.rest, ["/bin/true"]);
  assertEquals(parse("--net=/a", "--net", "x").text("net"), undefined);
  assertEquals(joined.given, ["net", "pid"]);
  assertThrows(() => parse("--net=", "true"), UsageError, "--net= needs a value: --net=PATH, or --net alone");
});

Deno.test("RUN_OPTIONS has each name and each letter once", () => {
  const words = RUN_OPTIONS.flatMap(({ name, short }: Option) => [name, ...(short === undefined ? [] : [short])]);
  assertEquals(new Set(words).size, words.length);
});

Deno.test("nearest() finds the option that was meant, and none where none is near", () => {
  const known = RUN_OPTIONS.map(({ name }) => `--${name}`);
  const cases: [string, string | undefined][] = [
    ["--pdi", "--pid"],
    ["--evn", "--env"],
    ["--env-fil", "--env-file"],
    ["--timeouts", "--timeout"],
    ["--clearenv", "--clear-env"],
    ["--frobnicate", undefined],
    ["-x", undefined],
  ];
  for (const [given, meant] of cases) assertEquals(nearest(given, known), meant, given);
});

Deno.test("specFromOptions() makes the spec that the options stand for", async () => {
  const spec = await specFromOptions(
    parse("--pid", "-e", "A=1", "--cwd", "/x", "--timeout", "1.5m", "sh", "-c", "true"),
  );
  assertEquals(spec.process, { args: ["sh", "-c", "true"], env: ["A=1"], cwd: "/x" });
  assertEquals(spec.linux, { namespaces: [{ type: "pid" }] });
  assertEquals(spec.minicontainer, {
    inheritEnv: true,
    envFiles: [],
    killOnExit: true,
    timeoutMs: 90_000,
    debug: false,
    foreground: true,
    exits: true,
  });
  const extras = async (...args: string[]) => (await specFromOptions(parse(...args))).minicontainer;
  assertEquals((await extras("--pid", "--no-kill-on-exit", "sh"))?.killOnExit, false);
  assertEquals((await extras("--clear-env", "sh"))?.inheritEnv, false);
});

Deno.test("specFromOptions() reads times in every unit, and refuses what is none", async () => {
  const time = async (text: string) => (await specFromOptions(parse("--timeout", text, "x"))).minicontainer?.timeoutMs;
  const times = await Promise.all(["5", "0.5", ".5s", "20ms", "2m", "1h", "1d"].map(time));
  assertEquals(times, [5e3, 500, 500, 20, 12e4, 36e5, 864e5]);
  for (const text of ["", "0", "-1", "5x", "s", "1e3", "Infinity", "5 s"]) {
    await assertRejects(() => time(text), UsageError, "--timeout must be a time above 0");
  }
});
