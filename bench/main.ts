/**
 * Measures minicontainer beside the usual ways to start a program: `deno run -A bench/main.ts`.
 *
 * Whatever is compared takes turns within one run: ratios hold from machine to machine, times do not. What is not
 * installed is skipped. It is a report and no test: its exit code does not depend on what it finds.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { command } from "./command.ts";
import { containers } from "./containers.ts";
import { endurance } from "./endurance.ts";
import { engine } from "./engine.ts";
import { heap } from "./heap.ts";
import { library } from "./library.ts";
import { life } from "./life.ts";
import { limits } from "./limits.ts";
import { figuresText, type Part, reportJson, tableText } from "./report.ts";
import { throughput } from "./throughput.ts";

const HELP = `Measures minicontainer beside the usual ways to start a program.

Usage: deno run -A bench/main.ts [OPTIONS] [PART]…

Parts: library, heap, throughput, containers, limits, command, life, engine, endurance; without any: all

Options:
  --quick      about a tenth of the rounds
  --json FILE  write everything to FILE too
  --help       this text`;

/** What each part does, given whether it is to be quick and a folder for its files. */
const PARTS: Record<string, (quick: boolean, folder: string) => Promise<Part>> = {
  library: (quick, folder) => library(quick ? 50 : 500, folder),
  heap: (quick) => heap(quick ? 20 : 200),
  throughput: (quick, folder) => quick ? throughput(1, 200, folder) : throughput(3, 1000, folder),
  containers: (quick, folder) =>
    containers(quick ? { rounds: 20, turns: 1, many: 200 } : { rounds: 150, turns: 5, many: 1000 }, folder),
  limits: (quick, folder) => limits(quick ? 15 : 100, folder),
  command: (quick, folder) => command(quick ? 10 : 60, folder),
  life: (quick, folder) => life(quick ? 5 : 30, folder),
  engine: (quick, folder) => engine(quick ? 5 : 30, folder),
  endurance: (quick) => endurance(quick ? 2000 : 10_000, 1000),
};

async function main(args: string[]) {
  const unknown: string[] = [];
  const { quick, json, help, _: chosen } = parseArgs(args, {
    boolean: ["quick", "help"],
    string: ["json", "_"],
    unknown(argument, key) {
      if (key !== undefined) unknown.push(argument);
    },
  });
  const names = chosen.length > 0 ? chosen.map(String) : Object.keys(PARTS);
  unknown.push(...names.filter((name) => !Object.hasOwn(PARTS, name)));
  if (help || unknown.length > 0) {
    console.log(unknown.length > 0 ? `unknown: ${unknown.join(" ")}\n\n${HELP}` : HELP);
    Deno.exit(unknown.length > 0 ? 2 : 0);
  }

  const machine = aboutMachine();
  console.log(`${Object.entries(machine).map(([name, value]) => `${name} ${value}`).join(", ")}\n`);
  const folder = await Deno.makeTempDir({ prefix: "minicontainer-bench-" });
  try {
    const parts: Part[] = [];
    for (const name of names) {
      const part = await PARTS[name](quick, folder);
      for (const table of part.tables) console.log(`${tableText(table)}\n`);
      parts.push(part);
    }
    console.log(figuresText(parts.flatMap(({ figures }) => figures)));
    if (json !== undefined) await Deno.writeTextFile(json, reportJson(machine, parts));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function aboutMachine() {
  return {
    Deno: Deno.version.deno,
    Linux: Deno.osRelease(),
    architecture: Deno.build.arch,
    processors: navigator.hardwareConcurrency,
    "load before": Deno.loadavg()[0].toFixed(2),
  };
}

if (import.meta.main) await main(Deno.args);
