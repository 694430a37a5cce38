/** OCI `linux`: what only this kernel has. */

import type { Resources } from "./linux_resources.ts";
import type { IdMapping } from "./mount.ts";
import type { Seccomp } from "./seccomp.ts";

/** OCI `linux`. */
export interface Linux {
  /** The namespaces that are made for the program, or that it joins. */
  namespaces?: Namespace[];
  /** Which user ids of the user namespace are which outside. */
  uidMappings?: IdMapping[];
  /** Which group ids of the user namespace are which outside. */
  gidMappings?: IdMapping[];
  /** By what the clocks of the time namespace differ from the host's. Source: time_namespaces(7). */
  timeOffsets?: { monotonic?: TimeOffset; boottime?: TimeOffset };
  /** Device nodes beside the default ones. */
  devices?: Device[];
  /** The cgroup: an absolute path, a relative one, or `slice:prefix:name` with systemd. */
  cgroupsPath?: string;
  /** What the cgroup may use. */
  resources?: Resources;
  /** Kernel parameters of the namespaces, as in `net.ipv4.ip_forward`. */
  sysctl?: Record<string, string>;
  /** Which system calls are let through. */
  seccomp?: Seccomp;
  /** What cannot be read. */
  maskedPaths?: string[];
  /** What cannot be written to. */
  readonlyPaths?: string[];
  /** How mounts below `/` pass to and from other mount namespaces. */
  rootfsPropagation?: Propagation;
  /** The SELinux label of the mounts. */
  mountLabel?: string;
  /** Which kernel the program believes to be on. */
  personality?: Personality;
}

/** A kind of namespace, in OCI's words. Source: namespaces(7). */
export type NamespaceKind = "user" | "pid" | "mount" | "network" | "ipc" | "uts" | "cgroup" | "time";

/** OCI `linux.namespaces[]`. */
export interface Namespace {
  /** Which one. */
  type: NamespaceKind;
  /** One to join, as in `/proc/1/ns/net`; absent: a new one. */
  path?: string;
}

/** OCI `linux.timeOffsets.*`. */
export interface TimeOffset {
  /** Whole seconds, below 0 too. */
  secs: number;
  /** 0 to 999,999,999, added to them. */
  nanosecs?: number;
}

/** OCI `linux.devices[]`. Source: mknod(2). */
export interface Device {
  /** A character device, a block device, a pipe; `u` is as `c`. */
  type: "c" | "b" | "u" | "p";
  /** Where, inside the container. */
  path: string;
  /** The driver's number; not for a pipe. */
  major?: number;
  /** The device's number; not for a pipe. */
  minor?: number;
  /** Its permissions, as in `0o666`. */
  fileMode?: number;
  /** Whose it is. */
  uid?: number;
  /** Whose group's it is. */
  gid?: number;
}

/** OCI `linux.rootfsPropagation`. Source: mount_namespaces(7). */
export type Propagation =
  | "private"
  | "rprivate"
  | "shared"
  | "rshared"
  | "slave"
  | "rslave"
  | "unbindable"
  | "runbindable";

/** OCI `linux.personality`. Source: personality(2). */
export interface Personality {
  /** `LINUX32`: the program sees a 32-bit machine. */
  domain: "LINUX" | "LINUX32";
  /** None is supported by runtimes. */
  flags?: string[];
}
