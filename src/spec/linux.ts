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
  /** Which nodes memory is taken from. Source: set_mempolicy(2). */
  memoryPolicy?: MemoryPolicy;
  /**
   * Devices of the host's network, by their names there, that are moved into the container's network namespace, with
   * their lasting addresses. They stay with that.
   */
  netDevices?: Record<string, NetDevice>;
  /** Which part of caches and of memory's bandwidth it may use. Source: Linux's Documentation/filesystems/resctrl. */
  intelRdt?: IntelRdt;
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

/** OCI `linux.memoryPolicy`. Source: set_mempolicy(2). */
export interface MemoryPolicy {
  /** How nodes are chosen. */
  mode:
    | "MPOL_DEFAULT"
    | "MPOL_BIND"
    | "MPOL_INTERLEAVE"
    | "MPOL_WEIGHTED_INTERLEAVE"
    | "MPOL_PREFERRED"
    | "MPOL_PREFERRED_MANY"
    | "MPOL_LOCAL";
  /** Which, as in `0-3,7`; not for `MPOL_DEFAULT` and `MPOL_LOCAL`. */
  nodes?: string;
  /** What the nodes' numbers mean where others may be used. */
  flags?: ("MPOL_F_NUMA_BALANCING" | "MPOL_F_RELATIVE_NODES" | "MPOL_F_STATIC_NODES")[];
}

/** OCI `linux.netDevices.*`. */
export interface NetDevice {
  /** What it is called in the container, with `%d` for a number of the kernel's choice; absent: as on the host. */
  name?: string;
}

/** OCI `linux.intelRdt`. Source: Linux's Documentation/filesystems/resctrl. */
export interface IntelRdt {
  /** The class of service: a folder of the resctrl filesystem, `/` for that itself. */
  closID?: string;
  /** A line for the caches of level 3, as in `L3:0=ff`. */
  l3CacheSchema?: string;
  /** A line for the bandwidth, as in `MB:0=20`. */
  memBwSchema?: string;
  /** Further lines, written after these. */
  schemata?: string[];
}
