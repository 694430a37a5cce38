/** Waiting for what this process has started and does not hold. */

import { callLife } from "../../native/life.ts";
import type { ProcessId } from "../../spec/state.ts";

/**
 * Stands in for a process until it ends: towards who signals us, and before the terminal.
 *
 * @returns its exit status, or 128 and the number of the signal that ended it; `undefined` where another made it
 */
export async function waitInForeground({ pid, startTime }: ProcessId): Promise<number | undefined> {
  const { status, signal } = await callLife<{ status: number | null; signal: number | null }>("wait", {
    pid,
    startTime,
  });
  return status ?? (signal === null ? undefined : 128 + signal);
}
