/** OCI's `linux.seccomp`: runtime-spec 1.2, `config-linux.md`, Seccomp. */

/**
 * Which system calls a program may make: OCI runtime-spec `linux.seccomp`.
 *
 * This machine's own architecture is always filtered. Of several rules for a call an unconditional one wins, else the
 * first whose conditions are true. A name that the kernel doesn't have is skipped.
 */
export interface Seccomp {
  /** What is done with a call that no rule matches; not `SCMP_ACT_NOTIFY`. */
  defaultAction: SeccompAction;
  /** The error number of the default action, 0 to 4095, where that is `SCMP_ACT_ERRNO`; absent: EPERM. */
  defaultErrnoRet?: number;
  /** The architectures that may call beside this machine's own; one of another machine is skipped. */
  architectures?: SeccompArchitecture[];
  /** Flags of seccomp(2). */
  flags?: SeccompFlag[];
  /**
   * The socket that gets the listener of seccomp_unotify(2), which is for OCI runtimes. Absent: who calls
   * `namespaceSpawn` answers, by `notifications`.
   */
  listenerPath?: string;
  /** Opaque data for who listens there. */
  listenerMetadata?: string;
  /** The rules. */
  syscalls?: SeccompRule[];
}

/** One rule of a {@linkcode Seccomp}. */
export interface SeccompRule {
  /** The calls that it is about, at least one. */
  names: string[];
  /**
   * What is done with them. `SCMP_ACT_NOTIFY` needs `noNewPrivileges`, and is not for `write`, `execve`, `sendmsg`,
   * `close` and `exit`.
   */
  action: SeccompAction;
  /** The error number of `SCMP_ACT_ERRNO`, 0 to 4095, or of `SCMP_ACT_TRACE`, 0 to 65535; absent: EPERM. */
  errnoRet?: number;
  /** What must all be true of the arguments; where two entries have the same `index`, any. */
  args?: SeccompArg[];
}

/** A condition on an argument, which is taken as an unsigned number of 64 bits. */
export interface SeccompArg {
  /** Which argument, 0 to 5. */
  index: number;
  /** What it is compared with; the mask of `SCMP_CMP_MASKED_EQ`. Above 2^53 JavaScript's numbers are not exact. */
  value: number;
  /** What is left under the mask of `SCMP_CMP_MASKED_EQ`; absent: 0. */
  valueTwo?: number;
  /** How it is compared. */
  op: SeccompOperator;
}

/** What is done with a call; `SCMP_ACT_KILL` is `SCMP_ACT_KILL_THREAD`. */
export type SeccompAction =
  | "SCMP_ACT_KILL"
  | "SCMP_ACT_KILL_PROCESS"
  | "SCMP_ACT_KILL_THREAD"
  | "SCMP_ACT_TRAP"
  | "SCMP_ACT_ERRNO"
  | "SCMP_ACT_TRACE"
  | "SCMP_ACT_ALLOW"
  | "SCMP_ACT_LOG"
  | "SCMP_ACT_NOTIFY";

/** How an argument is compared: with `MASKED_EQ`, `arg & value` with `valueTwo & value`. */
export type SeccompOperator =
  | "SCMP_CMP_NE"
  | "SCMP_CMP_LT"
  | "SCMP_CMP_LE"
  | "SCMP_CMP_EQ"
  | "SCMP_CMP_GE"
  | "SCMP_CMP_GT"
  | "SCMP_CMP_MASKED_EQ";

/** A flag of seccomp(2). */
export type SeccompFlag =
  | "SECCOMP_FILTER_FLAG_TSYNC"
  | "SECCOMP_FILTER_FLAG_LOG"
  | "SECCOMP_FILTER_FLAG_SPEC_ALLOW"
  | "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";

/** A machine, or a way to call the kernel on one. */
export type SeccompArchitecture =
  | "SCMP_ARCH_NATIVE"
  | "SCMP_ARCH_X86"
  | "SCMP_ARCH_X86_64"
  | "SCMP_ARCH_X32"
  | "SCMP_ARCH_ARM"
  | "SCMP_ARCH_AARCH64"
  | "SCMP_ARCH_MIPS"
  | "SCMP_ARCH_MIPS64"
  | "SCMP_ARCH_MIPS64N32"
  | "SCMP_ARCH_MIPSEL"
  | "SCMP_ARCH_MIPSEL64"
  | "SCMP_ARCH_MIPSEL64N32"
  | "SCMP_ARCH_PPC"
  | "SCMP_ARCH_PPC64"
  | "SCMP_ARCH_PPC64LE"
  | "SCMP_ARCH_S390"
  | "SCMP_ARCH_S390X"
  | "SCMP_ARCH_PARISC"
  | "SCMP_ARCH_PARISC64"
  | "SCMP_ARCH_RISCV64"
  | "SCMP_ARCH_LOONGARCH64"
  | "SCMP_ARCH_M68K"
  | "SCMP_ARCH_SH"
  | "SCMP_ARCH_SHEB";
