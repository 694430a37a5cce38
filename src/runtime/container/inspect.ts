/** All that is known of a container. */

import { callLife } from "../../native/life.ts";
import type { ContainerState } from "../../spec/state.ts";
import type { Spec } from "../../spec/types.ts";
import { stateOfFound } from "./state.ts";
import { look, type Place } from "./store.ts";

/** All that is known of a container. */
export interface ContainerDetails extends ContainerState {
  /** When it was started last; RFC 3339. */
  started?: string;
  /** What is noted down of it. */
  labels?: Record<string, string>;
  /** When it is started anew: `"no"`, `"always"`, `"on-failure"`, `"on-failure:5"`. */
  restart?: string;
  /** How often it was. */
  restarts?: number;
  /** Whether it is removed at its end. */
  remove?: boolean;
  /** Its log. */
  log?: { path: string; maxBytes: number | null; maxFiles: number };
  /** What went wrong at its end. */
  warnings?: string[];
  /** Where its cgroup is. */
  cgroup?: unknown;
  /** What it was made of. */
  config: Spec;
}

/** All that is known of a container. @throws {NotFoundError} where there is none */
export async function inspectContainer(place: Place): Promise<ContainerDetails> {
  const found = await look(place);
  const { folder, state: { monitor, cgroup } } = found;
  const { text } = await callLife<{ text: string }>("file.read", { path: `${folder}/config.json` });
  const { when, atMost } = monitor?.restart ?? {};
  return {
    ...stateOfFound(found),
    ...(monitor && {
      started: monitor.started,
      labels: monitor.labels,
      restart: atMost === undefined ? when : `${when}:${atMost}`,
      restarts: monitor.restarts,
      remove: monitor.remove,
      log: { path: `${folder}/log`, maxBytes: monitor.logBytes || null, maxFiles: monitor.logs },
      warnings: monitor.warnings,
    }),
    cgroup,
    config: JSON.parse(text),
  };
}
