//! The default profile: what an ordinary program needs. Equal in effect to Docker's of 2026 (moby/profiles): what isn't
//! named here fails with EPERM.
//!
//! Left out on purpose, among others: `io_uring_*` (its operations go around filters, and it had many holes), `keyctl`
//! and its kin (the keyring is not namespaced), `userfaultfd` and `kexec_load`, `bpf`, `mount` and all that makes
//! namespaces. Names that a machine doesn't have are skipped there, so one list serves all.

use std::borrow::Cow;

use nix::libc;

use super::spec::{Action, Architecture, Arg, Operator, Seccomp, Syscall};

/// The profile for a program whose bounding set is `capabilities`, bit N for capability N.
///
/// What a capability is needed for anyway is allowed with it. Without CAP_SYS_ADMIN (bit 21) no namespace can be made
/// or joined, user namespaces among them: masking that bit out is what bubblewrap calls `--disable-userns`.
#[must_use]
pub fn default_profile(capabilities: u64) -> Seccomp {
    let has = |capability: u32| capabilities & (1 << capability) != 0;
    let mut syscalls = vec![allow(ALLOWED.iter().copied().flatten(), Vec::new())];
    syscalls.push(allow(&["socket"], socket_families()));
    syscalls.push(allow(&["personality"], PERSONALITIES.iter().map(|value| equal(*value)).collect()));
    let granted = WITH_CAPABILITY.iter().filter(|(capability, _)| has(*capability));
    syscalls.extend(granted.map(|(_, names)| allow(*names, Vec::new())));
    if !has(CAP_SYS_ADMIN) {
        let no_namespace = Arg { index: 0, value: NAMESPACES, value_two: 0, op: Operator::MaskedEqual };
        syscalls.push(allow(&["clone"], vec![no_namespace]));
        // Its flags are behind a pointer. glibc takes clone instead where the kernel seems not to have it.
        let enosys = Some(libc::ENOSYS.unsigned_abs());
        syscalls.push(Syscall { action: Action::Errno, errno_ret: enosys, ..allow(&["clone3"], Vec::new()) });
    }
    Seccomp {
        default_action: Action::Errno,
        default_errno_ret: Some(libc::EPERM.unsigned_abs()),
        architectures: vec![Architecture::X86, Architecture::X32, Architecture::Arm],
        flags: Vec::new(),
        listener_path: None,
        listener_metadata: None,
        syscalls,
    }
}

fn allow(names: impl IntoIterator<Item = &'static &'static str>, args: Vec<Arg>) -> Syscall {
    let names = names.into_iter().map(|name| Cow::Borrowed(*name)).collect();
    Syscall { names, action: Action::Allow, errno_ret: None, args }
}

fn equal(value: u64) -> Arg {
    Arg { index: 0, value, value_two: 0, op: Operator::Equal }
}

/// All flags of clone(2) that make a namespace.
const NAMESPACES: u64 = 0x7e02_0000;

/// Linux, Linux on 32 bits, each also with UNAME26; and asking which it is. Others switch protections off.
const PERSONALITIES: &[u64] = &[0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff];

/// The protocol families but AF_ALG, which was a way into the kernel more than once, AF_VSOCK, which knows no network
/// namespace, and those that the kernel has no more.
fn socket_families() -> Vec<Arg> {
    const FIRST_GONE: u64 = 12; // AF_DECnet
    const OTHERS: &[u64] =
        &[13, 14, 15, 16, 17, 18, 21, 22, 24, 26, 27, 28, 29, 30, 31, 32, 33, 35, 36, 39, 41, 42, 43, 44, 45];
    let below = Arg { index: 0, value: FIRST_GONE, value_two: 0, op: Operator::Less };
    std::iter::once(below).chain(OTHERS.iter().map(|family| equal(*family))).collect()
}

