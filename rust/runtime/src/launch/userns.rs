//! A user namespace for its ids alone: a mount shows files as theirs, mount_setattr(2) `MOUNT_ATTR_IDMAP`.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;

use minicontainer_child::sleep;
use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getpid};

use super::stack::Stack;
use super::{signals, wait};
use crate::error::Error;

/// Makes a user namespace with these maps; it lives as long as the descriptor.
pub(super) fn make(uid_map: &str, gid_map: &str) -> Result<OwnedFd, Error> {
    let sleeper = Sleeper::start()?;
    mapped(sleeper.pid, uid_map, gid_map)
}

/// A process in a user namespace of its own, which sleeps until this is dropped.
struct Sleeper {
    pid: Pid,
    stack: Option<Stack>,
}

impl Sleeper {
    /// `int clone(int (*fn)(void *), void *stack, int flags, void *arg)`, clone(2). Not by nix, which has the child read a
    /// closure in its caller's frame: without `CLONE_VFORK` that frame is gone by then.
    fn start() -> Result<Self, Error> {
        let mut stack = Stack::take()?;
        let top = stack.top();
        let flags = libc::CLONE_NEWUSER | libc::CLONE_VM | libc::SIGCHLD;
        let parent = std::ptr::without_provenance_mut(getpid().as_raw().unsigned_abs() as usize);
        let cloned = {
            let _blocked = signals::block_all()?;
            // SAFETY: the child runs `sleep` alone, which reads no memory of this process's, on a stack of its own that
            // is given back once the child has ended.
            Errno::result(unsafe { libc::clone(sleep, top, flags, parent) })
        };
        match cloned {
            Ok(pid) => Ok(Self { pid: Pid::from_raw(pid), stack: Some(stack) }),
            Err(errno) => {
                stack.give_back();
                Err(Error::system("create a user namespace for the ids of a mount", errno))
            }
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = kill(self.pid, Signal::SIGKILL);
        wait::reap_by_number(self.pid.as_raw());
        if let Some(stack) = self.stack.take() {
            stack.give_back();
        }
    }
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

#[cfg(test)]
mod tests {
    use std::thread::yield_now;

    use super::*;

    /// A letter of `proc_pid_stat(5)`.
    fn state(pid: Pid) -> char {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()
    }

    #[test]
    fn who_keeps_the_namespace_sleeps_until_it_is_killed() {
        let mut stack_was_used_anew = [0_u8; 8192];
        for round in 0..50 {
            let sleeper = match Sleeper::start() {
                Ok(sleeper) => sleeper,
                Err(error) => return drop(writeln!(std::io::stderr(), "a sleeper: skipped, for {error}")),
            };
            std::hint::black_box(&mut stack_was_used_anew).fill(round);
            while state(sleeper.pid) == 'R' {
                yield_now();
            }
            assert_eq!(state(sleeper.pid), 'S');
        }
    }
}
