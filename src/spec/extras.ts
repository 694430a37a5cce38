/** The spec's property `minicontainer`: what OCI lacks. */

import type { ContainerState } from "./state.ts";
import type { CgroupExtras } from "./linux_resources.ts";

/** What OCI lacks. */
export interface Extras {
  /** What is executed, where that is not `process.args[0]`; a name without a slash is looked up in PATH. */
  program?: string;
  /** `process.env` is laid over the environment of this process. */
  inheritEnv?: boolean;
  /** `NAME=value`, laid under everything else: only what is set nowhere is taken from here. */
  defaultEnv?: string[];
  /** Files of `NAME=value` lines, laid over what is inherited and under `process.env`. */
  envFiles?: string[];
  /** Where the program's descriptors 0, 1 and 2 come from. */
  stdio?: [SpecStdio, SpecStdio, SpecStdio];
  /** The program is killed when this process ends. */
  killOnExit?: boolean;
  /** The program is killed after so many milliseconds. */
  timeoutMs?: number;
  /** The program is killed when it writes more bytes than that to stdout and stderr together; in the foreground alone. */
  outputBytes?: number;
  /** Tell on stderr what is done. */
  debug?: boolean;
  /** The program takes this process's place before the terminal and towards who signals it. */
  foreground?: boolean;
  /** In the foreground: where nothing is to be told of its end, this process ends as it did, at once. */
  exits?: boolean;
  /** `USER[:GROUP]`, names of the root filesystem's `/etc/passwd` and `/etc/group` or numbers; before `process.user`. */
  runAs?: string;
  /** The root filesystem is left as it is: what is written goes elsewhere. */
  overlay?: Overlay;
  /** What is written into the root filesystem before the program starts. */
  files?: InjectedFile[];
  /** What the program may reach by path; nothing else. */
  landlock?: Landlock;
  /** The built-in filter of system calls, where `linux.seccomp` is absent. */
  seccompProfile?: "default";
  /** A file that holds `linux.seccomp`. */
  seccompFile?: string;
  /** A user namespace without mappings: all the ids that the caller may map, or the caller's own as 0. */
  mapIds?: "auto" | "single";
  /** The program gets a session keyring of its own. Source: session-keyring(7). */
  newKeyring?: boolean;
  /** Which system calls mount: `fsopen(2)` and its kin, or `mount(2)`; default: the new where the kernel has them. */
  mountApi?: "auto" | "new" | "classic";
  /** Whether the root filesystem gets OCI's default device nodes and links in `/dev`. */
  devices?: "default" | "none";
  /** Devices of the host that the root filesystem gets under the same path. */
  hostDevices?: string[];
  /**
   * The program gets a terminal of its own, `"auto"`: in the foreground, where stdin is a terminal, in place of those
   * of the streams that are one, and else a session of its own; `"always"`: as with `process.terminal`, and with `TERM`
   * set.
   */
  tty?: "auto" | "always";
  /** What there is to say of its cgroup, which it gets also where only this asks for one. */
  cgroup?: CgroupExtras;
  /** So many descriptors of this process's behind stderr are the program's too. */
  preserveFds?: number;
  /** The program runs in a container that is there, in its namespaces. */
  container?: ContainerOfExec;
}

/** A container that a program runs in. */
export interface ContainerOfExec {
  /** The file with its configuration. */
  config: string;
  /** Its process. */
  pid: number;
  /** When that started, in clock ticks since boot. */
  startTime: number;
  /** Its cgroup, in the library's words. */
  cgroup?: unknown;
  /** A cgroup below that. */
  below?: string;
  /** `process` says only what differs from the container's own program. */
  asItsProgram: boolean;
  /** What the program may beside what the container's own may. */
  capabilities?: string[];
  /** Further groups. */
  additionalGids?: number[];
  /** OCI's state of it, which who answers the calls of its filter is told. */
  state?: ContainerState;
}

/** Where a standard stream comes from. */
export type SpecStdio = "inherit" | "null" | "piped" | { descriptor: number };

/** An overlay filesystem whose lower layer is the root. Source: Linux's Documentation/filesystems/overlayfs. */
export interface Overlay {
  /** The folder that holds what is written, as `upper`, and `work`, and is left so; absent: memory. */
  folder?: string;
  /** What the memory may hold at most, in bytes. */
  sizeBytes?: number;
  /** The result tells what was changed. */
  diff?: boolean;
}

/** A file that is written into the root filesystem. */
export interface InjectedFile {
  /** Where, inside the container. */
  path: string;
  /** Base64. */
  content: string;
  /** Its permissions; default 0644. */
  mode?: number;
}

/** What the program may reach by path; nothing else. Source: landlock(7). */
export interface Landlock {
  /** What may be read and executed. */
  readOnly: string[];
  /** What may be changed as well. */
  readWrite: string[];
}
