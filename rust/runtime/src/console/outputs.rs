//! A program's stdout and stderr by pipes of ours, where what it writes is counted.

use std::os::fd::{AsFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;

use super::MOST_OF_REST;
use super::flow::Flow;
use super::streams;
use crate::error::Error;
use crate::poll::{Source, readable};

/// What a program may write, over all of its streams.
pub(crate) struct Budget {
    /// `None`: as much as it likes.
    left: Option<usize>,
    is_exceeded: bool,
    is_told: bool,
}

impl Budget {
    /// So many bytes.
    pub(crate) fn of(bytes: Option<u64>) -> Self {
        let left = bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        Self { left, is_exceeded: false, is_told: false }
    }

    /// How many of so many bytes may still be shown.
    pub(super) fn take(&mut self, wanted: usize) -> usize {
        let Some(left) = &mut self.left else { return wanted };
        let granted = wanted.min(*left);
        *left -= granted;
        self.is_exceeded |= granted < wanted;
        granted
    }

    /// Whether there was more since this was asked last; once only.
    pub(crate) fn is_newly_exceeded(&mut self) -> bool {
        self.is_exceeded && !std::mem::replace(&mut self.is_told, self.is_exceeded)
    }
}

/// Its stdout and stderr, each where it is a pipe.
pub(crate) struct Outputs([Output; 2]);

struct Output {
    /// Our end of the pipe; `None` where there is none, at its end, and once nobody reads what it writes.
    pipe: Option<OwnedFd>,
    to: OwnedFd,
    shown: Flow,
    /// How much of what the program has left is still shown: more than a pipe holds, for others may write on.
    rest: usize,
}

/// What is waited for, in this order: the pipe of stdout, our stdout, and both for stderr.
type Sources<'o> = [Option<Source<'o>>; 4];

impl Outputs {
    /// Opens our streams.
    ///
    /// # Errors
    /// [`Error::System`] where descriptors are short.
    pub(crate) fn open() -> Result<Self, Error> {
        let open = |to| Ok(Output { pipe: None, to, shown: Flow::new(), rest: MOST_OF_REST });
        Ok(Self([
            streams::output([false, true, false]).and_then(open)?,
            streams::output([false, false, true]).and_then(open)?,
        ]))
    }

    /// Begins with the pipes of a program that has been started.
    pub(crate) fn attach(&mut self, pipes: [Option<OwnedFd>; 2]) {
        for (output, pipe) in self.0.iter_mut().zip(pipes) {
            output.pipe = pipe;
        }
    }

    /// What to wait for.
    pub(crate) fn sources(&self) -> Sources<'_> {
        let [[out, out_to], [err, err_to]] = self.0.each_ref().map(Output::sources);
        [out, out_to, err, err_to]
    }

    /// Moves what can be moved, where the sources are ready.
    pub(crate) fn copy(&mut self, [out, out_to, err, err_to]: [bool; 4], budget: &mut Budget) {
        let [stdout, stderr] = &mut self.0;
        stdout.copy(out, out_to, budget);
        stderr.copy(err, err_to, budget);
    }

    /// Reads on what the program wrote before its end, and no more. False: that was all.
    pub(crate) fn has_rest(&mut self, budget: &mut Budget) -> bool {
        let [stdout, stderr] = &mut self.0;
        let has_more = stdout.has_rest(budget);
        stderr.has_rest(budget) || has_more
    }
}

impl Output {
    fn sources(&self) -> [Option<Source<'_>>; 2] {
        if self.shown.is_empty() {
            return [self.pipe.as_ref().map(readable), None];
        }
        [None, Some((self.to.as_fd(), PollFlags::POLLOUT))]
    }

    fn copy(&mut self, pipe_is_ready: bool, output_is_ready: bool, budget: &mut Budget) {
        if pipe_is_ready {
            self.read(budget);
        }
        if output_is_ready && self.shown.pass_on(&self.to).is_err() {
            // Nobody reads it: the program learns of that as it would without us.
            self.shown.clear();
            self.pipe = None;
        }
    }

    /// Reads once, if what was read before is written; how much there was.
    fn read(&mut self, budget: &mut Budget) -> usize {
        let Some(pipe) = self.pipe.as_ref().filter(|_| self.shown.is_empty()) else { return 0 };
        match self.shown.fill(pipe) {
            Err(Errno::EAGAIN | Errno::EINTR) => 0,
            Ok(0) | Err(_) => {
                self.pipe = None;
                0
            }
            Ok(length) => {
                self.shown.keep(budget.take(length));
                length
            }
        }
    }

    fn has_rest(&mut self, budget: &mut Budget) -> bool {
        while self.shown.is_empty() && self.rest > 0 {
            let length = self.read(budget);
            if length == 0 {
                return false;
            }
            self.rest = self.rest.saturating_sub(length);
        }
        !self.shown.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_exceeded_by_more_than_all_of_it_and_tells_so_once() {
        let mut budget = Budget::of(Some(5));
        assert_eq!((budget.take(3), budget.take(2), budget.is_newly_exceeded()), (3, 2, false));
        assert_eq!((budget.take(1), budget.is_newly_exceeded(), budget.is_newly_exceeded()), (0, true, false));
        let mut none = Budget::of(None);
        assert_eq!((none.take(usize::MAX), none.take(1), none.is_newly_exceeded()), (usize::MAX, 1, false));
    }

    #[test]
    fn what_a_pipe_holds_is_shown_at_the_end_though_others_hold_it_open() {
        let (from, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_NONBLOCK).unwrap();
        let (reader, to) = nix::unistd::pipe().unwrap();
        nix::unistd::write(&writer, b"12345678").unwrap();
        let mut output = Output { pipe: Some(from), to, shown: Flow::new(), rest: MOST_OF_REST };
        let mut budget = Budget::of(Some(6));
        while output.has_rest(&mut budget) {
            output.copy(false, true, &mut budget);
        }
        let mut shown = [0; 8];
        assert_eq!(nix::unistd::read(&reader, &mut shown), Ok(6));
        assert!(budget.is_newly_exceeded() && output.pipe.is_some());
    }
}
