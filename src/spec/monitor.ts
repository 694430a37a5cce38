/** A container that is left to itself: what its monitor does, and what becomes of it at its end. Pure. */

import { SpecError } from "../native/errors.ts";
import { flag, ifGiven, object, text, whole } from "./check.ts";
import type { CgroupManager } from "./types.ts";

/** When a container is started anew after its end; not after a stop that was asked for. */
export type RestartPolicy = "no" | "always" | "on-failure" | `on-failure:${number}`;

/** How a container is stood by, whose end no process of ours waits for. */
export interface MonitorConfig {
  /** Bytes after which a new log is begun; `Infinity`: never; default 10 MiB. */
  logMaxBytes?: number;
  /** How many logs are kept, the one that is written to among them; default 3. */
  logMaxFiles?: number;
  /** Whether it reads what those write who attach; it reads nothing else. Always so with a `terminal`. */
  stdin?: boolean;
  /** Whether it is removed at its end. */
  remove?: boolean;
  /** When it is started anew; default `"no"`. `"on-failure:5"`: five times in a row at most. */
  restart?: RestartPolicy;
  /** What others note down. */
  labels?: Readonly<Record<string, string>>;
}

/** How it was made, for when it is made anew. */
export interface Making {
  noPivot?: boolean;
  noNewKeyring?: boolean;
  cgroupManager?: CgroupManager;
}

/** What is kept of all that. */
export interface Monitored {
  /** Which making of the container it is: what its monitor executes at its end is about no other. */
  token: string;
  logBytes: number;
  logs: number;
  hasStdin: boolean;
  hasTerminal: boolean;
  remove: boolean;
  restart: { when: "no" | "always" | "on-failure"; atMost?: number };
  labels: Record<string, string>;
  making?: Making;
  /** How often it was started anew, in all, and without having run for a while. */
  restarts: number;
  inARow: number;
  /** When it was started last. */
  started?: string;
  /** Somebody wants it to have an end. */
  isStopAsked?: boolean;
  /** Its end was dealt with. */
  settled?: { restarts: boolean };
  /** What went wrong then. */
  warnings?: string[];
}

const LOG_BYTES = 10 << 20;
const LOGS = 3;
const MOST_LOGS = 1000;

/**
 * What is kept of a container that is left to itself.
 *
 * @throws {SpecError} where a field is wrong; `path` names it
 */
export function monitored(config: true | MonitorConfig, hasTerminal: boolean, token: string): Monitored {
  const { logMaxBytes, logMaxFiles, stdin, remove, restart, labels } = config === true
    ? {}
    : object("monitor", config) as MonitorConfig;
  const kept: Monitored = {
    token,
    logBytes: logMaxBytes === Infinity
      ? 0
      : ifGiven("monitor.logMaxBytes", logMaxBytes, (path, value) => whole(path, value, 1, Number.MAX_SAFE_INTEGER)) ??
        LOG_BYTES,
    logs: ifGiven("monitor.logMaxFiles", logMaxFiles, (path, value) => whole(path, value, 1, MOST_LOGS)) ?? LOGS,
    hasStdin: flag("monitor.stdin", stdin) ?? false,
    hasTerminal,
    remove: flag("monitor.remove", remove) ?? false,
    restart: ifGiven("monitor.restart", restart, policyOf) ?? { when: "no" },
    labels: ifGiven("monitor.labels", labels, labelsOf) ?? {},
    restarts: 0,
    inARow: 0,
  };
  if (kept.remove && kept.restart.when !== "no") {
    throw new SpecError("monitor.remove", "cannot stand beside restart: what is removed is not started anew");
  }
  return kept;
}

function policyOf(path: string, value: unknown): Monitored["restart"] {
  const [, when, , atMost] = /^(no|always|on-failure)(:(\d+))?$/.exec(text(path, value)) ?? [];
  if (when === undefined || (atMost !== undefined && when !== "on-failure")) {
    throw new SpecError(path, `must be no, always, on-failure or such as on-failure:5; it is ${JSON.stringify(value)}`);
  }
  return { when: when as Monitored["restart"]["when"], ...(atMost !== undefined && { atMost: Number(atMost) }) };
}

function labelsOf(path: string, value: unknown): Record<string, string> {
  return Object.fromEntries(
    Object.entries(object(path, value)).map(([name, content]) => [name, text(`${path}.${name}`, content)]),
  );
}

/** What a monitor has noted down: code and status as waitid(2) has them, and a moment since 1970. */
export interface ExitNote {
  /** `CLD_EXITED` (1), `CLD_KILLED` (2) or `CLD_DUMPED` (3). */
  code: number;
  /** Exit status or signal. */
  status: number;
  seconds: number;
  nanoseconds: number;
  /** How many of its processes were killed because no memory was left; absent where nothing tells of that. */
  oomKills?: number;
}

/** 0..255 by the shell's convention: the exit status, or 128 and the signal's number. */
export function exitCodeOfNote({ code, status }: Pick<ExitNote, "code" | "status">): number {
  return code === 1 ? status : 128 + status;
}

/** After so long a container counts as one that works. */
const WORKS_MS = 10_000;

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 60_000;

/** Whether a container that has ended so is started anew: after how many milliseconds, and which time in a row. */
export function nextStart(
  { restart, inARow, started, isStopAsked }: Monitored,
  exit: ExitNote,
): { pauseMs: number; inARow: number } | undefined {
  if (restart.when === "no" || isStopAsked) return undefined;
  if (restart.when === "on-failure" && exitCodeOfNote(exit) === 0) return undefined;
  const ranMs = started === undefined ? 0 : exit.seconds * 1000 + exit.nanoseconds / 1e6 - Date.parse(started);
  const before = ranMs >= WORKS_MS ? 0 : inARow;
  if (restart.atMost !== undefined && before >= restart.atMost) return undefined;
  return { pauseMs: Math.min(FIRST_PAUSE_MS * 2 ** before, LONGEST_PAUSE_MS), inARow: before + 1 };
}

/** Whether nothing more comes of a container that has ended; one whose monitor was killed before it noted that has, too. */
export function isOver({ restart, settled, isStopAsked }: Monitored, exit: ExitNote | null): boolean {
  const isUnknown = exit === null && settled === undefined;
  return restart.when === "no" || isStopAsked === true || settled?.restarts === false || isUnknown;
}
