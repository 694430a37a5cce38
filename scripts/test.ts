/**
 * Runs every test: Rust's, the examples in the documentation, and the suite, which as root is run once more as an
 * ordinary user. Its last line counts them all.
 *
 * Usage: deno task test [--unit] [FILTER…]
 */

import { buildCommand } from "./command.ts";
import { projectPath, run, say } from "./support.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** A runner that hangs is ended, and counts as broken. */
const LONGEST_RUN_MS = 14 * 60_000;

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
/** What is said of each runner that failed, once more where the whole output ends. */
const broken: string[] = [];

/** Runs a runner of tests and adds up what its summaries say. */
async function count(title: string, command: string[], summary: RegExp, options: { cwd?: string } = {}) {
  say(`\n== ${title}`);
  // Who starts the tests behind `&` or `nohup` has signals ignored, which is handed down.
  const both = ["env", "--default-signal", "sh", "-c", 'exec "$@" 2>&1', "sh", ...command];
  const { code, output: colored } = await run(both, { ...options, timeoutMs: LONGEST_RUN_MS });
  // deno-lint-ignore no-control-regex
  const output = colored.replaceAll(/\x1b\[[0-9;]*m/g, "");
  const found = [...output.matchAll(summary)];
  for (const { groups } of found) {
    total.passed += Number(groups?.passed ?? 0);
    total.failed += Number(groups?.failed ?? 0);
    total.skipped += Number(groups?.skipped ?? 0);
  }
  // Rust's runner knows no test that passes itself over, and counts it as passed.
  const passedOver = [...output.matchAll(PASSED_OVER)].length;
  total.passed -= passedOver;
  total.skipped += passedOver;
  if (code !== 0 || found.length === 0) {
    const why = `${title}: ended with exit code ${code}${found.length === 0 ? " without a summary" : ""}`;
    const from = output.search(FAILURES);
    broken.push([why, ...output.slice(Math.max(from, 0)).trimEnd().split("\n").slice(-MOST_LINES)].join("\n"));
  }
}

/** Where a runner begins to tell what failed. */
const FAILURES = /^(?: ERRORS|failures:) *$/m;

/** What is repeated of a runner's output, at most. */
const MOST_LINES = 100;

/** As `skip` in `rust/runtime/tests/faults/host.rs` prints it. */
const PASSED_OVER = /: skipped, for /g;

const CARGO_SUMMARY = /^test result: \w+\. (?<passed>\d+) passed; (?<failed>\d+) failed; (?<skipped>\d+) ignored/gm;
const DENO_SUMMARY =
  /^(?:ok|FAILED) \| (?<passed>\d+) passed(?: \(\d+ steps?\))? \| (?<failed>\d+) failed(?: \(\d+ steps?\))?(?: \| (?<skipped>\d+) ignored)?/gm;

/**
 * Where the project, Deno and the command are copied to for a user who may not see root's folders. There the installed
 * command does all that a command does, where else it does what an engine calls it for.
 */
async function asOrdinaryUser(filters: string[], command: string) {
  const home = await Deno.makeTempDir({ prefix: "minicontainer-user-" });
  try {
    const project = `${home}/project`;
    const deno = `${home}/deno`;
    await Deno.mkdir(`${project}/target/release`, { recursive: true });
    await run(["sh", "-c", 'cp -R Cargo.* deno.* *.ts rust src std tests scripts "$0"', project], { quiet: true });
    await Deno.copyFile(
      projectPath("target/release/libminicontainer.so"),
      `${project}/target/release/libminicontainer.so`,
    );
    await Deno.copyFile(Deno.execPath(), deno);
    await Deno.copyFile(command, `${home}/minicontainer`);
    await run(["chown", "-R", "65534:65534", home], { quiet: true });
    const environment = [
      "env",
      "-i",
      `HOME=${home}`,
      `DENO_DIR=${home}/cache`,
      `PATH=${home}:/usr/bin:/bin`,
      "LANG=C.UTF-8",
      `MINICONTAINER_COMMAND=${home}/minicontainer`,
      "MINICONTAINER_COMMAND_FOR_ALL=1",
    ];
    const identity = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const suite = [deno, "test", "-A", "--no-check", "tests/", ...filters];
    await count("the suite as an ordinary user", [...identity, ...environment, ...suite], DENO_SUMMARY, {
      cwd: project,
    });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const isUnit = Deno.args.includes("--unit");
const filters = Deno.args.filter((argument) => argument !== "--unit").flatMap((word) => ["--filter", word]);

say("== the native library");
const build = await run(["cargo", "build", "--release", "--locked"]);
if (build.code !== 0) Deno.exit(build.code);

if (filters.length === 0) {
  await count("Rust", ["cargo", "test", "--locked", "--workspace"], CARGO_SUMMARY);
  const documented = ["mod.ts", "cli.ts", "src/", "std/"];
  await count("examples", [Deno.execPath(), "test", "-A", "--doc", "--permit-no-files", ...documented], DENO_SUMMARY);
}
if (isUnit) {
  await count("the suite", [Deno.execPath(), "test", "-A", "tests/unit/", ...filters], DENO_SUMMARY);
} else {
  say("\n== the installed command");
  const command = await buildCommand("test");
  const suite = ["env", `MINICONTAINER_COMMAND=${command}`, Deno.execPath(), "test", "-A", "tests/", ...filters];
  await count("the suite", suite, DENO_SUMMARY);
  if (Deno.uid() === 0) await asOrdinaryUser(filters, command);
  else say("\n== the suite as root: skipped, for this user is not root");
}

if (broken.length > 0 && total.failed === 0) total.failed = 1;
for (const each of broken) say(`\n== ${each}`);
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
Deno.exit(total.failed === 0 && total.passed > 0 ? 0 : 1);
