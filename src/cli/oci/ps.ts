/** `ps ID [OPTIONS OF PS]…`: the processes of a container. */

import { UnsupportedError } from "../../native/errors.ts";
import { containerProcesses } from "../../runtime/container/ps.ts";
import { placeOf } from "../../runtime/container/store.ts";
import { UsageError } from "../options.ts";
import { print } from "../report.ts";
import type { Command } from "./main.ts";
import { oneOf, onlyId } from "./options.ts";

/** The command; what follows the ID is for ps(1). */
export const ps: Command = {
  help: "list the processes of a container, as ps(1) does",
  operands: "ID [ARGUMENTS OF PS]...",
  count: 1,
  ends: true,
  options: [{ name: "format", short: "f", value: "table|json", help: "how; default: table" }],
  async run(args, globals) {
    const [format, rest] = formatOf(args.text("format"), args.rest);
    const place = placeOf(onlyId("ps", { ...args, rest: [] }), globals);
    const processes = await containerProcesses(place);
    print(format === "json" ? `${JSON.stringify(processes)}\n` : await table(rest, processes));
    return 0;
  },
};

/** `--format` is ours behind the ID, too: ps(1) takes a list of columns for it, and never these words. */
function formatOf(before: string | undefined, rest: string[]): ["table" | "json", string[]] {
  const [first, second] = rest;
  if (first === "--") return [oneOf("format", before, ["table", "json"]) ?? "table", rest.slice(1)];
  const [, attached] = /^--format=(table|json)$/.exec(first ?? "") ?? [];
  if (attached !== undefined) return [attached as "table" | "json", rest.slice(1)];
  if ((first === "--format" || first === "-f") && (second === "table" || second === "json")) {
    return [second, rest.slice(2)];
  }
  return [oneOf("format", before, ["table", "json"]) ?? "table", rest];
}

async function table(args: string[], processes: number[]): Promise<string> {
  const shown = new TextDecoder().decode(await output(args.length === 0 ? ["-ef"] : args));
  return linesOf(shown, processes);
}

/** The lines of ps(1) that are about some processes, under their header. */
export function linesOf(shown: string, processes: number[]): string {
  const [header, ...lines] = shown.trimEnd().split("\n");
  const column = header.trim().split(/\s+/).indexOf("PID");
  if (column === -1) throw new UsageError("the arguments of ps must have it print the column PID");
  const own = lines.filter((line) => processes.includes(Number(line.trim().split(/\s+/)[column])));
  return [header, ...own].map((line) => `${line}\n`).join("");
}

async function output(args: string[]): Promise<Uint8Array> {
  // By its path: who calls us may have set none.
  for (const program of ["/bin/ps", "/usr/bin/ps"]) {
    try {
      const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" }).output();
      if (success) return stdout;
      throw new UsageError(`ps failed: ${new TextDecoder().decode(stderr).trim()}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new UnsupportedError("a table of processes", "needs ps(1), which is not installed; --format json does not");
}
