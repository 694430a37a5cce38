/** Where containers are kept: looks, and changes under a lock. */

import { NotFoundError, StateError, SystemError } from "../../native/errors.ts";
import { callLife, callLifeHere } from "../../native/life.ts";
import type { ExitNote } from "../../spec/monitor.ts";
import { checkId, type KeptState, type ProcessId } from "../../spec/state.ts";

/** Which container. */
export interface Place {
  /** The absolute folder of the containers. */
  root: string;
  id: string;
}

/** A container as a look found it. */
export interface Found {
  folder: string;
  state: KeptState;
  /** Whether it waits to be started. */
  waits: boolean;
  /** How it ended, where a monitor has noted that down. */
  exit: ExitNote | null;
}

/** A container that is locked until the call ends that it is handed to. */
export interface Locked extends Found {
  /** What the library's calls name it by. */
  handle: number;
}

/** A container as the library has it. */
interface Answer {
  folder: string;
  state: KeptState | null;
  waits: boolean;
  exit: ExitNote | null;
}

/** Who makes calls, and where the containers are. */
export interface Host extends ProcessId {
  root: string;
  uid: number;
  gid: number;
  owner: string;
  now: [number, number];
}

/** Where containers are kept. */
export interface RootOptions {
  /**
   * The folder of the containers; absent: `/run/minicontainer`, or `minicontainer` in `$XDG_RUNTIME_DIR` for who is not
   * root.
   */
  root?: string;
  /** Whether the default is a user's own; absent: where we are not root. */
  rootless?: boolean;
}

/** Looks around. */
export function hostOf({ root, rootless }: RootOptions): Host {
  return callLifeHere("host", { root, rootless });
}

/** Where the container of an id is. @throws {SpecError} where it is no id */
export function placeOf(id: string, options: RootOptions): Place {
  checkId(id);
  const { root } = hostOf(options);
  return { root, id };
}

/**
 * Looks at a container; one whose maker was killed is undone first.
 *
 * @throws {NotFoundError} where there is none
 */
export async function look(place: Place): Promise<Found> {
  const found = lookOnce(place);
  if (found.state.phase === "creating" && !isAlive(found.state.creator)) {
    // Whoever locks it finds it half-made.
    await withLock(place, () => Promise.resolve());
    return look(place);
  }
  return found;
}

/**
 * Makes a change; nobody else makes one to the same container meanwhile.
 *
 * @param change what is done; the lock ends with it
 * @throws {NotFoundError} where there is none
 */
export async function withLock<T>(place: Place, change: (locked: Locked) => Promise<T>): Promise<T> {
  const locked = await lock(place);
  try {
    // Its maker has the lock until it is made, so there is none.
    if (locked.state.phase === "creating") {
      await undoHalfMade(locked);
      throw notFound(place);
    }
    return await change(locked);
  } finally {
    close(locked);
  }
}

/** Removes what a killed process had made of a container. */
async function undoHalfMade({ handle }: Locked) {
  await callLife("undo", { handle });
  await callLife("store.remove", { handle });
}

/** The library does not wait for a lock, for its threads are few: we do. */
async function lock(place: Place): Promise<Locked> {
  for (let pause = 1;; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    const { handle } = asked<{ handle: number | null }>("store.open", place);
    if (handle === null) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      continue;
    }
    try {
      return { ...lookOnce(place), handle };
    } catch (error) {
      close({ handle });
      throw error;
    }
  }
}

/** Gives up a lock; nothing where it was given up before. */
export function close({ handle }: Pick<Locked, "handle">) {
  callLifeHere("store.close", { handle });
}

function lookOnce(place: Place): Found {
  return wellFormed(place, asked("store.read", place));
}

const LONGEST_PAUSE_MS = 32;

function asked<T>(call: "store.read" | "store.open", place: Place): T {
  try {
    return callLifeHere(call, { ...place });
  } catch (error) {
    throw error instanceof SystemError && error.code === "ENOENT" ? notFound(place) : error;
  }
}

function wellFormed(place: Place, { folder, state, waits, exit }: Answer): Found {
  // Its folder's name is what it is called: one that is being renamed has another in its state for a moment.
  if (typeof state?.phase === "string") return { folder, state: { ...state, id: place.id }, waits, exit };
  throw new StateError(
    `container ${JSON.stringify(place.id)} is damaged: remove ${JSON.stringify(folder)}`,
    "a state.json",
    "damaged",
  );
}

/** That there is no such container, in words that engines look for. */
export function notFound({ id }: Place): NotFoundError {
  return new NotFoundError(`container ${JSON.stringify(id)} does not exist`);
}

/** Whether a process is there and no zombie. */
export function isAlive({ pid, startTime }: ProcessId): boolean {
  return pid > 0 && callLifeHere<{ alive: boolean }>("process", { pid, startTime }).alive;
}
