//! The system calls, each by its own instruction: nothing of glibc runs in the child.
//!
//! glibc's wrappers store `errno` in the calling thread's control block, which the child shares with the thread that
//! cloned; `set*id` and `setgroups` even signal the process's other threads. A bare instruction does neither.

mod probe;

use core::arch::asm;

use crate::step::{CStrArray, CStrRef};

pub(crate) use probe::*;

/// The kernel's error number, above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub i32);

/// The highest signal number (`_NSIG`).
pub(crate) const SIGNAL_MAX: u32 = 64;

/// Bytes of the kernel's `sigset_t`, which two calls want to be told.
const SIGSET_BYTES: usize = 8;

/// One system call with up to six arguments; what the kernel returns, errors as -4095..-1.
///
/// # Safety
/// The arguments must be what call `number` takes; a pointer among them must be valid for what the kernel does with it.
unsafe fn syscall<const N: usize>(number: i64, arguments: [usize; N]) -> i64 {
    let mut registers = [0; 6];
    for (register, argument) in registers.iter_mut().zip(arguments) {
        *register = argument;
    }
    // SAFETY: as the caller vouches; the registers that a call does not take it does not read.
    unsafe { instruction(number, registers) }
}

/// # Safety
/// As [`syscall`].
#[cfg(target_arch = "x86_64")]
unsafe fn instruction(number: i64, [first, second, third, fourth, fifth, sixth]: [usize; 6]) -> i64 {
    let result: i64;
    // SAFETY: the caller vouches for the call; the kernel changes rax, rcx, r11 and what the pointers name.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") first, in("rsi") second, in("rdx") third,
            in("r10") fourth, in("r8") fifth, in("r9") sixth, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// # Safety
/// As [`syscall`].
#[cfg(target_arch = "aarch64")]
unsafe fn instruction(number: i64, [first, second, third, fourth, fifth, sixth]: [usize; 6]) -> i64 {
    let result: i64;
    // SAFETY: the caller vouches for the call; the kernel changes x0 and what the pointers name.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") first => result, in("x1") second, in("x2") third,
            in("x3") fourth, in("x4") fifth, in("x5") sixth, options(nostack));
    }
    result
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("minicontainer knows the system call instruction of x86_64 and aarch64 only");

#[allow(clippy::cast_possible_truncation, reason = "an error number is below 4096, a descriptor below 2^31")]
fn check(result: i64) -> Result<i32, Errno> {
    if result < 0 { Err(Errno((result as i32).saturating_neg())) } else { Ok(result as i32) }
}

/// A signed number as the register holds it.
#[allow(clippy::cast_sign_loss, reason = "the kernel reads the low 32 bits as signed")]
const fn word(number: i32) -> usize {
    number as usize
}

/// `pid_t getpid(void)`, getpid(2).
pub(crate) fn getpid() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    check(unsafe { syscall(libc::SYS_getpid, [0; 4]) }).unwrap_or(0)
}

/// `pid_t getppid(void)`, getppid(2): 0 where the parent is outside the PID namespace.
pub(crate) fn getppid() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    check(unsafe { syscall(libc::SYS_getppid, [0; 4]) }).unwrap_or(0)
}

/// `int prctl(PR_SET_PDEATHSIG, unsigned long sig)`, `PR_SET_PDEATHSIG(2const)`.
pub(crate) fn set_parent_death_signal(signal: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    check(unsafe { syscall(libc::SYS_prctl, [word(libc::PR_SET_PDEATHSIG), word(signal), 0, 0]) })?;
    Ok(())
}

/// `int ppoll(struct pollfd *fds, nfds_t nfds, const struct timespec *tmo, const sigset_t *mask)`, poll(2): whether
/// `fd` is readable now. A pidfd is readable once its process has ended.
pub(crate) fn is_readable(fd: i32) -> Result<bool, Errno> {
    let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: one pollfd and a timespec of this frame; no mask.
    let ready = check(unsafe {
        syscall(libc::SYS_ppoll, [(&raw mut poll).expose_provenance(), 1, (&raw const now).expose_provenance(), 0])
    })?;
    Ok(ready > 0)
}

