/** Waiting for the end of a container that has a monitor, and bringing it about. */

import { StateError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { type ExitNote, isOver } from "../../spec/monitor.ts";
import type { ContainerExit } from "../../spec/state.ts";
import { allows } from "../../spec/status.ts";
import { signalNumber } from "../signals.ts";
import { exitOf } from "./exit.ts";
import { statusNow } from "./state.ts";
import { type Found, look, type Place, withLock } from "./store.ts";

const SIGKILL = 9;
const LOOK_MS = 20;

/** How the library tells of an end. */
interface Ended {
  ended: boolean;
  exit: ExitNote | null;
}

/**
 * Waits until a container has ended, and is not started anew.
 *
 * @throws {StateError} where it has no monitor, which would know how it ended, or that was killed
 * @throws {NotFoundError} where there is none
 */
export async function waitForEnd(place: Place): Promise<ContainerExit> {
  for (;;) {
    const found = await look(place);
    const { monitor } = found.state;
    if (monitor === undefined) {
      throw new StateError(`cannot wait for ${JSON.stringify(place.id)}: it has no monitor`, "monitored", "not so");
    }
    const isStopped = statusNow(found) === "stopped";
    const exit = isStopped && found.exit !== null ? found.exit : await noteOf(place, found);
    if (isOver(monitor, exit)) {
      if (exit !== null) return exitOf(exit);
      const message = `nobody knows how ${JSON.stringify(place.id)} ended: its monitor was killed`;
      if (!await isRenewed(place, found)) throw new StateError(message, "monitored", "not so");
    }
    // What it was made to do then is on its way.
    await pause(LOOK_MS);
  }
}

/** Whether another process has taken the place of the one that was looked at. */
async function isRenewed(place: Place, { state }: Found): Promise<boolean> {
  return (await look(place)).state.monitor?.token !== state.monitor?.token;
}

/** What its monitor notes down once it has ended, which is waited for; null: it was killed before. */
export async function noteOf(place: Place, found: Found): Promise<ExitNote | null> {
  return (await processEnd(place, found)).exit;
}

function processEnd({ root, id }: Place, { state }: Found, timeoutMs?: number): Promise<Ended> {
  const { pid, startTime } = state;
  return callLife("wait.end", { root, id, process: { pid, startTime }, timeoutMs });
}

/** How a container is stopped. */
export interface StopOptions {
  /** What it is asked to end by; default `"SIGTERM"`. */
  signal?: string | number;
  /** Milliseconds that it has to end, after which it is killed; default 10000. */
  timeoutMs?: number;
}

/**
 * Has a container end, and waits until it has; it is not started anew. Nothing where it has ended before.
 *
 * @throws {NotFoundError} where there is none
 * @throws {SpecError} where there is no such signal
 */
export async function stopContainer(place: Place, { signal = "SIGTERM", timeoutMs = 10_000 }: StopOptions = {}) {
  const number = signalNumber(signal);
  const found = await withLock(place, async (locked) => {
    const { handle, state } = locked;
    const { pid, startTime, cgroup, monitor } = state;
    if (monitor !== undefined) {
      await callLife("store.save", { handle, state: { ...state, monitor: { ...monitor, isStopAsked: true } } });
    }
    if (!allows("kill", statusNow(locked))) return undefined;
    await callLife("signal", { pid, startTime, cgroup, signal: number }).catch(unlessGone);
    return locked;
  });
  if (found === undefined) return;
  const { ended } = await processEnd(place, found, timeoutMs).catch(ifGone);
  if (ended) return;
  const { pid, startTime, cgroup } = found.state;
  await callLife("signal", { pid, startTime, cgroup, signal: SIGKILL }).catch(unlessGone);
  await processEnd(place, found).catch(ifGone);
}

/** It has ended between the look and the signal. */
function unlessGone(error: { code?: string }) {
  if (error.code !== "ESRCH") throw error;
}

/** It was removed at its end. */
function ifGone(error: { code?: string }): Ended {
  if (error.code !== "ENOENT") throw error;
  return { ended: true, exit: null };
}

/** Lets time pass. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
