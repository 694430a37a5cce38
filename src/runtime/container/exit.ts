/** How a container ended that has a monitor. */

import { exitCodeOfNote, type ExitNote } from "../../spec/monitor.ts";
import { type ContainerExit, rfc3339 } from "../../spec/state.ts";
import { signalName } from "../signals.ts";

/** What was noted down, in callers' words. */
export function exitOf(note: ExitNote): ContainerExit {
  return {
    exitCode: exitCodeOfNote(note),
    signal: note.code === 1 ? null : { number: note.status, name: signalName(note.status) },
    oomKilled: (note.oomKills ?? 0) > 0,
    finished: rfc3339([note.seconds, note.nanoseconds]),
  };
}
