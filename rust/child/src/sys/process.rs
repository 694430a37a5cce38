//! The process itself: its ids, signals, descriptors, limits, and what it becomes.

use core::sync::atomic::AtomicU32;

use super::file::readlink;
use super::{Errno, address, check, done, syscall, word};
use crate::program::{CStrArray, CStrRef};

/// The highest signal number (`_NSIG`).
pub(crate) const SIGNAL_MAX: u32 = 64;

/// Bytes of the kernel's `sigset_t`, which two calls want to be told.
const SIGSET_BYTES: usize = 8;

/// `pid_t getpid(void)`, getpid(2).
pub(crate) fn getpid() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    check(unsafe { syscall(libc::SYS_getpid, []) }).unwrap_or(0)
}

/// `pid_t getppid(void)`, getppid(2): 0 where the parent is outside the PID namespace.
pub(crate) fn getppid() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    check(unsafe { syscall(libc::SYS_getppid, []) }).unwrap_or(0)
}

/// This process's number as the procfs of the host has it, whatever PID namespace it is in: `/proc/self`, proc(5).
pub(crate) fn pid_as_the_host_sees_it() -> Result<i32, Errno> {
    let mut digits = [0; 16];
    let digits = readlink(CStrRef::new(c"/proc/self"), &mut digits)?;
    let number = core::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    number.ok_or(Errno(libc::EIO))
}

/// `int prctl(PR_SET_PDEATHSIG, unsigned long sig)`, `PR_SET_PDEATHSIG(2const)`.
pub(crate) fn set_parent_death_signal(signal: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_prctl, [word(libc::PR_SET_PDEATHSIG), word(signal)]) })
}

/// `int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *tmo, const sigset_t *mask)`, poll(2): whether
/// `fd` is readable now. A pidfd is readable once its process has ended.
pub(crate) fn is_readable(fd: i32) -> Result<bool, Errno> {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: one pollfd and a timespec of this frame; no mask.
    let ready = check(unsafe { syscall(libc::SYS_ppoll, [(&raw mut poll).expose_provenance(), 1, address(&now), 0]) })?;
    Ok(ready > 0)
}

