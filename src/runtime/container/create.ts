/** Making a container that waits to be started. */

import { SpecError, StateError, SystemError } from "../../native/errors.ts";
import { callLife, callLifeHere } from "../../native/life.ts";
import { plain } from "../../spec/check.ts";
import { type ConfigText, readConfig } from "../../spec/config_json.ts";
import { type Absent, type CommandConfig, specFromConfig } from "../../spec/exec_config.ts";
import type { IsolationConfig } from "../../spec/isolation_config.ts";
import type { MonitorConfig } from "../../spec/monitor.ts";
import { checkId, type KeptState, newState, type ProcessId, stateOf } from "../../spec/state.ts";
import type { CgroupManager, Spec } from "../../spec/types.ts";
import { type Handed, listening } from "./handed.ts";
import { monitorOf, newMonitored } from "./monitor.ts";
import { containerState } from "./state.ts";
import { close, hostOf, look, type Place, type RootOptions } from "./store.ts";

/** A container that is to be made: of a `bundle`, or a `spec`, or a `program` and how it is isolated. */
export type CreateConfig = BundleConfig | ProgramConfig;

/** A container as OCI has it. */
export interface BundleConfig extends CreateOptions, Absent<CommandConfig & IsolationConfig> {
  /** A folder with a `config.json`, from which relative paths of that start; absent: this process's, with `spec`. */
  bundle?: string;
  /** The configuration, in the place of a bundle's. */
  spec?: Spec;
}

/** A container of a program; relative paths start from this process's folder. */
export interface ProgramConfig extends CreateOptions, CommandConfig, IsolationConfig {
  /** All is in the other fields. */
  bundle?: undefined;
  /** All is in the other fields. */
  spec?: undefined;
}

/** How a container is made, whatever it is. */
export interface CreateOptions extends RootOptions {
  /**
   * What it is called: letters, digits, and `_`, `+`, `.`, `-`; in its root no other has it. Absent: 64 random digits of
   * base 16.
   */
  id?: string;
  /**
   * A small process stays by the container as its parent: it writes its log, serves who attaches, notes how it ended,
   * and has it removed or started anew then.
   */
  monitor?: boolean | MonitorConfig;
  /** A unix socket that is sent our side of the container's terminal. */
  consoleSocket?: string;
  /** A unix socket that is sent a pidfd of the container's process. */
  pidfdSocket?: string;
  /** So many descriptors behind stderr are the container's too; default 0. */
  preserveFds?: number;
  /** Where the root cannot be pivoted to, as in an initramfs, it is moved to. */
  noPivot?: boolean;
  /** The container gets no session keyring of its own. */
  noNewKeyring?: boolean;
  /** Who makes its cgroup; default `"auto"`. */
  cgroupManager?: CgroupManager;
}

/** A container that waits to be started. */
export interface Created {
  place: Place;
  state: KeptState;
  /** What could not be had in full, a sentence each. */
  warnings: string[];
}

/** What only the command asks for. */
export interface Foreground {
  /** A terminal of the container's own stays with this process, which attends to it. */
  foreground?: boolean;
  /** The module of the command, which monitors execute. */
  module?: string;
  /** What systemd has handed to this process, for the container. */
  handed?: Handed;
}

/**
 * Makes a container. What it is has been read when this returns: later edits of its `config.json` change nothing.
 *
 * @throws {SpecError} before anything is done
 * @throws {StateError} where there is one of that id
 * @throws {SystemError} after undoing what was done
 */
export async function createContainer(config: CreateConfig & Foreground): Promise<Created> {
  const asked = configOf(config);
  const id = config.id === undefined ? randomId() : checkId(config.id);
  const { root, owner, now, pid, startTime } = hostOf(config);
  const place = { root, id };
  const { monitor } = config;
  const first: KeptState = {
    ...newState(id, asked.bundle, asked.spec, { creator: { pid, startTime }, owner, now }),
    ...(monitor && { monitor: newMonitored(monitor, asked.spec, config) }),
  };
  const handle = await reserve(place, first, asked.text);
  try {
    return { place, ...await makeProcess({ root, handle, state: first }, asked.text, config) };
  } catch (error) {
    await callLife("store.remove", { handle });
    throw error;
  } finally {
    close({ handle });
  }
}