/// `int prlimit(pid_t pid, int resource, const struct rlimit *new, struct rlimit *old)`, prlimit(2), for this process.
pub(crate) fn prlimit(resource: u32, soft: u64, hard: u64) -> Result<(), Errno> {
    let limit = libc::rlimit64 { rlim_cur: soft, rlim_max: hard };
    // SAFETY: `limit` is a rlimit64 of this frame; the old one is not asked for.
    check(unsafe { syscall(libc::SYS_prlimit64, [0, resource as usize, (&raw const limit).expose_provenance(), 0]) })?;
    Ok(())
}

/// `int chdir(const char *path)`, chdir(2).
pub(crate) fn chdir(path: CStrRef<'_>) -> Result<(), Errno> {
    // SAFETY: a C string that lives as long as the plan.
    check(unsafe { syscall(libc::SYS_chdir, [path.as_ptr().expose_provenance(), 0, 0, 0]) })?;
    Ok(())
}

/// `int dup3(int oldfd, int newfd, int flags)`, dup(2); the new descriptor is inherited by exec.
pub(crate) fn dup3(from: i32, to: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    check(unsafe { syscall(libc::SYS_dup3, [word(from), word(to), 0, 0]) })?;
    Ok(())
}

/// `int close_range(unsigned int first, unsigned int last, int flags)`, close_range(2), since Linux 5.9.
pub(crate) fn close_range(first: u32, last: u32) -> Result<(), Errno> {
    // SAFETY: numbers only; the table of descriptors is the child's own (no CLONE_FILES).
    check(unsafe { syscall(libc::SYS_close_range, [first as usize, last as usize, 0, 0]) })?;
    Ok(())
}

/// `int rt_sigaction(int signum, const struct sigaction *act, struct sigaction *oldact, size_t sigsetsize)`,
/// sigaction(2): back to `SIG_DFL`. What cannot be changed (KILL, STOP) is passed over.
pub(crate) fn set_default_action(signal: u32) -> Result<(), Errno> {
    // The kernel's structure, which is not glibc's: handler (SIG_DFL is 0), flags, restorer, mask.
    let action = [0_u64; 4];
    // SAFETY: `action` is of this frame and not smaller than the kernel's structure; the old one is not asked for. The
    // table of actions is the child's own (no CLONE_SIGHAND).
    let result = check(unsafe {
        syscall(libc::SYS_rt_sigaction, [signal as usize, (&raw const action).expose_provenance(), 0, SIGSET_BYTES])
    });
    match result {
        Err(Errno(libc::EINVAL)) | Ok(_) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// `int rt_sigprocmask(int how, const sigset_t *set, sigset_t *oldset, size_t sigsetsize)`, sigprocmask(2).
pub(crate) fn unblock_all_signals() -> Result<(), Errno> {
    let nothing = 0_u64;
    // SAFETY: `nothing` is a kernel sigset of this frame; the old one is not asked for.
    check(unsafe {
        syscall(
            libc::SYS_rt_sigprocmask,
            [word(libc::SIG_SETMASK), (&raw const nothing).expose_provenance(), 0, SIGSET_BYTES],
        )
    })?;
    Ok(())
}

/// `int execve(const char *path, char *const argv[], char *const envp[])`, execve(2): returns only why it failed.
pub(crate) fn execve(path: CStrRef<'_>, argv: CStrArray<'_>, envp: CStrArray<'_>) -> Errno {
    let arguments =
        [path.as_ptr().expose_provenance(), argv.as_ptr().expose_provenance(), envp.as_ptr().expose_provenance(), 0];
    // SAFETY: a C string and two NULL-terminated lists of C strings, which live as long as the plan.
    match check(unsafe { syscall(libc::SYS_execve, arguments) }) {
        Ok(_) => Errno(libc::EIO),
        Err(errno) => errno,
    }
}