/// `int prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old)`, prlimit(2), for this process.
pub(crate) fn prlimit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` is a rlimit64 of this frame; the old one is not asked for.
    done(unsafe { syscall(libc::SYS_prlimit64, [0, resource as usize, address(&limit), 0]) })
}

/// `int chdir(const char *path)`, chdir(2).
pub(crate) fn chdir(path: CStrRef<'_>) -> Result<(), Errno> {
    // SAFETY: a C string that lives as long as the plan.
    done(unsafe { syscall(libc::SYS_chdir, [path.address(), 0]) })
}

/// As [`dup3`], but the new descriptor is closed by exec.
pub(crate) fn dup_closed_at_exec(from: i32, to: i32) -> Result<(), Errno> {
    // SAFETY: dup3 takes two descriptors and a flag.
    done(unsafe { syscall(libc::SYS_dup3, [word(from), word(to), word(libc::O_CLOEXEC)]) })
}

/// `int dup3(int oldfd, int newfd, int flags)`, dup(2); the new descriptor is inherited by exec.
pub(crate) fn dup3(from: i32, to: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_dup3, [word(from), word(to)]) })
}

/// `int close_range(unsigned int first, unsigned int last, int flags)`, close_range(2), since Linux 5.9; `at_exec`, by
/// `CLOSE_RANGE_CLOEXEC`, since 5.11.
pub(crate) fn close_range(first: u32, last: u32, at_exec: bool) -> Result<(), Errno> {
    let flags = if at_exec { libc::CLOSE_RANGE_CLOEXEC } else { 0 };
    // SAFETY: numbers only; the table of descriptors is the child's own (no CLONE_FILES).
    done(unsafe { syscall(libc::SYS_close_range, [first as usize, last as usize, flags as usize]) })
}

/// `int close_range(unsigned int first, ~0, CLOSE_RANGE_UNSHARE)`, close_range(2), since Linux 5.9: from here on the table of
/// descriptors is the child's own, and has none of these; whose they are keeps them.
pub(crate) fn leave_from(first: u32) -> Result<(), Errno> {
    // SAFETY: numbers only; the table that is left is not changed.
    done(unsafe {
        syscall(libc::SYS_close_range, [first as usize, u32::MAX as usize, libc::CLOSE_RANGE_UNSHARE as usize])
    })
}

/// `int rt_sigaction(int signum, const struct sigaction *act, struct sigaction *oldact, size_t sigsetsize)`,
/// sigaction(2): back to `SIG_DFL`. What cannot be changed (KILL, STOP) is passed over.
pub(crate) fn set_default_action(signal: u32) -> Result<(), Errno> {
    // The kernel's structure, which is not glibc's: handler (SIG_DFL is 0), flags, restorer, mask.
    let action = [0_u64; 4];
    // SAFETY: `action` is of this frame and not smaller than the kernel's structure; the old one is not asked for. The
    // table of actions is the child's own (no CLONE_SIGHAND).
    let result =
        check(unsafe { syscall(libc::SYS_rt_sigaction, [signal as usize, address(&action), 0, SIGSET_BYTES]) });
    match result {
        Err(Errno(libc::EINVAL)) | Ok(_) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// `int rt_sigprocmask(int how, const sigset_t *set, sigset_t *oldset, size_t sigsetsize)`, sigprocmask(2).
pub(crate) fn unblock_all_signals() -> Result<(), Errno> {
    let nothing = 0_u64;
    // SAFETY: `nothing` is a kernel sigset of this frame; the old one is not asked for.
    done(unsafe { syscall(libc::SYS_rt_sigprocmask, [word(libc::SIG_SETMASK), address(&nothing), 0, SIGSET_BYTES]) })
}

/// `int execve(const char *path, char *const argv[], char *const envp[])`, execve(2): returns only why it failed.
pub(crate) fn execve(path: CStrRef<'_>, argv: CStrArray<'_>, envp: CStrArray<'_>) -> Errno {
    let arguments = [path.address(), argv.address(), envp.address()];
    // SAFETY: a C string and two NULL-terminated lists of C strings, which live as long as the plan.
    match check(unsafe { syscall(libc::SYS_execve, arguments) }) {
        Ok(_) => Errno(libc::EIO),
        Err(errno) => errno,
    }
}

/// `int futex(uint32_t *uaddr, FUTEX_WAIT, uint32_t val, NULL)`, futex(2): sleeps while the word is `expected`.
pub(crate) fn futex_wait(word_: &AtomicU32, expected: u32) -> Result<(), Errno> {
    // SAFETY: the word lives as long as the plan; no timeout.
    match done(unsafe { syscall(libc::SYS_futex, [address(word_), word(libc::FUTEX_WAIT), expected as usize, 0]) }) {
        Err(Errno(libc::EAGAIN | libc::EINTR)) | Ok(()) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// `int futex(uint32_t *uaddr, FUTEX_WAKE, INT_MAX)`, futex(2).
pub(crate) fn futex_wake(word_: &AtomicU32) -> Result<(), Errno> {
    // SAFETY: the word lives as long as the plan.
    done(unsafe { syscall(libc::SYS_futex, [address(word_), word(libc::FUTEX_WAKE), word(i32::MAX)]) })
}

/// `int execveat(int dirfd, "", char *const argv[], NULL, AT_EMPTY_PATH)`, execveat(2), with an empty environment:
/// returns only why it failed.
pub(crate) fn execveat(file: i32, argv: CStrArray<'_>) -> Errno {
    let path = CStrRef::EMPTY;
    let envp = CStrArray::EMPTY;
    let arguments = [word(file), path.address(), argv.address(), envp.address(), word(libc::AT_EMPTY_PATH)];
    // SAFETY: an empty C string and two NULL-terminated lists of C strings, which live as long as the plan.
    match check(unsafe { syscall(libc::SYS_execveat, arguments) }) {
        Ok(_) => Errno(libc::EIO),
        Err(errno) => errno,
    }
}

/// `int fcntl(int fd, F_SETFD, 0)`, fcntl(2): the descriptor is inherited by exec.
pub(crate) fn keep_at_exec(descriptor: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_fcntl, [word(descriptor), word(libc::F_SETFD), 0]) })
}

/// `int prctl(PR_SET_NAME, const char *name)`, `PR_SET_NAME(2const)`: what this process is called, up to 15 bytes.
pub(crate) fn name_process(name: &core::ffi::CStr) -> Result<(), Errno> {
    // SAFETY: a C string.
    done(unsafe { syscall(libc::SYS_prctl, [word(libc::PR_SET_NAME), CStrRef::new(name).address(), 0, 0, 0]) })
}

/// `void exit_group(int status)`, exit_group(2).
pub(crate) fn exit(status: i32) -> ! {
    loop {
        // SAFETY: a number; the process is over.
        let _ = unsafe { syscall(libc::SYS_exit_group, [word(status)]) };
    }
}

/// `int rt_sigaction(int signum, const struct sigaction *act, NULL, size_t sigsetsize)`, sigaction(2): `SIG_IGN`, which
/// also forgets what is pending.
pub(crate) fn ignore(signal: u32) -> Result<(), Errno> {
    // As in `set_default_action`; SIG_IGN is 1.
    let action = [1_u64, 0, 0, 0];
    // SAFETY: `action` is of this frame and not smaller than the kernel's structure; the old one is not asked for.
    done(unsafe { syscall(libc::SYS_rt_sigaction, [signal as usize, address(&action), 0, SIGSET_BYTES]) })
}
