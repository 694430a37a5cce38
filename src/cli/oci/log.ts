/** The log: one line each, as runc writes them, for engines show what stands in it. */

import { callLife } from "../../native/life.ts";
import { say } from "../report.ts";
import type { Globals } from "./options.ts";

/** How bad something is. */
export type Level = "debug" | "warning" | "error";

/** Writes a line to the log, where there is one. */
export async function log({ log: path, logFormat }: Globals, level: Level, message: string) {
  if (path === undefined || path === "") return;
  try {
    await callLife("log.append", { path, text: logLine(logFormat, level, message, new Date()) });
  } catch (error) {
    say((error as Error).message);
  }
}

/** A line of the log. */
export function logLine(format: "text" | "json", level: Level, message: string, now: Date): string {
  const time = `${now.toISOString().slice(0, 19)}Z`;
  return format === "json"
    ? `${JSON.stringify({ level, msg: message, time })}\n`
    : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}\n`;
}

/** Tells of what went wrong and is no error. */
export async function warn(globals: Globals, messages: string[]) {
  for (const message of messages) await log(globals, "warning", message);
}
