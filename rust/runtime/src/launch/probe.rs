//! Asks the kernel by trying: what a child in new namespaces can do, and which calls there are.

use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicI32, Ordering};

use minicontainer_child::{Attempt, Report, attempt};
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;

use super::clone::CLONE_INTO_CGROUP;
use super::stack::Stack;
use super::{signals, wait};

/// What refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which attempt, counted from 0; `None`: the clone itself.
    pub attempt: Option<usize>,
    /// What the kernel said.
    pub errno: Errno,
}

/// Tries `attempts` in a child with namespaces of its own, which end with it.
///
/// # Errors
/// The first thing that was refused.
pub fn try_in(namespaces: CloneFlags, attempts: &[Attempt<'_>]) -> Result<(), Refusal> {
    run(namespaces, attempts).map(drop)
}

/// As [`try_in`], for attempts of which the last one opens something, which is then this process's.
///
/// # Errors
/// The first thing that was refused.
pub fn open_in(namespaces: CloneFlags, attempts: &[Attempt<'_>]) -> Result<OwnedFd, Refusal> {
    // The child has this process's table of descriptors: what it opens stays open when it ends.
    let held = run(namespaces | CloneFlags::CLONE_FILES, attempts)?;
    if held < 0 {
        return Err(Refusal { attempt: None, errno: Errno::EBADF });
    }
    // SAFETY: the child just opened it, and told nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(held) })
}

/// Clones as [`super::launch`] does; what the attempts hold in the end.
fn run(namespaces: CloneFlags, attempts: &[Attempt<'_>]) -> Result<RawFd, Refusal> {
    let report = Report::new();
    let held = AtomicI32::new(-1);
    let child = Box::new(|| {
        match attempt(attempts) {
            Ok(descriptor) => held.store(descriptor, Ordering::Release),
            Err(failure) => report.fail(failure),
        }
        0
    });
    let mut stack = Stack::take().map_err(|_| Refusal { attempt: None, errno: Errno::ENOMEM })?;
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK | namespaces;
    let cloned = match signals::block_all() {
        // SAFETY: the child runs `attempt` alone, which neither allocates, locks, panics nor calls glibc; its stack and
        // all that it borrows outlive it, for this thread sleeps until it has ended.
        Ok(_blocked) => unsafe { nix::sched::clone(child, stack.memory(), flags, Some(libc::SIGCHLD)) },
        Err(_) => Err(Errno::EINVAL),
    };
    stack.give_back();
    let pid = cloned.map_err(|errno| Refusal { attempt: None, errno })?;
    // Nobody else waits for it, so the number is still its own.
    wait::reap_by_number(pid.as_raw());
    match report.failure() {
        None => Ok(held.load(Ordering::Acquire)),
        Some(failure) => Err(Refusal { attempt: Some(failure.step as usize), errno: Errno::from_raw(failure.errno) }),
    }
}

/// `long clone3(struct clone_args *cl_args, size_t size)`, clone(2), since Linux 5.3; with a cgroup's folder
/// `CLONE_INTO_CGROUP`, since Linux 5.7. The child ends at once.
///
/// # Errors
/// What the kernel said.
pub fn clone3(cgroup: Option<RawFd>) -> Result<(), Errno> {
    let _blocked = signals::block_all().map_err(|_| Errno::EINVAL)?;
    // SAFETY: all zeroes is valid: no flag, no pointer.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
    if let Some(folder) = cgroup {
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.cgroup = folder.unsigned_abs().into();
    }
    // SAFETY: the structure is of this frame, with its size. The child has a copy of the memory (no CLONE_VM), and its
    // one call is `_exit`.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of_val(&arguments)) };
    if result == 0 {
        // SAFETY: ends the child, without a handler or a buffer of the parent's.
        unsafe { libc::_exit(0) };
    }
    let pid = Errno::result(result)?;
    wait::reap_by_number(i32::try_from(pid).unwrap_or(0));
    Ok(())
}

/// `int pidfd_open(pid_t pid, unsigned int flags)`, pidfd_open(2), of this process.
///
/// # Errors
/// What the kernel said.
pub fn pidfd_open() -> Result<(), Errno> {
    // SAFETY: numbers only.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, libc::getpid(), 0) }).map(drop)
}

/// `int close_range(unsigned int first, unsigned int last, int flags)`, close_range(2), of what cannot be open.
///
/// # Errors
/// What the kernel said.
pub fn close_range() -> Result<(), Errno> {
    // SAFETY: no descriptor has this number.
    Errno::result(unsafe { libc::syscall(libc::SYS_close_range, u32::MAX, u32::MAX, 0) }).map(drop)
}

/// `int openat2(int dirfd, const char *path, const struct open_how *how, size_t size)`, openat2(2), with
/// `RESOLVE_IN_ROOT`.
///
/// # Errors
/// What the kernel said.
pub fn openat2() -> Result<(), Errno> {
    // SAFETY: all zeroes is valid.
    let mut how: libc::open_how = unsafe { std::mem::zeroed() };
    how.flags = (libc::O_PATH | libc::O_CLOEXEC).unsigned_abs().into();
    how.resolve = libc::RESOLVE_IN_ROOT;
    // SAFETY: a C string without end, and a structure of this frame with its size.
    owned(unsafe { libc::syscall(libc::SYS_openat2, libc::AT_FDCWD, c"/".as_ptr(), &raw const how, size_of_val(&how)) })
        .map(drop)
}

/// `int landlock_create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION)`, landlock_create_ruleset(2): the ABI's version.
///
/// # Errors
/// What the kernel said: `ENOSYS` not built in, `EOPNOTSUPP` not switched on.
pub fn landlock_version() -> Result<i64, Errno> {
    // SAFETY: with this flag nothing is read.
    Errno::result(unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<u8>(), 0_usize, 1_u32) })
}

/// `int seccomp(SECCOMP_GET_ACTION_AVAIL, 0, const uint32_t *action)`, seccomp(2).
///
/// # Errors
/// What the kernel said: `EOPNOTSUPP` where it does not know the action.
pub fn seccomp_action(action: u32) -> Result<(), Errno> {
    let operation = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: a number of this frame.
    Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, operation, 0, &raw const action) }).map(drop)
}

/// `ssize_t getxattr(const char *path, const char *name, void value[], size_t size)`, getxattr(2): whether a program has
/// capabilities of its own.
#[must_use]
pub fn has_file_capabilities(path: &CStr) -> bool {
    // SAFETY: two C strings; a size of 0 asks for the length alone.
    unsafe { libc::getxattr(path.as_ptr(), c"security.capability".as_ptr(), ptr::null_mut(), 0) > 0 }
}

/// `int access(const char *path, W_OK)`, access(2), with the effective ids.
#[must_use]
pub fn is_writable(path: &Path) -> bool {
    nix::unistd::faccessat(nix::fcntl::AT_FDCWD, path, nix::unistd::AccessFlags::W_OK, nix::fcntl::AtFlags::AT_EACCESS)
        .is_ok()
}

/// What a call that opens something gave.
fn owned(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let number = RawFd::try_from(Errno::result(result)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
