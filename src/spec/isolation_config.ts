/** How a program is isolated: the fields of a configuration that make it a container. */

import type { Limits } from "./resources.ts";
import type {
  Device,
  IdMapping,
  IoPriority,
  Landlock,
  Mount,
  NamespaceKind,
  Overlay,
  Propagation,
  Scheduler,
  Seccomp,
  TimeOffset,
} from "./types.ts";

/** How a program is isolated; everything may be left out. */
export interface IsolationConfig extends NamespaceConfig, FilesystemConfig, UserConfig, PrivilegeConfig, LimitConfig {}

/** Which namespaces a program has of its own. Source: namespaces(7). */
export interface NamespaceConfig {
  /**
   * A PID namespace, in which the program is PID 1; needs CAP_SYS_ADMIN, as do the others but for the user namespace.
   * Default: where there is a `rootfs`.
   */
  enablePidNamespace?: boolean;
  /** A mount namespace. Default: where a field mounts something. */
  enableMountNamespace?: boolean;
  /** A UTS namespace. Default: where there is a `hostname` or `domainname`. */
  enableUtsNamespace?: boolean;
  /** An IPC namespace: System V's objects and POSIX message queues. */
  enableIpcNamespace?: boolean;
  /** A network namespace, with nothing in it but the loopback interface. */
  enableNetworkNamespace?: boolean;
  /** A cgroup namespace: the program's cgroup is `/`. */
  enableCgroupNamespace?: boolean;
  /** A user namespace: root in it is nobody outside. Default: where there are mappings. */
  enableUserNamespace?: boolean;
  /** A time namespace. Default: where there are `timeOffsets`. */
  enableTimeNamespace?: boolean;
  /** All but the user and the time namespace, where not said otherwise. */
  enableAllNamespaces?: boolean;
  /** Namespaces to join instead, by path, as in `{ network: "/proc/1/ns/net" }`. */
  namespaces?: Readonly<Partial<Record<NamespaceKind, string>>>;
  /** By what the time namespace's clocks differ from the host's. */
  timeOffsets?: Readonly<{ monotonic?: TimeOffset; boottime?: TimeOffset }>;
  /** The host name, at most 64 bytes. */
  hostname?: string;
  /** The NIS domain, at most 64 bytes. */
  domainname?: string;
  /** Kernel parameters of the namespaces, as in `{ "net.ipv4.ip_forward": "1" }`. */
  sysctl?: Readonly<Record<string, string>>;
}

/** What files a program sees. */
export interface FilesystemConfig {
  /**
   * The folder that becomes the program's `/`. The rest then has a container's defaults: PID and mount namespaces,
   * `/proc`, `/dev`, `/sys`, Docker's capabilities and filter of system calls, an environment that is not the caller's.
   */
  rootfs?: string;
  /** Nothing can be written to the `rootfs` itself. */
  readOnly?: boolean;
  /** The `rootfs` stays as it is: what is written to it goes to memory, or to a folder. */
  overlay?: boolean | Readonly<Overlay>;
  /** Folders and files of the host: `SOURCE:TARGET[:OPTION,…]`, as in `/srv:/data:ro`. */
  volumes?: readonly (string | Volume)[];
  /** Filesystems in memory: `TARGET[:OPTION,…]`, as in `/tmp:size=64m`. */
  tmpfs?: readonly (string | Tmpfs)[];
  /** Mounts in OCI's words, after all others. */
  mounts?: readonly Mount[];
  /** Files that are written into the `rootfs` before the program starts, by path. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Device nodes in OCI's words, beside the default ones. */
  devices?: readonly Device[];
  /** Devices of the host, by path, as in `/dev/fuse`. */
  hostDevices?: readonly string[];
  /** Instead of Docker's list: what cannot be read. */
  maskedPaths?: readonly string[];
  /** Instead of Docker's list: what cannot be written to. */
  readonlyPaths?: readonly string[];
  /** How mounts below `/` pass to and from other mount namespaces. */
  rootfsPropagation?: Propagation;
  /** Which system calls mount; default `"auto"`. */
  mountApi?: "auto" | "new" | "classic";
}

