//! Standing in for the program: signals that reach this process are noted by a handler and read in the wait loop.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};
use std::sync::atomic::{AtomicI32, Ordering};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};

use super::signals::{bit, ignored_by_the_caller};
use super::wait::End;
use crate::error::Error;

/// What is passed on, and CHLD, which tells that the program was stopped.
const RELAYED: [Signal; 10] = [
    Signal::SIGINT,
    Signal::SIGTERM,
    Signal::SIGHUP,
    Signal::SIGQUIT,
    Signal::SIGUSR1,
    Signal::SIGUSR2,
    Signal::SIGWINCH,
    Signal::SIGTSTP,
    Signal::SIGCONT,
    Signal::SIGCHLD,
];

/// A signal that reached this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Which.
    pub signal: i32,
    /// Whether the kernel sent it: the terminal's keys do so, and reach the program too, for it is in our group.
    pub from_terminal: bool,
}

/// The writing end of the handler's pipe; -1 while nothing is in the foreground.
static NOTICES: AtomicI32 = AtomicI32::new(-1);

/// Handlers for what is relayed; dropping it puts the former ones back.
pub struct Relay {
    notices: File,
    former: Vec<(Signal, SigAction)>,
}

impl Relay {
    /// Takes the signals over, but for those that are ignored: `nohup` and background jobs stay what they are.
    ///
    /// # Errors
    /// [`Error::System`]; `EBUSY` where another program is in the foreground of this process.
    pub fn install() -> Result<Self, Error> {
        let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)
            .map_err(|errno| Error::system("create a pipe", errno))?;
        let write = write.into_raw_fd();
        if NOTICES.compare_exchange(-1, write, Ordering::AcqRel, Ordering::Acquire).is_err() {
            let _ = nix::unistd::close(write);
            return Err(Error::system("run two programs in the foreground", Errno::EBUSY));
        }
        let mut relay = Self { notices: File::from(read), former: Vec::with_capacity(RELAYED.len()) };
        let ignored = ignored_by_the_caller();
        for signal in RELAYED {
            if ignored & bit(signal as i32) == 0 {
                relay.former.push((signal, set_action(signal, note_action())?));
            }
        }
        Ok(relay)
    }

    /// What has come since the last call.
    pub fn take(&mut self) -> Vec<Notice> {
        let mut bytes = [0_u8; 128];
        match self.notices.read(&mut bytes) {
            Ok(length) => bytes
                .chunks_exact(2)
                .take(length / 2)
                .map(|pair| Notice { signal: i32::from(pair[0]), from_terminal: pair[1] == 1 })
                .collect(),
            Err(_) => Vec::new(),
        }
    }

    /// Stops this process as the terminal's stop key does; it goes on here once it is continued. In a group that
    /// nobody could continue the kernel does nothing.
    pub fn stop(&self) {
        if let Ok(noting) = set_action(Signal::SIGTSTP, default_action()) {
            let _ = raise(Signal::SIGTSTP);
            let _ = set_action(Signal::SIGTSTP, noting);
        }
    }
}

impl AsFd for Relay {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.notices.as_fd()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        for (signal, action) in self.former.drain(..).rev() {
            let _ = set_action(signal, action);
        }
        let write = NOTICES.swap(-1, Ordering::AcqRel);
        let _ = nix::unistd::close(write);
    }
}

/// Ends this process by `signal`, so that a shell sees what it would have seen without us; returns only if it can't.
pub fn die_by(signal: Signal) {
    if set_action(signal, default_action()).is_ok() {
        let _ = raise(signal);
    }
}

/// Ends this process with the exit status that a shell has for such an end, without a handler or a buffer of anybody's.
pub fn exit_as(end: End) -> ! {
    let status = match end {
        End::Exited(status) => status,
        End::Signaled(signal) => signal.saturating_add(128),
    };
    // SAFETY: ends the process; nothing of it is used any more.
    unsafe { libc::_exit(status) }
}

fn default_action() -> SigAction {
    SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty())
}

fn note_action() -> SigAction {
    SigAction::new(SigHandler::SigAction(note), SaFlags::SA_RESTART | SaFlags::SA_SIGINFO, SigSet::all())
}

fn set_action(signal: Signal, action: SigAction) -> Result<SigAction, Error> {
    // SAFETY: the action is the default, or `note`, which is async-signal-safe, or what was set before.
    unsafe { sigaction(signal, &action) }.map_err(|errno| Error::system(format!("handle {signal}"), errno))
}

/// The handler: two bytes to the pipe. A pipe that is full drops a signal, as the kernel does with one that is pending.
extern "C" fn note(signal: i32, info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    let errno = Errno::last();
    // SAFETY: the kernel hands a handler with SA_SIGINFO a valid siginfo.
    let code = unsafe { (*info).si_code };
    let bytes = [u8::try_from(signal).unwrap_or(0), u8::from(code == libc::SI_KERNEL)];
    // SAFETY: write(2) is async-signal-safe; the bytes are of this frame.
    unsafe { libc::write(NOTICES.load(Ordering::Acquire), bytes.as_ptr().cast(), bytes.len()) };
    errno.set();
}
