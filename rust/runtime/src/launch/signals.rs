//! Signals of this process: blocked across the clone, and asked about.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, pthread_sigmask, sigaction};

use crate::error::Error;

/// While it lives no signal is delivered to this thread.
pub(crate) struct Blocked {
    before: SigSet,
}

/// Blocks every signal on this thread; the child inherits the mask, so that no handler runs in it.
pub(crate) fn block_all() -> Result<Blocked, Error> {
    let mut before = SigSet::empty();
    pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), Some(&mut before))
        .map_err(|errno| Error::system("block the signals", errno))?;
    Ok(Blocked { before })
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}

/// Where SIGCHLD is ignored, as a careless parent can hand it down, the kernel collects children by itself and
/// `waitid` finds none: then it goes back to its default, which ignores the signal but keeps the children.
pub(super) fn let_children_be_waited_for() -> Result<(), Error> {
    if is_ignored(libc::SIGCHLD) {
        let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
        // SAFETY: the default action runs no code of ours.
        unsafe { sigaction(Signal::SIGCHLD, &default) }
            .map_err(|errno| Error::system("let children be waited for", errno))?;
    }
    Ok(())
}

/// The signals that `nohup`, or a shell without job control, sets to be ignored for what it starts.
const IGNORED_ON_PURPOSE: [i32; 6] =
    [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU];

/// Of these signals those that are ignored: bit N-1 for signal N.
#[must_use]
pub fn ignored_by_the_caller() -> u64 {
    let ignored = IGNORED_ON_PURPOSE.into_iter().filter(|signal| is_ignored(*signal));
    ignored.fold(0, |mask, signal| mask | bit(signal))
}

/// A signal's place in a mask.
#[must_use]
pub fn bit(signal: i32) -> u64 {
    1_u64.checked_shl(signal.unsigned_abs().wrapping_sub(1)).unwrap_or(0)
}

fn is_ignored(signal: i32) -> bool {
    action(signal) == Some(libc::SIG_IGN)
}

/// `None` for the two that the C library keeps for itself.
fn action(signal: i32) -> Option<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: nothing is changed; the action that is set is written to `action`.
    let result = unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: all zeroes is a valid action, and sigaction has filled it in.
    Errno::result(result).ok().map(|_| unsafe { action.assume_init() }.sa_sigaction)
}

/// Signals that programs listen to or ignore: a child sets them to their default whatever they were.
const OFTEN_SET: [i32; 10] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGPIPE,
    libc::SIGALRM,
    libc::SIGTERM,
    libc::SIGCHLD,
    libc::SIGWINCH,
];

static UNTOUCHED: AtomicU64 = AtomicU64::new(0);

/// Of the other signals those that had their default action when they were looked at last: bit N-1 for signal N.
pub(super) fn untouched() -> u64 {
    UNTOUCHED.load(Ordering::Relaxed)
}

/// Looks at them, for the next start, while a program runs that has been started.
pub(super) fn look_again() {
    let others = (1..=libc::SIGRTMAX()).filter(|signal| !OFTEN_SET.contains(signal));
    let untouched = others.filter(|signal| action(*signal) == Some(libc::SIG_DFL));
    UNTOUCHED.store(untouched.fold(0, |mask, signal| mask | bit(signal)), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_signal_n_at_bit_n_minus_one() {
        assert_eq!((bit(1), bit(15), bit(64)), (1, 0x4000, 1 << 63));
        assert_eq!((bit(0), bit(65)), (0, 0));
    }
}