/** A folder or file of the host that a program sees. */
export interface Volume {
  /** On the host: an absolute path, or one that begins with a dot. */
  source: string;
  /** Where the program sees it. */
  target: string;
  /** Nothing can be written to it. */
  readOnly?: boolean;
  /** As in `["noexec", "rslave"]`; default `["rbind", "rprivate", "nodev"]`, without the last for what is in `/dev`. */
  options?: readonly string[];
}

/** A filesystem in memory. Source: tmpfs(5). */
export interface Tmpfs {
  /** Where the program sees it. */
  target: string;
  /** What it holds at most, in bytes; default: half of the memory. */
  sizeBytes?: number;
  /** The permissions of its root; default 01777. */
  mode?: number;
  /** As in `["exec"]`; default `["nosuid", "nodev", "noexec"]`. */
  options?: readonly string[];
}

/** As whom a program runs. */
export interface UserConfig {
  /** `USER[:GROUP]`: names of the `rootfs`'s `/etc/passwd` and `/etc/group`, or numbers. */
  user?: string;
  /** The groups beside it. */
  additionalGids?: readonly number[];
  /** The permissions that new files don't get, as in `0o022`. */
  umask?: number;
  /** Which user ids of the user namespace are which outside. */
  uidMappings?: readonly IdMapping[];
  /** Which group ids of the user namespace are which outside. */
  gidMappings?: readonly IdMapping[];
  /** A user namespace without mappings: all ids that the caller may map (default), or the caller's own as 0. */
  mapIds?: "auto" | "single";
}

/** What a program may do. */
export interface PrivilegeConfig {
  /** Capabilities beside Docker's, as in `NET_ADMIN`, or `ALL`; with a `user` it has them although it is not root. */
  capAdd?: readonly string[];
  /** Capabilities that it does not get, or `ALL`. Without a `rootfs` those are taken from all there are. */
  capDrop?: readonly string[];
  /** No program that it executes gains privileges, as by set-user-ID. Default: with `rootfs` or `landlock`. */
  noNewPrivileges?: boolean;
  /** Which system calls are let through: Docker's (default where there is a `rootfs`), all, or as OCI has it. */
  seccomp?: "default" | "unconfined" | Readonly<Seccomp>;
  /** A file that holds what OCI has for it. */
  seccompFile?: string;
  /** What the program may reach by path; nothing else. */
  landlock?: Readonly<Partial<Landlock>>;
  /** The AppArmor profile that it changes to. */
  apparmorProfile?: string;
  /** The SELinux label that it changes to. */
  selinuxLabel?: string;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  /** Lines, 1 to 65535. */
  rows: number;
  /** Characters of a line, 1 to 65535. */
  columns: number;
}

/** What a program may use, and how it is treated. */
export interface LimitConfig {
  /** What it and all that it starts may use together; an empty object limits nothing, but what was used is told. */
  limits?: Readonly<Limits>;
  /** Limits by name, as in `{ nofile: 1024 }`; a number is both soft and hard, and `Infinity` none. */
  rlimits?: Readonly<Record<string, number | Readonly<{ soft: number; hard: number }>>>;
  /** -1000 (never) to 1000 (first): how willingly the kernel kills it when memory runs out. */
  oomScoreAdj?: number;
  /** How the kernel schedules it. */
  scheduler?: Readonly<Scheduler>;
  /** How the kernel orders its reads and writes. */
  ioPriority?: Readonly<IoPriority>;
  /** The processors that it may run on, as in `"0-3,7"`. */
  cpuAffinity?: string;
  /** `"LINUX32"`: it sees a 32-bit machine. */
  personality?: "LINUX" | "LINUX32";
  /**
   * It gets a terminal of its own, which its three streams are; of a size, or of none. Here the handle's `stdin` and
   * `stdout` stand for it, and closing `stdin` is ctrl-D.
   */
  terminal?: boolean | Readonly<TerminalSize>;
  /** With a `rootfs` and no `envp`: it gets this process's environment all the same. */
  inheritEnv?: boolean;
}
