//! The terminal's state before a program, to be put back after it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, killpg, pthread_sigmask};
use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};
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
        [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()].into_iter().find_map(|stream| {
            let attributes = tcgetattr(stream).ok()?;
            let is_ours = tcgetpgrp(stream).ok()? == getpgrp();
            is_ours.then_some(())?;
            Some(Self { descriptor: stream.try_clone_to_owned().ok()?, attributes })
        })
    }

    /// Puts it back: the foreground, where the program took it and ended with it, and the attributes. A terminal that
    /// another job has by now is left alone.
    pub fn restore(&self) {
        let own = getpgrp();
        let Ok(foreground) = tcgetpgrp(&self.descriptor) else { return };
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
