/** OCI `linux.seccomp`: which system calls are let through. Source: seccomp(2). */

/** OCI `linux.seccomp`. */
export interface Seccomp {
  /** For the system calls that none of `syscalls` matches. */
  defaultAction: SeccompAction;
  /** The error number of `defaultAction`, where it is an error; default EPERM. */
  defaultErrnoRet?: number;
  /** The architectures whose system calls are known, as in `SCMP_ARCH_X86_64`; those of others end the program. */
  architectures?: string[];
  /** As in `SECCOMP_FILTER_FLAG_LOG`. */
  flags?: string[];
  /** The socket that the descriptor of `SCMP_ACT_NOTIFY` is sent to. */
  listenerPath?: string;
  /** What is sent with it. */
  listenerMetadata?: string;
  /** The rules. */
  syscalls?: SeccompSyscall[];
}

/** What is done with a system call. */
export type SeccompAction =
  | "SCMP_ACT_ALLOW"
  | "SCMP_ACT_ERRNO"
  | "SCMP_ACT_KILL"
  | "SCMP_ACT_KILL_PROCESS"
  | "SCMP_ACT_KILL_THREAD"
  | "SCMP_ACT_LOG"
  | "SCMP_ACT_NOTIFY"
  | "SCMP_ACT_TRACE"
  | "SCMP_ACT_TRAP";

/** OCI `linux.seccomp.syscalls[]`. */
export interface SeccompSyscall {
  /** The system calls; those that the kernel lacks are passed over. */
  names: string[];
  /** What is done with them. */
  action: SeccompAction;
  /** The error number of `action`, where it is an error; default EPERM. */
  errnoRet?: number;
  /** All must hold. */
  args?: SeccompArgument[];
}

/** OCI `linux.seccomp.syscalls[].args[]`: a condition on one argument. */
export interface SeccompArgument {
  /** Which, from 0 to 5. */
  index: number;
  /** What it is compared with; for `SCMP_CMP_MASKED_EQ` the mask. */
  value: number;
  /** For `SCMP_CMP_MASKED_EQ` what the masked argument is compared with. */
  valueTwo?: number;
  /** How. */
  op: SeccompOperator;
}

/** How an argument is compared. */
export type SeccompOperator =
  | "SCMP_CMP_NE"
  | "SCMP_CMP_LT"
  | "SCMP_CMP_LE"
  | "SCMP_CMP_EQ"
  | "SCMP_CMP_GE"
  | "SCMP_CMP_GT"
  | "SCMP_CMP_MASKED_EQ";
