/** OCI `process`: what runs, as whom, and within which limits. */

/** OCI `process`. */
export interface Process {
  /** The arguments, the first of which the program sees as its own name. */
  args: string[];
  /** `NAME=value`; of several with one name the last counts. */
  env?: string[];
  /** The working directory; absent: the caller's, and `/` in a root filesystem. */
  cwd?: string;
  /** Gives the program a pseudo-terminal. */
  terminal?: boolean;
  /** The size of that terminal, in characters. */
  consoleSize?: { height: number; width: number };
  /** As whom it runs; absent: as the caller, and as 0:0 in a root filesystem. */
  user?: User;
  /** Absent: what the caller has. */
  capabilities?: Capabilities;
  /** Absent ones are the caller's. */
  rlimits?: Rlimit[];
  /** No program that it executes gains privileges by set-user-ID or file capabilities. Source: prctl(2). */
  noNewPrivileges?: boolean;
  /** -1000 (never) to 1000 (first): how willingly the kernel kills it when memory runs out. Source: proc(5). */
  oomScoreAdj?: number;
  /** The AppArmor profile that the program changes to. */
  apparmorProfile?: string;
  /** The SELinux label that the program changes to. */
  selinuxLabel?: string;
  /** How the kernel schedules it. */
  scheduler?: Scheduler;
  /** How the kernel orders its reads and writes. */
  ioPriority?: IoPriority;
  /** The processors that it may run on. */
  execCPUAffinity?: CpuAffinity;
}

/** OCI `process.user`. */
export interface User {
  /** Absent: unchanged, or 0 in a root filesystem. */
  uid?: number;
  /** Absent: unchanged, or 0 in a root filesystem. */
  gid?: number;
  /** The permissions that new files don't get. */
  umask?: number;
  /** The groups beside `gid`. */
  additionalGids?: number[];
}

/** OCI `process.capabilities`, as in `CAP_CHOWN`. Source: capabilities(7). */
export interface Capabilities {
  /** What can be gained at all. */
  bounding?: string[];
  /** What the kernel checks. */
  effective?: string[];
  /** What an executed program may inherit. */
  inheritable?: string[];
  /** What can be made effective. */
  permitted?: string[];
  /** What an executed program has without privileges of its own. */
  ambient?: string[];
}

/** OCI `process.rlimits[]`. Source: getrlimit(2). */
export interface Rlimit {
  /** As in `RLIMIT_NOFILE`. */
  type: string;
  /** What is enforced; -1: no limit. */
  soft: number;
  /** What `soft` can be raised to; -1: no limit. */
  hard: number;
}

/** OCI `process.scheduler`. Source: sched_setattr(2). */
export interface Scheduler {
  /** The policy. */
  policy: "SCHED_OTHER" | "SCHED_BATCH" | "SCHED_IDLE" | "SCHED_FIFO" | "SCHED_RR" | "SCHED_ISO" | "SCHED_DEADLINE";
  /** -20 to 19, for `SCHED_OTHER` and `SCHED_BATCH`. */
  nice?: number;
  /** 1 to 99, for `SCHED_FIFO` and `SCHED_RR`. */
  priority?: number;
  /** As in `SCHED_FLAG_RESET_ON_FORK`. */
  flags?: string[];
  /** Nanoseconds, for `SCHED_DEADLINE`. */
  runtime?: number;
  /** Nanoseconds, for `SCHED_DEADLINE`. */
  deadline?: number;
  /** Nanoseconds, for `SCHED_DEADLINE`. */
  period?: number;
}

/** OCI `process.ioPriority`. Source: ioprio_set(2). */
export interface IoPriority {
  /** The class. */
  class: "IOPRIO_CLASS_RT" | "IOPRIO_CLASS_BE" | "IOPRIO_CLASS_IDLE";
  /** 0 (first) to 7 (last). */
  priority?: number;
}

/** OCI `process.execCPUAffinity`, as in `0-3,7`. Source: sched_setaffinity(2). */
export interface CpuAffinity {
  /** Until the program is executed. */
  initial?: string;
  /** For the program. */
  final?: string;
}
