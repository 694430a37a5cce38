/** Further programs in a container. */

import { callForEndElsewhere, exitCodeOf } from "../../native/call.ts";
import { callLife } from "../../native/life.ts";
import { openLibrary } from "../../native/library.ts";
import { runNonblockingSymbols } from "../../native/symbols.ts";
import type { ExecExtras } from "../../spec/container_exec.ts";
import { type ProcessId, stateOf } from "../../spec/state.ts";
import { mustAllow } from "../../spec/status.ts";
import { type ContainerOfExec, type Extras, OCI_VERSION } from "../../spec/types.ts";
import { type Handed, listening } from "./handed.ts";
import { statusNow } from "./state.ts";
import { look, type Place } from "./store.ts";

/** A program that is to run in a container, as the command has it. */
export interface ExecRequest extends ExecExtras {
  /** The JSON of OCI's `process`. */
  process: string;
  /** A cgroup below the container's, that the program is put into. */
  cgroup?: string;
  /** So many descriptors behind stderr are the program's too. */
  preserveFds?: number;
  /** The container may be paused, and the program waits then until it goes on. */
  ignorePaused?: boolean;
  /** What systemd has handed to this process, for the program. */
  handed?: Handed;
}

/** Who gets what is left of a program that is left to itself. */
export interface ExecSockets {
  /** A unix socket that is sent our side of its terminal. */
  consoleSocket?: string;
  /** A unix socket that is sent its pidfd. */
  pidfdSocket?: string;
}

/** The container that a program is to run in, as the library knows it. @throws {StateError} where it does not run */
export async function enter(place: Place, request: Omit<ExecRequest, "process">): Promise<ContainerOfExec> {
  const found = await look(place);
  const { pid, startTime, cgroup } = found.state;
  const status = statusNow(found);
  if (!(status === "paused" && request.ignorePaused)) mustAllow("exec", place.id, status);
  const { asItsProgram, capabilities, additionalGids, cgroup: below } = request;
  const config = `${found.folder}/config.json`;
  const state = stateOf(found.state, status);
  return { config, pid, startTime, cgroup, below, asItsProgram, capabilities, additionalGids, state };
}

/** The JSON of the spec that the command's request stands for. */
async function specText(place: Place, request: ExecRequest, extras: Extras): Promise<string> {
  const container = await enter(place, request);
  const { handed } = request;
  const preserveFds = (request.preserveFds ?? 0) + (handed?.sockets ?? 0);
  const minicontainer = { ...extras, preserveFds, defaultEnv: handed && listening(handed), container };
  const rest = JSON.stringify({ ociVersion: OCI_VERSION, minicontainer });
  return `${rest.slice(0, -1)},"process":${request.process}}`;
}

/** Runs a program in a container, in the foreground; its exit code, 128 and the signal's number where one ended it. */
export async function execInForeground(place: Place, request: ExecRequest): Promise<number> {
  const spec = new TextEncoder().encode(await specText(place, request, { foreground: true }));
  const { run_nonblocking } = openLibrary(runNonblockingSymbols);
  const call = (record: Uint8Array<ArrayBuffer>, length: number) =>
    run_nonblocking(spec, spec.byteLength, record, length);
  return exitCodeOf(await callForEndElsewhere(call));
}

/** Starts a program in a container, and leaves it to itself. */
export async function execDetached(
  place: Place,
  request: ExecRequest,
  sockets: ExecSockets = {},
): Promise<ProcessId> {
  return await callLife("exec", sockets, { spec: await specText(place, request, {}) });
}
