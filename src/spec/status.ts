/** In which state a container is, and what that allows. Pure. */

import { StateError } from "../native/errors.ts";

/** OCI `state.status`, and `paused`, which runtimes add. */
export type ContainerStatus = "creating" | "created" | "running" | "paused" | "stopped";

/** What is done with a container that is there. */
export type ContainerVerb = "start" | "kill" | "delete" | "exec" | "pause" | "resume" | "update" | "ps" | "stats";

const ALLOWED: Record<ContainerVerb, readonly ContainerStatus[]> = {
  start: ["created"],
  kill: ["created", "running", "paused"],
  delete: ["stopped"],
  exec: ["created", "running"],
  pause: ["created", "running"],
  resume: ["paused"],
  update: ["created", "running", "paused"],
  ps: ["created", "running", "paused"],
  stats: ["created", "running", "paused"],
};

/** Whether a container of a status may be dealt with so. */
export function allows(verb: ContainerVerb, status: ContainerStatus): boolean {
  return ALLOWED[verb].includes(status);
}

/**
 * Checks that a container may be dealt with so.
 *
 * @throws {StateError} whose message names the state, in words that engines look for
 */
export function mustAllow(verb: ContainerVerb, id: string, status: ContainerStatus) {
  if (!allows(verb, status)) throw new StateError(refusal(verb, id, status), ALLOWED[verb].join(" or "), status);
}

function refusal(verb: ContainerVerb, id: string, status: ContainerStatus): string {
  const name = JSON.stringify(id);
  switch (verb) {
    case "start":
      return status === "stopped"
        ? `cannot start a container that has stopped: ${name} is stopped`
        : `cannot start ${name}: it is ${status}, and only a created container can be started`;
    case "delete":
      return `cannot delete container ${name} that is not stopped: it is ${status}`;
    case "exec":
      return `cannot exec in a ${status} container: ${name}${status === "paused" ? "; resume it first" : ""}`;
    case "resume":
      return `cannot resume ${name}: container not paused: it is ${status}`;
    default: {
      const deed = verb === "stats" ? "take the figures of" : verb === "ps" ? "list the processes of" : verb;
      return `cannot ${deed} ${name}: container not running: it is ${status}`;
    }
  }
}

/** What was seen of a container. */
export interface Seen {
  /** How far it has come by itself. */
  phase: "creating" | "created" | "started";
  /** Whether its process is there and no zombie. */
  isAlive: boolean;
  /** Whether its cgroup is frozen. */
  isFrozen: boolean;
}

/** The status that what was seen amounts to. */
export function statusOf({ phase, isAlive, isFrozen }: Seen): ContainerStatus {
  if (phase === "creating") return "creating";
  if (!isAlive) return "stopped";
  if (isFrozen) return "paused";
  return phase === "created" ? "created" : "running";
}