const CAP_DAC_READ_SEARCH: u32 = 2;
const CAP_SYS_MODULE: u32 = 16;
const CAP_SYS_RAWIO: u32 = 17;
const CAP_SYS_CHROOT: u32 = 18;
const CAP_SYS_PTRACE: u32 = 19;
const CAP_SYS_PACCT: u32 = 20;
const CAP_SYS_ADMIN: u32 = 21;
const CAP_SYS_BOOT: u32 = 22;
const CAP_SYS_NICE: u32 = 23;
const CAP_SYS_TIME: u32 = 25;
const CAP_SYS_TTY_CONFIG: u32 = 26;
const CAP_SYSLOG: u32 = 34;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;

/// What is allowed only to who has a capability for it: linux/capability.h.
#[rustfmt::skip]
const WITH_CAPABILITY: &[(u32, &[&str])] = &[
    (CAP_DAC_READ_SEARCH, &["open_by_handle_at"]),
    (CAP_SYS_MODULE, &["delete_module", "finit_module", "init_module"]),
    (CAP_SYS_RAWIO, &["ioperm", "iopl"]),
    (CAP_SYS_CHROOT, &["chroot"]),
    (CAP_SYS_PTRACE, &["kcmp", "pidfd_getfd", "process_madvise"]),
    (CAP_SYS_PACCT, &["acct"]),
    (CAP_SYS_ADMIN, &[
        "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount", "fsopen", "fspick", "lookup_dcookie",
        "lsm_get_self_attr", "lsm_list_modules", "lsm_set_self_attr", "mount", "mount_setattr", "move_mount",
        "open_tree", "perf_event_open", "quotactl", "quotactl_fd", "setdomainname", "sethostname", "setns", "syslog",
        "umount", "umount2", "unshare",
    ]),
    (CAP_SYS_BOOT, &["reboot"]),
    (CAP_SYS_NICE, &["get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"]),
    (CAP_SYS_TIME, &["clock_settime", "clock_settime64", "settimeofday", "stime"]),
    (CAP_SYS_TTY_CONFIG, &["vhangup"]),
    (CAP_SYSLOG, &["syslog"]),
    (CAP_PERFMON, &["perf_event_open"]),
    (CAP_BPF, &["bpf"]),
];

/// The capabilities that make a difference.
pub(super) const RELEVANT_CAPABILITIES: u64 = {
    let (mut bits, mut place) = (0, 0);
    while place < WITH_CAPABILITY.len() {
        bits |= 1 << WITH_CAPABILITY[place].0;
        place += 1;
    }
    bits
};

