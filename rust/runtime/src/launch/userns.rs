//! A user namespace for its ids alone: a mount shows files as theirs, mount_setattr(2) `MOUNT_ATTR_IDMAP`.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use super::stack::Stack;
use super::{signals, wait};
use crate::error::Error;

/// Makes a user namespace with these maps; it lives as long as the descriptor.
pub(super) fn make(uid_map: &str, gid_map: &str) -> Result<OwnedFd, Error> {
    let mut stack = Stack::take()?;
    let mut sleep = || {
        loop {
            // SAFETY: pause(2) by its number takes nothing and writes nothing but this process's own registers.
            unsafe { libc::syscall(libc::SYS_ppoll, 0, 0, 0, 0, 0) };
        }
    };
    let flags = CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_VM;
    let pid = {
        let _blocked = signals::block_all()?;
        // SAFETY: the child does nothing but sleep until it is killed, below; its stack outlives it.
        unsafe { nix::sched::clone(Box::new(&mut sleep), stack.memory(), flags, Some(libc::SIGCHLD)) }
            .map_err(|errno| Error::system("create a user namespace for the ids of a mount", errno))?
    };
    let namespace = mapped(pid, uid_map, gid_map);
    let _ = kill(pid, Signal::SIGKILL);
    wait::reap_by_number(pid.as_raw());
    stack.give_back();
    namespace
}

fn mapped(pid: Pid, uid_map: &str, gid_map: &str) -> Result<OwnedFd, Error> {
    debug_assert_ne!(pid, getpid());
    let failed = |error: &std::io::Error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
        let error = Error::system("map the ids of a mount", errno);
        if errno == Errno::EPERM { error.with_advice(super::tree::ROOT_ALONE) } else { error }
    };
    for (file, text) in [("uid_map", uid_map), ("gid_map", gid_map)] {
        let mut map = fs::OpenOptions::new().write(true).open(format!("/proc/{pid}/{file}")).map_err(|e| failed(&e))?;
        map.write_all(text.as_bytes()).map_err(|error| failed(&error))?;
    }
    fs::File::open(format!("/proc/{pid}/ns/user")).map(OwnedFd::from).map_err(|error| failed(&error))
}
