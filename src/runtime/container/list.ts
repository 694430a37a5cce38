/** The containers of a root. */

import { callLife } from "../../native/life.ts";
import type { ExitNote } from "../../spec/monitor.ts";
import type { ContainerState, KeptState } from "../../spec/state.ts";
import { stateOfFound } from "./state.ts";
import { hostOf, look, type RootOptions } from "./store.ts";

interface Entry {
  id: string;
  state: KeptState | null;
  waits: boolean;
  exit: ExitNote | null;
}

/** The states of all containers, by their ids; what a killed process has half made is undone. */
export async function listContainers(options: RootOptions = {}): Promise<ContainerState[]> {
  const { root } = hostOf(options);
  const entries = await callLife<Entry[]>("store.list", { root });
  const states = await Promise.all(entries.map((entry) => stateOfEntry(root, entry)));
  return states.filter((state) => state !== undefined);
}

async function stateOfEntry(root: string, { id, state, waits, exit }: Entry): Promise<ContainerState | undefined> {
  // A damaged one is told of by those who name it.
  if (state === null) return undefined;
  if (state.phase !== "creating") return stateOfFound({ state: { ...state, id }, waits, exit });
  const found = await look({ root, id }).catch(() => undefined);
  return found && stateOfFound(found);
}
