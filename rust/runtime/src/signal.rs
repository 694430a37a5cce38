//! Signals to a program, PID 1 of a namespace among them.
//!
//! The kernel drops a signal to PID 1 that has no handler for it, but KILL and STOP from outside: `sleep` as PID 1
//! outlives ctrl-C and SIGTERM. Nobody who sends a signal means that, so what the default action would have done is
//! done by one of those two, and the end is told as the signal that was asked for.

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::libc;

use crate::launch::signals::bit;
use crate::launch::wait::send_signal;

/// Whom a signal goes to.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its number as the host sees it.
    pub pid: i32,
    /// The handle that it is signalled by.
    pub pidfd: RawFd,
    /// Whether it is PID 1 of a namespace.
    pub is_init: bool,
    /// Whether it has a session of its own, in which nobody could continue what a terminal stops.
    pub has_own_session: bool,
}

/// What a signal does where nothing else is asked of it, signal(7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DefaultAction {
    Terminate,
    Stop,
    Nothing,
}

/// Sends `signal`. True: in its place the program was killed, as the signal's default action would have.
///
/// # Errors
/// `ESRCH` where the program has ended; `EINVAL` for a number that is no signal.
pub fn deliver(target: Target, signal: i32) -> Result<bool, Errno> {
    match default_action(signal) {
        action @ (DefaultAction::Terminate | DefaultAction::Stop) if would_be_dropped(target, signal) => {
            let kills = action == DefaultAction::Terminate;
            send_signal(target.pidfd, if kills { libc::SIGKILL } else { libc::SIGSTOP })?;
            Ok(kills)
        }
        _ => send_signal(target.pidfd, signal).map(|()| false),
    }
}

/// Whether the kernel drops `signal` because `target` has no handler for it: as an init, or, for those that a terminal
/// stops jobs by, as the leader of a session.
#[must_use]
pub fn would_be_dropped(target: Target, signal: i32) -> bool {
    let may_be = match signal {
        libc::SIGKILL | libc::SIGSTOP => false,
        libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => target.is_init || target.has_own_session,
        1..=64 => target.is_init,
        _ => false,
    };
    if !may_be {
        return false;
    }
    // By number: should the program have been collected meanwhile, sending by its pidfd says so.
    let status = std::fs::read_to_string(format!("/proc/{}/status", target.pid)).unwrap_or_default();
    match minded(&status) {
        // A blocked signal is kept: the program may wait for it with sigwait or signalfd.
        Some(minded) => minded & bit(signal) == 0,
        None => false,
    }
}

/// The signals that a process blocks, ignores or catches, from its `proc_pid_status(5)`.
fn minded(status: &str) -> Option<u64> {
    ["SigBlk:", "SigIgn:", "SigCgt:"].iter().try_fold(0, |mask, field| {
        let value = status.lines().find_map(|line| line.strip_prefix(field))?;
        Some(mask | u64::from_str_radix(value.trim(), 16).ok()?)
    })
}

fn default_action(signal: i32) -> DefaultAction {
    match signal {
        libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH | 0 => DefaultAction::Nothing,
        libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => DefaultAction::Stop,
        _ => DefaultAction::Terminate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minded_joins_what_is_blocked_ignored_and_caught() {
        let status = "Name:\tsh\nSigQ:\t0/1\nSigPnd:\t0\nSigBlk:\t0000000000010000\nSigIgn:\t0000000000000004\n\
            SigCgt:\t0000000000000002\n";
        assert_eq!(minded(status), Some(0x10006));
    }

    #[test]
    fn minded_knows_nothing_of_a_status_without_the_fields() {
        assert_eq!(minded("Name:\tsh\n"), None);
        assert_eq!(minded(""), None);
    }

    #[test]
    fn a_plain_process_drops_nothing() {
        let target = Target { pid: 1, pidfd: -1, is_init: false, has_own_session: false };
        assert!(!would_be_dropped(target, libc::SIGTERM));
    }

    #[test]
    fn default_actions_are_those_of_signal_7() {
        assert_eq!(default_action(libc::SIGTERM), DefaultAction::Terminate);
        assert_eq!(default_action(libc::SIGTSTP), DefaultAction::Stop);
        assert_eq!(default_action(libc::SIGWINCH), DefaultAction::Nothing);
        assert_eq!(default_action(40), DefaultAction::Terminate);
    }
}
