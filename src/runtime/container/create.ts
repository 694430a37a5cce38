/** Making a container that waits to be started. */

import { SpecError, StateError, SystemError } from "../../native/errors.ts";
import { callLife } from "../../native/life.ts";
import { plain } from "../../spec/check.ts";
import { type ConfigText, readConfig } from "../../spec/config_json.ts";
import { checkId, type KeptState, newState, type ProcessId, stateOf } from "../../spec/state.ts";
import type { CgroupManager, Spec } from "../../spec/types.ts";
import { containerState } from "./state.ts";
import { hostOf, look, type Place, type RootOptions } from "./store.ts";

/** A container that is to be made. */
export interface CreateConfig extends RootOptions {
  /** What it is called: letters, digits, and `_`, `+`, `.`, `-`; in its root no other has it. */
  id: string;
  /** A folder with a `config.json`, from which relative paths of that start; absent: this process's, with `spec`. */
  bundle?: string;
  /** The configuration, in the place of a bundle's. */
  spec?: Spec;
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
  /** Who makes its cgroup; default `"cgroupfs"`. */
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
}

/**
 * Makes a container. What it is has been read when this returns: later edits of its `config.json` change nothing.
 *
 * @throws {SpecError} before anything is done
 * @throws {StateError} where there is one of that id
 * @throws {SystemError} after undoing what was done
 */
export async function createContainer(config: CreateConfig & Foreground): Promise<Created> {
  const { text, spec, bundle } = await configOf(config);
  const id = checkId(config.id);
  const { root, owner, now, pid, startTime } = await hostOf(config);
  const place = { root, id };
  const first = newState(id, bundle, spec, { creator: { pid, startTime }, owner, now });
  const handle = await reserve(place, first, text);
  try {
    const { consoleSocket, pidfdSocket, preserveFds, noPivot, noNewKeyring, cgroupManager, foreground } = config;
    const { degraded, ...made } = await callLife<ProcessId & { cgroup?: unknown; degraded: string[] }>("create", {
      handle,
      bundle,
      state: stateOf(first, "creating"),
      ...{ consoleSocket, pidfdSocket, preserveFds, noPivot, noNewKeyring, cgroupManager, foreground },
    }, { spec: text });
    const state: KeptState = { ...first, ...made, phase: "created" };
    await callLife("store.save", { handle, state });
    return { place, state, warnings: degraded };
  } catch (error) {
    await callLife("store.remove", { handle });
    throw error;
  } finally {
    await callLife("store.close", { handle });
  }
}

async function configOf({ bundle, spec }: CreateConfig): Promise<ConfigText & { bundle: string }> {
  if (spec !== undefined) {
    const text = JSON.stringify(plain("spec", spec));
    const { folder } = await callLife<{ folder: string }>("folder", { path: bundle ?? "." });
    return { ...readConfig(text, "the spec"), bundle: folder };
  }
  const found = await callLife<{ bundle: string; config: string }>("bundle.read", { bundle: bundle ?? "." });
  const config = readConfig(found.config);
  if (config.spec.root === undefined) throw new SpecError("root", "must be given: a bundle has a root filesystem");
  return { ...config, bundle: found.bundle };
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