/** A container whose process is to be made. */
interface Unmade {
  root: string;
  handle: number;
  state: KeptState;
}

/** Makes a container's process, which waits to be started. */
export async function makeProcess(
  { root, handle, state }: Unmade,
  config: string,
  options: Omit<CreateOptions, "id"> & Foreground,
): Promise<Omit<Created, "place">> {
  const { consoleSocket, pidfdSocket, noPivot, noNewKeyring, cgroupManager, foreground, handed } = options;
  const kept: KeptState = { ...state, phase: "created" };
  const { degraded, ...made } = await callLife<ProcessId & { cgroup?: unknown; degraded: string[] }>("create", {
    handle,
    bundle: state.bundle,
    state: stateOf(state, "creating"),
    kept,
    ...{ consoleSocket, pidfdSocket, noPivot, noNewKeyring, cgroupManager, foreground },
    preserveFds: (options.preserveFds ?? 0) + (handed?.sockets ?? 0),
    environment: handed && listening(handed),
    notifies: handed?.isAwaited,
    monitor: monitorOf({ root, id: state.id }, state, options.module),
  }, { spec: config });
  // As the call has written it to the container's folder.
  return { state: { ...kept, ...made }, warnings: degraded };
}

function randomId(): string {
  return crypto.getRandomValues(new Uint8Array(32)).toHex();
}

function configOf(config: CreateConfig): ConfigText & { bundle: string } {
  if (config.program !== undefined || config.spec !== undefined) {
    const spec = config.program === undefined ? plain<Spec>("spec", config.spec) : specOfProgram(config);
    const text = textOf(spec);
    const { folder } = callLifeHere<{ folder: string }>("folder", { path: config.bundle ?? "." });
    return { ...readConfig(text, "the spec"), bundle: folder };
  }
  const found = callLifeHere<{ bundle: string; config: string }>("bundle.read", { bundle: config.bundle ?? "." });
  const read = readConfig(found.config);
  if (read.spec.root === undefined) throw new SpecError("root", "must be given: a bundle has a root filesystem");
  return { ...read, bundle: found.bundle };
}

/** What only somebody could see to who waits for the program. */
const NEEDS_WAITING = ["stdin", "stdout", "stderr", "timeoutMs", "outputBytes", "signal", "killOnExit", "enableDebug"];

function specOfProgram(config: ProgramConfig): Spec {
  for (const field of ["bundle", "spec"]) {
    if (field in config && config[field as "bundle"] !== undefined) {
      throw new SpecError(field, "cannot stand beside program");
    }
  }
  const odd = NEEDS_WAITING.find((field) => (config as unknown as Record<string, unknown>)[field] !== undefined);
  if (odd !== undefined) throw new SpecError(odd, "means nothing for a container, which nobody waits for");
  if (config.limits?.cpuTimeMs !== undefined) {
    throw new SpecError("limits.cpuTimeMs", "means nothing for a container, which nobody waits for");
  }
  return specFromConfig(config);
}

/** The configuration of a spec: the same whoever starts, joins or renews the container later, and from which folder. */
function textOf(spec: Spec): string {
  const text = JSON.stringify(spec);
  const { inheritEnv, envFiles = [], seccompFile } = spec.minicontainer ?? {};
  const isWhole = !inheritEnv && envFiles.length === 0 && seccompFile === undefined;
  return isWhole ? text : callLifeHere<{ text: string }>("surroundings", { text }).text;
}

/** Makes the container's folder, which is its id's reservation; a half-made one of that id is undone first. */
async function reserve(place: Place, state: KeptState, config: string): Promise<number> {
  for (let tries = 2;; tries--) {
    try {
      const { handle } = await callLife<{ handle: number }>("store.create", { ...place, state }, { config });
      return handle;
    } catch (error) {
      if (!(error instanceof SystemError && error.code === "EEXIST")) throw error;
      const found = await look(place).catch(() => undefined);
      if (found === undefined && tries > 0) continue;
      const { status } = await containerState(place).catch(() => ({ status: "damaged" }));
      throw new StateError(`container ${JSON.stringify(place.id)} already exists: it is ${status}`, "absent", status);
    }
  }
}