/// What is allowed to everybody.
#[rustfmt::skip]
const ALLOWED: &[&[&str]] = &[
    // Files by name.
    &[
        "access", "chdir", "chmod", "chown", "chown32", "creat", "faccessat", "faccessat2", "fchmodat", "fchmodat2",
        "fchownat", "fstatat64", "futimesat", "getcwd", "lchown", "lchown32", "link", "linkat", "lstat", "lstat64",
        "mkdir", "mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat", "open", "openat", "openat2",
        "readlink", "readlinkat", "rename", "renameat", "renameat2", "rmdir", "stat", "stat64", "statfs", "statfs64",
        "statx", "symlink", "symlinkat", "truncate", "truncate64", "umask", "unlink", "unlinkat", "utime", "utimensat",
        "utimensat_time64", "utimes",
    ],
    // Extended attributes, and looking at mounts.
    &[
        "fgetxattr", "flistxattr", "fremovexattr", "fsetxattr", "getxattr", "getxattrat", "lgetxattr", "listmount",
        "listxattr", "listxattrat", "llistxattr", "lremovexattr", "lsetxattr", "removexattr", "removexattrat",
        "setxattr", "setxattrat", "statmount",
    ],
    // Open files.
    &[
        "_llseek", "arm_fadvise64_64", "arm_sync_file_range", "cachestat", "close", "close_range", "copy_file_range",
        "dup", "dup2", "dup3", "fadvise64", "fadvise64_64", "fallocate", "fchdir", "fchmod", "fchown", "fchown32",
        "fcntl", "fcntl64", "fdatasync", "flock", "fstat", "fstat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
        "ftruncate64", "getdents", "getdents64", "ioctl", "lseek", "pipe", "pipe2", "pread64", "preadv", "preadv2",
        "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readv", "sendfile", "sendfile64", "splice", "sync",
        "sync_file_range", "sync_file_range2", "syncfs", "tee", "vmsplice", "write", "writev",
    ],
    // Waiting for files, and what tells of changes.
    &[
        "_newselect", "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
        "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "fanotify_mark", "inotify_add_watch", "inotify_init",
        "inotify_init1", "inotify_rm_watch", "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64", "select",
        "signalfd", "signalfd4",
    ],
    // Asynchronous I/O: the old one.
    &[
        "io_cancel", "io_destroy", "io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup", "io_submit",
    ],
    // Sockets; `socket` itself by its family.
    &[
        "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen", "recv",
        "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg", "send", "sendmmsg", "sendmsg", "sendto", "setsockopt",
        "shutdown", "socketcall", "socketpair",
    ],
    // System V's and POSIX's IPC.
    &[
        "ipc", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64", "mq_timedsend",
        "mq_timedsend_time64", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "semctl", "semget", "semop",
        "semtimedop", "semtimedop_time64", "shmat", "shmctl", "shmdt", "shmget",
    ],
    // Memory.
    &[
        "brk", "madvise", "map_shadow_stack", "membarrier", "memfd_create", "memfd_secret", "mincore", "mlock",
        "mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mremap", "mseal", "msync", "munlock", "munlockall",
        "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "remap_file_pages",
    ],
    // Threads, locks, and what their start needs.
    &[
        "arch_prctl", "breakpoint", "cacheflush", "futex", "futex_requeue", "futex_time64", "futex_wait", "futex_waitv",
        "futex_wake", "get_robust_list", "get_thread_area", "modify_ldt", "riscv_flush_icache", "riscv_hwprobe", "rseq",
        "set_robust_list", "set_thread_area", "set_tid_address", "set_tls", "uretprobe",
    ],
    // Processes.
    &[
        "execve", "execveat", "exit", "exit_group", "fork", "getcpu", "getpgid", "getpgrp", "getpid", "getppid",
        "getpriority", "getrlimit", "getrusage", "getsid", "gettid", "ioprio_get", "ioprio_set", "pidfd_open", "prctl",
        "prlimit64", "process_mrelease", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
        "sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
        "sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler",
        "sched_yield", "setpgid", "setpriority", "setrlimit", "setsid", "times", "ugetrlimit", "vfork", "wait4",
        "waitid", "waitpid",
    ],
    // Debuggers: since Linux 4.8 a tracer cannot go around a filter.
    &["process_vm_readv", "process_vm_writev", "ptrace"],
    // Signals.
    &[
        "kill", "pause", "pidfd_send_signal", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask",
        "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_sigtimedwait_time64",
        "rt_tgsigqueueinfo", "sigaltstack", "sigprocmask", "sigreturn", "tgkill", "tkill",
    ],
    // Time; to set it takes a capability, which adjtimex looks at itself.
    &[
        "adjtimex", "alarm", "clock_adjtime", "clock_adjtime64", "clock_getres", "clock_getres_time64",
        "clock_gettime", "clock_gettime64", "clock_nanosleep", "clock_nanosleep_time64", "getitimer", "gettimeofday",
        "nanosleep", "setitimer", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
        "timer_gettime64", "timer_settime", "timer_settime64", "timerfd_create", "timerfd_gettime",
        "timerfd_gettime64", "timerfd_settime", "timerfd_settime64",
    ],
    // Who one is.
    &[
        "capget", "capset", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
        "getgroups32", "getresgid", "getresgid32", "getresuid", "getresuid32", "getuid", "getuid32", "setfsgid",
        "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32", "setregid",
        "setregid32", "setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setuid",
        "setuid32",
    ],
    // The system, and giving up more rights.
    &[
        "getrandom", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "seccomp", "sysinfo",
        "uname",
    ],
];
