/** What is kept of a container, and what is told of it. Pure. */

import { SpecError } from "../native/errors.ts";
import type { Monitored } from "./monitor.ts";
import type { ContainerStatus } from "./status.ts";
import { OCI_VERSION, type Spec } from "./types.ts";

/** OCI's state of a container. Source: runtime-spec `runtime.md`, State. */
export interface ContainerState {
  /** The version of the runtime-spec that this follows. */
  ociVersion: string;
  /** Of one root, the container's alone. */
  id: string;
  /** How far it has come. */
  status: ContainerStatus;
  /** Its first process as the host sees it; 0 where there is none, or none any more. */
  pid: number;
  /** The absolute path of its bundle. */
  bundle: string;
  /** The absolute path of its root filesystem, where it has one. */
  rootfs?: string;
  /** When it was made: RFC 3339, with nanoseconds. */
  created: string;
  /** The user that made it. */
  owner: string;
  /** OCI `annotations`. */
  annotations?: Record<string, string>;
  /** How it ended, where it is stopped and was left to a monitor. */
  exit?: ContainerExit;
}

/** How a container ended. */
export interface ContainerExit {
  /** 0..255 by the shell's convention: the exit status, or 128 and the signal's number. */
  exitCode: number;
  /** The signal that ended it, else null. */
  signal: { number: number; name: string } | null;
  /** Whether memory's limit was met, and a process of it killed. */
  oomKilled: boolean;
  /** When: RFC 3339, with nanoseconds. */
  finished: string;
}

/** A process, and when it started, in clock ticks since boot: the two together are not given anew. */
export interface ProcessId {
  pid: number;
  startTime: number;
}

/** `state.json`. */
export interface KeptState extends ProcessId {
  ociVersion: string;
  id: string;
  bundle: string;
  rootfs?: string;
  created: string;
  owner: string;
  annotations?: Record<string, string>;
  /** Whether it has been made; what became of it then is seen, not kept. */
  phase: "creating" | "created";
  /** Who makes it: gone, and the container still `creating`, means half-made. */
  creator: ProcessId;
  /** Its cgroup, in the library's words. */
  cgroup?: unknown;
  /** A mount among the host's that goes with it. */
  mounted?: string;
  /** Whether its configuration has a program. */
  hasProcess: boolean;
  /** The lists of hooks that are not empty. */
  hooks: string[];
  /** What a monitor does for it, where it has one. */
  monitor?: Monitored;
}

/** Who makes a container, and when. */
export interface Creation {
  creator: ProcessId;
  owner: string;
  /** Seconds since 1970, and nanoseconds. */
  now: [number, number];
}

/** The first state of a container. */
export function newState(
  id: string,
  bundle: string,
  spec: Partial<Spec>,
  { creator, owner, now }: Creation,
): KeptState {
  const root = spec.root?.path;
  return {
    ociVersion: OCI_VERSION,
    id,
    pid: 0,
    startTime: 0,
    bundle,
    ...(root !== undefined && { rootfs: joined(bundle, root) }),
    created: rfc3339(now),
    owner,
    ...(spec.annotations !== undefined && { annotations: spec.annotations }),
    phase: "creating",
    creator,
    hasProcess: spec.process !== undefined,
    hooks: Object.entries(spec.hooks ?? {}).filter(([, list]) => list?.length > 0).map(([stage]) => stage),
  };
}

/** What is told of a container. */
export function stateOf(kept: KeptState, status: ContainerStatus): ContainerState {
  const { ociVersion, id, bundle, rootfs, created, owner, annotations } = kept;
  const pid = status === "stopped" || status === "creating" ? 0 : kept.pid;
  return {
    ociVersion,
    id,
    status,
    pid,
    bundle,
    ...(rootfs !== undefined && { rootfs }),
    created,
    owner,
    ...(annotations !== undefined && { annotations }),
  };
}

/** A moment as RFC 3339 has it, with nanoseconds. */
export function rfc3339([seconds, nanoseconds]: [number, number]): string {
  const upToSeconds = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${upToSeconds}.${String(nanoseconds).padStart(9, "0")}Z`;
}

/** A path where a relative one starts from a folder. */
export function joined(folder: string, path: string): string {
  if (path.startsWith("/")) return path;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return [folder.replace(/\/+$/, ""), ...parts].join("/");
}

const LONGEST_ID = 1024;

/** @throws {SpecError} where `id` is no id of a container */
export function checkId(id: unknown): string {
  if (typeof id !== "string" || id === "") throw new SpecError("id", "a container needs an id, and there is none");
  if (id.length > LONGEST_ID) throw new SpecError("id", `must have at most ${LONGEST_ID} characters`);
  if (!/^[A-Za-z0-9_+.-]+$/.test(id) || id === "." || id === "..") {
    throw new SpecError("id", `must be of letters, digits and "_", "+", ".", "-"; it is ${JSON.stringify(id)}`);
  }
  return id;
}
