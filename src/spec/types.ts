/** The spec: OCI's `config.json`, and under `minicontainer` the few things that OCI lacks. */

import type { Extras } from "./extras.ts";
import type { Hooks } from "./hooks.ts";
import type { Linux } from "./linux.ts";
import type { Mount, Root } from "./mount.ts";
import type { Process } from "./process.ts";

export type { ContainerOfExec, Extras, InjectedFile, Landlock, Overlay, SpecStdio } from "./extras.ts";
export type { Hook, Hooks } from "./hooks.ts";
export type {
  Device,
  IntelRdt,
  Linux,
  MemoryPolicy,
  Namespace,
  NamespaceKind,
  NetDevice,
  Personality,
  Propagation,
  TimeOffset,
} from "./linux.ts";
export type {
  BlockIoResources,
  CgroupExtras,
  CgroupManager,
  CpuResources,
  DeviceRule,
  IoMax,
  IoMaxDevice,
  MemoryResources,
  Resources,
  ThrottleDevice,
} from "./linux_resources.ts";
export type { IdMapping, Mount, Root } from "./mount.ts";
export type { Capabilities, CpuAffinity, IoPriority, Process, Rlimit, Scheduler, User } from "./process.ts";
export type {
  Seccomp,
  SeccompAction,
  SeccompArchitecture,
  SeccompArg,
  SeccompFlag,
  SeccompOperator,
  SeccompRule,
} from "./seccomp.ts";

/** OCI runtime-spec `config.json`. */
export interface Spec {
  /** Version of the runtime-spec that the object follows. */
  ociVersion: string;
  /** What runs. */
  process: Process;
  /** The root filesystem; absent: this process's, and nothing is pivoted. */
  root?: Root;
  /** What is mounted, in this order. */
  mounts?: Mount[];
  /** The name of the UTS namespace. */
  hostname?: string;
  /** The NIS domain of the UTS namespace. */
  domainname?: string;
  /** Linux's own part. */
  linux?: Linux;
  /** What is told of a container on its way: of one that is created, not of a program that is run. */
  hooks?: Hooks;
  /** What others note down; it changes nothing. */
  annotations?: Record<string, string>;
  /** What OCI has no word for. */
  minicontainer?: Extras;
}

/** The version of OCI's runtime-spec whose words are used. */
export const OCI_VERSION = "1.2.0";
