/**
 * The house's rules that a compiler does not see: which room may import which, that both halves of the FFI boundary are
 * the same, where `unsafe` may stand, how long a file may be, and that what ships lacks what only tests need.
 *
 * Usage: deno run -A scripts/check.ts
 */

import * as symbols from "../src/native/symbols.ts";
import { projectPath, run } from "./support.ts";

const problems: string[] = [];

/** From the bottom to the top: a room imports from its own and from those before it. */
const ROOMS = [
  "std/",
  "src/native/",
  "src/spec/",
  "src/runtime/",
  "src/cli/",
  "src/engine/",
  "mod.ts",
  "cli.ts",
  "bin.ts",
];

/** Where `unsafe` is at home; the last is a test that installs filters in a forked child. */
const UNSAFE_ROOMS = [
  "rust/child/src/sys/",
  "rust/holder/src/",
  "rust/runtime/src/launch/",
  "rust/runtime/src/ffi.rs",
  "rust/runtime/src/ffi/",
  "rust/command/src/calls.rs",
  "rust/command/src/code.rs",
  "rust/command/src/host.rs",
  "rust/runtime/tests/seccomp.rs",
];

const MOST_LINES = 400;

const { output } = await run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], { quiet: true });
const files = output.split("\n").filter((file) => /\.(ts|rs|sh)$/.test(file));
if (files.length === 0) throw new Error("cannot list the project's files");

for (const file of files) {
  const text = await Deno.readTextFile(projectPath(file)).catch(() => "");
  const lines = text.split("\n").length - 1;
  if (lines > MOST_LINES) problems.push(`${file} has ${lines} lines; ${MOST_LINES} are the most`);
  if (file.endsWith(".ts")) checkImports(file, text);
  if (file.startsWith("src/spec/") && /\bDeno\./.test(text)) problems.push(`${file} asks the system: spec/ is pure`);
  if (file.endsWith(".rs")) checkUnsafe(file, text);
}
const doors = files.filter((file) => /^rust\/runtime\/src\/ffi[./]/.test(file));
checkAbi((await Promise.all(doors.map((file) => Deno.readTextFile(projectPath(file))))).join("\n"));
checkCalls(await Deno.readTextFile(projectPath("rust/command/src/calls.rs")));
await checkFeatures();

function checkImports(file: string, text: string) {
  const own = ROOMS.findIndex((room) => file.startsWith(room));
  if (own === -1) return;
  for (const [, specifier] of text.matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)) {
    const target = new URL(specifier, `file:///${file}`).pathname.slice(1);
    const room = ROOMS.findIndex((room) => target.startsWith(room));
    if (room > own) problems.push(`${file} imports ${target}, which is further up the house`);
  }
}

function checkUnsafe(file: string, text: string) {
  const code = text.replaceAll(/\/\/.*$/gm, "").replaceAll(/"[^"\n]*"/g, "");
  const isAtHome = UNSAFE_ROOMS.some((room) => file.startsWith(room));
  if (!isAtHome && /\bunsafe\b(?!_)/.test(code)) problems.push(`${file} has unsafe outside of its rooms`);
}

/** Compares names, parameters and results of what Rust exports and TypeScript declares. */
function checkAbi(rust: string) {
  const exported = new Map<string, string>();
  for (const [, name, parameters, result] of rust.matchAll(/extern "C" fn (\w+)\(([^)]*)\)(?: -> (\w+))?/g)) {
    const types = [...parameters.matchAll(/\w+: ([^,]+)/g)].map(([, type]) =>
      type.trim().startsWith("*") ? "buffer" : type
    );
    exported.set(name, `(${types.map((type) => type.trim()).join(", ")}) -> ${result ?? "void"}`);
  }
  for (const [, name, type] of rust.matchAll(/#\[unsafe\(no_mangle\)\]\s*pub static (\w+): (\w+)/g)) {
    exported.set(name, type);
  }

  const declared = new Map<string, string>();
  for (const group of Object.values(symbols) as Record<string, Declared>[]) {
    for (const [key, symbol] of Object.entries(group)) {
      const signature = symbol.type ?? `(${symbol.parameters?.join(", ")}) -> ${symbol.result}`;
      declared.set(symbol.name ?? key, signature);
    }
  }
  for (const [name, signature] of exported) {
    if (!declared.has(name)) problems.push(`symbols.ts lacks ${name}`);
    else if (declared.get(name) !== signature) {
      problems.push(`${name} is ${signature} in ffi.rs and ${declared.get(name)} in symbols.ts`);
    }
  }
  for (const name of declared.keys()) if (!exported.has(name)) problems.push(`ffi.rs lacks ${name}`);
  if (exported.size === 0) problems.push("ffi.rs exports nothing");
}

/** The installed command calls by name what Deno opens; the compiler sees to the parameters. */
function checkCalls(calls: string) {
  for (const group of Object.values(symbols) as Record<string, Declared>[]) {
    for (const [key, { name = key, type }] of Object.entries(group)) {
      if (type === undefined && !calls.includes(` ${name}(`)) problems.push(`calls.rs lacks ${name}`);
    }
  }
}

/** What a test has fail must not be in what ships: the feature is on where the tests are built, and there alone. */
async function checkFeatures() {
  const features = async (edges: string) => {
    const tree = ["cargo", "tree", "--locked", "--package", "minicontainer", "--edges", `${edges},features`];
    return (await run(tree, { quiet: true })).output;
  };
  if (/feature "faults"/.test(await features("normal"))) problems.push("the library is built with the feature faults");
  if (!/feature "faults"/.test(await features("all"))) problems.push("the tests are built without the feature faults");
}

interface Declared {
  name?: string;
  type?: string;
  parameters?: readonly string[];
  result?: string;
}

for (const problem of problems) console.error(problem);
console.log(`${files.length} files checked, ${problems.length} problems`);
Deno.exit(problems.length === 0 ? 0 : 1);
