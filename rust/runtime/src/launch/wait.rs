//! How a program ended, and what it used: `waitid` on its pidfd, with the resource usage that only the raw call gives.

use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

use crate::error::Error;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this status (0..255).
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

/// How a program ended and what it used, it and those of its children that it has waited for.
#[derive(Clone, Copy, Debug)]
pub struct Exit {
    /// How it ended.
    pub end: End,
    /// Time on a processor in the program's own code.
    pub user: Duration,
    /// Time on a processor in the kernel for it.
    pub system: Duration,
    /// The largest resident set, in bytes, as the kernel counts it: see [`Exit::peak_is_bound`].
    pub peak_bytes: u64,
    /// Whether `peak_bytes` is only an upper bound.
    ///
    /// Until exec the child has its parent's memory, and the kernel (`exec_mmap` in fs/exec.c) keeps that memory's
    /// high-water mark as the child's: a program that stays below this process's own mark can't be told from it.
    pub peak_is_bound: bool,
}

/// What [`reap`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// The end, for as long as it takes.
    End,
    /// The end, if it has come.
    EndNow,
}

/// `int waitid(idtype_t idtype, id_t id, siginfo_t *infop, int options, struct rusage *ru)`, waitid(2), `P_PIDFD`
/// since Linux 5.4: collects the program's end, after which it is no zombie any more.
///
/// # Errors
/// `ECHILD` where it was collected before. `Ok(None)`: it has not ended.
pub fn reap(pidfd: RawFd, wait_for: WaitFor) -> Result<Option<Exit>, Errno> {
    let options = match wait_for {
        WaitFor::End => libc::WEXITED,
        WaitFor::EndNow => libc::WEXITED | libc::WNOHANG,
    };
    loop {
        match waitid(libc::P_PIDFD, pidfd.unsigned_abs(), options) {
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno),
            Ok((info, usage)) => return Ok(exit(&info, &usage)),
        }
    }
}

/// Whether the program is stopped, and has not been seen to be before.
#[must_use]
pub fn is_newly_stopped(pidfd: RawFd) -> bool {
    let options = libc::WSTOPPED | libc::WNOHANG;
    waitid(libc::P_PIDFD, pidfd.unsigned_abs(), options).is_ok_and(|(info, _)| info.si_code == libc::CLD_STOPPED)
}

/// Collects a child that failed before it was executed, and of which only the number is known.
pub(super) fn reap_by_number(pid: i32) {
    while matches!(waitid(libc::P_PID, pid.unsigned_abs(), libc::WEXITED), Err(Errno::EINTR)) {}
}

fn waitid(id_type: libc::idtype_t, id: u32, options: i32) -> Result<(libc::siginfo_t, libc::rusage), Errno> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both are writable and of the kernel's layout; the other arguments are numbers.
    let result =
        unsafe { libc::syscall(libc::SYS_waitid, id_type, id, info.as_mut_ptr(), options, usage.as_mut_ptr()) };
    Errno::result(result)?;
    // SAFETY: all zeroes is a valid siginfo_t, and the kernel has filled in the rest.
    let info = unsafe { info.assume_init() };
    // SAFETY: all zeroes is a valid rusage, and the kernel has filled in the rest.
    Ok((info, unsafe { usage.assume_init() }))
}

fn exit(info: &libc::siginfo_t, usage: &libc::rusage) -> Option<Exit> {
    // SAFETY: waitid fills the SIGCHLD part, or leaves it zero where nothing has ended.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    if pid == 0 {
        return None;
    }
    let kibibytes = u64::try_from(usage.ru_maxrss).unwrap_or(0);
    Some(Exit {
        end: if info.si_code == libc::CLD_EXITED { End::Exited(status) } else { End::Signaled(status) },
        user: duration(usage.ru_utime),
        system: duration(usage.ru_stime),
        peak_bytes: kibibytes * 1024,
        peak_is_bound: is_within_own_peak(kibibytes),
    })
}

fn duration(time: libc::timeval) -> Duration {
    Duration::from_micros(u64::try_from(time.tv_sec * 1_000_000 + time.tv_usec).unwrap_or(0))
}

/// This process's high-water mark, as it was seen last: it only rises.
static OWN_PEAK_KIBIBYTES: AtomicU64 = AtomicU64::new(0);

fn is_within_own_peak(kibibytes: u64) -> bool {
    if kibibytes > OWN_PEAK_KIBIBYTES.load(Ordering::Relaxed) {
        let own = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF)
            .map_or(u64::MAX, |usage| u64::try_from(usage.max_rss()).unwrap_or(u64::MAX));
        OWN_PEAK_KIBIBYTES.store(own, Ordering::Relaxed);
    }
    kibibytes <= OWN_PEAK_KIBIBYTES.load(Ordering::Relaxed)
}

/// `int pidfd_open(pid_t pid, unsigned int flags)`, pidfd_open(2), since Linux 5.3; close-on-exec.
///
/// # Errors
/// [`Error::System`]; a child of ours is killed and collected first, for nothing else could end it then.
pub(crate) fn open_pidfd(pid: i32) -> Result<OwnedFd, Error> {
    pidfd_of(pid).map_err(|errno| {
        if pid != nix::unistd::getpid().as_raw() {
            // Not waited for yet, so the number is still its own.
            let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::SIGKILL);
            reap_by_number(pid);
        }
        Error::system("open a pidfd", errno)
    })
}

/// As [`open_pidfd`], of a process that may be anybody's.
///
/// # Errors
/// `ESRCH` where it has ended and was collected.
pub(crate) fn pidfd_of(pid: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: numbers only.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let number = RawFd::try_from(Errno::result(result)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// `int pidfd_send_signal(int pidfd, int sig, siginfo_t *info, unsigned int flags)`, pidfd_send_signal(2).
///
/// # Errors
/// `ESRCH` where the program has ended and was collected; `EINVAL` for a number that is no signal.
pub fn send_signal(pidfd: RawFd, signal: i32) -> Result<(), Errno> {
    // SAFETY: numbers, and no siginfo.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, pidfd, signal, std::ptr::null::<u8>(), 0) };
    Errno::result(result).map(drop)
}
