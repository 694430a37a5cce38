/** What was changed in a container's overlay. */

import { callForJson, callForJsonElsewhere, type Ended, type FileChange } from "../native/call.ts";
import { openLibrary } from "../native/library.ts";
import { changesSymbols } from "../native/symbols.ts";
import type { Spec } from "../spec/types.ts";
import type { Program, Reactor } from "./reactor.ts";

/** The number by which a program's layers stand among its streams, as in `rust/runtime/src/reactor.rs`. */
const LAYERS = 7;

/** Enough for most: a larger one has all of it looked at once more. */
const USUAL_BYTES = 1 << 16;

/** As the library tells it; `degraded` has what could not be looked at. */
interface Changes {
  changes: FileChange[];
  degraded: string[];
}

/** Whether a spec asks what was changed. */
export function tellsChanges(spec: Spec): boolean {
  return spec.minicontainer?.overlay?.diff === true;
}

/** An end with what was changed, which is looked at on this thread. */
export function withChangesSync(reactor: Reactor, token: number, ended: Ended): Ended {
  const { minicontainer_changes } = openLibrary(changesSymbols);
  try {
    const changes = callForJson<Changes>(
      (record, length) => minicontainer_changes(reactor.number, token, record, length),
      new Uint8Array(USUAL_BYTES),
    );
    return together(ended, changes);
  } finally {
    reactor.close(token, LAYERS);
  }
}

/** A program's end, with what was changed where its spec asks for that. */
export function endWithChanges(reactor: Reactor, program: Pick<Program, "token" | "end">, spec: Spec): Promise<Ended> {
  return tellsChanges(spec) ? program.end.then((ended) => withChanges(reactor, program.token, ended)) : program.end;
}

/** As {@linkcode withChangesSync}, on a thread of Deno's pool. */
async function withChanges(reactor: Reactor, token: number, ended: Ended): Promise<Ended> {
  const { changes_nonblocking } = openLibrary(changesSymbols);
  try {
    const changes = await callForJsonElsewhere<Changes>(
      (record, length) => changes_nonblocking(reactor.number, token, record, length),
      new Uint8Array(USUAL_BYTES),
    );
    return together(ended, changes);
  } finally {
    reactor.close(token, LAYERS);
  }
}

function together(ended: Ended, { changes, degraded }: Changes): Ended {
  return { ...ended, changes, degraded: [...ended.degraded, ...degraded] };
}
