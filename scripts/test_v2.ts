/**
 * Runs the tests of hosts with cgroup v2 alone, of hosts with version 1 and systemd, and of hosts whose processes have
 * labels, in virtual machines that `scripts/vm.sh` makes. Where a machine cannot be had it says "skipped", and why; its
 * last line counts the tests.
 *
 * Usage: deno task test:v2 [--within SECONDS] [FILTER…]
 *
 *   --within SECONDS   start no machine later than so
 */

import { parseArgs } from "@std/cli/parse-args";
import { projectPath, run, say } from "./support.ts";

/** All is many times slower in there. What takes longer counts as broken. */
const LONGEST_RUN_MS = 5 * 60_000;

/** How `vm.sh` ends where there is no machine; `deno test` ends with 0 or 1. */
const NO_MACHINE = 125;

const inTests = [...Deno.readDirSync(projectPath("tests"))].map(({ name }) => `tests/${name}`);
const limits = inTests.filter((path) => /\/cgroup\w*_test\.ts$/.test(path)).sort();

const MACHINES: [title: string, options: string[], files: string[]][] = [
  ["of cgroup v2 alone, without systemd", [], ["tests/v2/", ...limits]],
  ["with SELinux", ["--lsm", "selinux"], ["tests/v2/labels_test.ts"]],
  ["of cgroup v2 alone, with systemd", ["-s"], ["tests/v2/", ...limits]],
  ["of cgroup v1, with systemd", ["-s", "--cgroups", "v1"], ["tests/v2/systemd_v1_test.ts"]],
  ["of cgroup v1 and v2, with systemd", ["-s", "--cgroups", "hybrid"], ["tests/v2/systemd_v1_test.ts", ...limits]],
];

const SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored)?/gm;

const build = await run(["cargo", "build", "--release", "--locked"]);
if (build.code !== 0) Deno.exit(build.code);

const { within, _: words } = parseArgs(Deno.args, { string: ["within"] });
const filters = words.flatMap((word) => ["--filter", String(word)]);
const patienceMs = within === undefined ? Infinity : Number(within) * 1000;
if (Number.isNaN(patienceMs)) {
  say(`--within must be seconds; it is ${JSON.stringify(within)}`);
  Deno.exit(2);
}

const total = { passed: 0, failed: 0, skipped: 0 };
let machines = 0;
const start = performance.now();
for (const [title, options, files] of MACHINES) {
  say(`\n== a host ${title}`);
  if (performance.now() - start > patienceMs) {
    say(`skipped: ${within} s have gone by`);
    continue;
  }
  const suite = [Deno.execPath(), "test", "-A", "--no-check", ...files, ...filters];
  const vm = [projectPath("scripts/vm.sh"), ...options, "--", "env", "NO_COLOR=1", "THROW_AWAY_HOST=1", ...suite];
  const { code, output } = await run(vm, { timeoutMs: LONGEST_RUN_MS });
  if (code === NO_MACHINE || code === 127) {
    say(`skipped: there is no virtual machine ${title}; the line above says why`);
    continue;
  }
  machines++;
  const found = [...output.matchAll(SUMMARY)];
  for (const [, passed, failed, skipped] of found) {
    total.passed += Number(passed);
    total.failed += Number(failed);
    total.skipped += Number(skipped ?? 0);
  }
  if (found.length === 0 || code !== 0 && total.failed === 0) {
    total.failed++;
    say(`the machine ${title} ended with exit code ${code}${found.length === 0 ? " without a summary" : ""}`);
  }
}

const { passed, failed, skipped } = total;
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped, on ${machines} of ${MACHINES.length} machines`);
Deno.exit(failed === 0 ? 0 : 1);
