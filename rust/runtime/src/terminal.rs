//! The terminal's state before a program, to be put back after it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg, pthread_sigmask};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// What the terminal was like.
pub struct Terminal {
    descriptor: OwnedFd,
    attributes: Termios,
}

impl Terminal {
    /// Looks at the terminal on stdin, stdout or stderr; `None` where there is none, or another job has it.
    #[must_use]
    pub fn save() -> Option<Self> {
        let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
        [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()].into_iter().find_map(Self::on)
    }

    /// Looks at the terminal on `stream`; `None` where it is none, or another job has it.
    #[must_use]
    pub fn on(stream: BorrowedFd<'_>) -> Option<Self> {
        let attributes = tcgetattr(stream).ok()?;
        let terminal = Self { descriptor: stream.try_clone_to_owned().ok()?, attributes };
        terminal.is_ours().then_some(terminal)
    }

    /// Whether no other job has it. One that belongs to another session has no jobs of ours.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        tcgetpgrp(&self.descriptor).map_or_else(|errno| errno == Errno::ENOTTY, |foreground| foreground == getpgrp())
    }

    /// Lets every key through as it is: whoever reads them decides what they do.
    pub fn make_raw(&self) {
        let mut raw = self.attributes.clone();
        cfmakeraw(&mut raw);
        let _ = tcsetattr(&self.descriptor, SetArg::TCSADRAIN, &raw);
    }

    /// Puts it back: the foreground, where the program took it and ended with it, and the attributes. A terminal that
    /// another job has by now is left alone.
    pub fn restore(&self) {
        let own = getpgrp();
        let foreground = match tcgetpgrp(&self.descriptor) {
            Err(Errno::ENOTTY) => own,
            Err(_) => return,
            Ok(foreground) => foreground,
        };
        if foreground != own {
            if !is_empty(foreground) {
                return;
            }
            // From the background the terminal answers with SIGTTOU, unless that is blocked.
            let mut output = SigSet::empty();
            output.add(Signal::SIGTTOU);
            let mut before = SigSet::empty();
            let _ = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&output), Some(&mut before));
            let _ = tcsetpgrp(&self.descriptor, own);
            let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&before), None);
        }
        if tcgetattr(&self.descriptor).is_ok_and(|now| now != self.attributes) {
            let _ = tcsetattr(&self.descriptor, SetArg::TCSADRAIN, &self.attributes);
        }
    }
}

fn is_empty(group: Pid) -> bool {
    killpg(group, None::<Signal>) == Err(Errno::ESRCH)
}
