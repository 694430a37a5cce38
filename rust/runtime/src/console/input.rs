//! Where a program's own terminal gets its input from: our terminal's keys, or a pipe or file until its end.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::streams;
use crate::error::Error;
use crate::terminal::Terminal;

/// How often it is looked whether our terminal is ours again.
const BACKGROUND_PAUSE: Duration = Duration::from_millis(100);

/// How long a program has to take the end of its input before it is told again; this doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where the input comes from.
pub(super) enum Input {
    /// Our terminal.
    Keyboard(Keyboard),
    /// Something that comes to an end.
    Pipe(OwnedFd),
    /// That end.
    Ended(EndOfInput),
}

impl Input {
    /// Our stdin.
    pub(super) fn open() -> Result<Self, Error> {
        let descriptor = streams::input()?;
        Ok(if io::stdin().is_terminal() {
            Self::Keyboard(Keyboard { descriptor, saved: None, is_raw: false })
        } else {
            Self::Pipe(descriptor)
        })
    }

    /// What is read from, if anything is.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Keyboard(keyboard) => keyboard.is_raw.then_some(keyboard.descriptor.as_fd()),
            Self::Pipe(descriptor) => Some(descriptor.as_fd()),
            Self::Ended(_) => None,
        }
    }

    /// How soon it must be looked at again.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Keyboard(keyboard) => (!keyboard.is_raw).then_some(BACKGROUND_PAUSE),
            Self::Pipe(_) => None,
            Self::Ended(end) => Some(end.next.saturating_duration_since(Instant::now())),
        }
    }

    /// Gives our terminal back, where it is the source.
    pub(super) fn release(&mut self) {
        if let Self::Keyboard(keyboard) = self {
            keyboard.release();
        }
    }
}

/// Our terminal's keys, which are read while it is ours.
pub(super) struct Keyboard {
    descriptor: OwnedFd,
    /// What it was like before it was raw for the first time: what a shell makes of it later is none of ours.
    saved: Option<Terminal>,
    is_raw: bool,
}

impl Keyboard {
    /// Makes it raw, if it is not and no other job has it. True: it was raw before, and what has changed meanwhile went
    /// by unseen.
    pub(super) fn take_over(&mut self) -> bool {
        if self.is_raw {
            return false;
        }
        let was_saved = self.saved.is_some();
        if !was_saved {
            self.saved = Terminal::on(self.descriptor.as_fd());
        }
        if let Some(terminal) = self.saved.as_ref().filter(|terminal| terminal.is_ours()) {
            terminal.make_raw();
            self.is_raw = true;
        }
        was_saved && self.is_raw
    }

    /// Puts it back.
    fn release(&mut self) {
        if let (true, Some(terminal)) = (self.is_raw, &self.saved) {
            terminal.restore();
        }
        self.is_raw = false;
    }

    /// Somebody else may have put it back while we were stopped.
    pub(super) fn doubt(&mut self) {
        self.is_raw = false;
    }
}

/// The end of what was piped to us.
///
/// A terminal has no end of its own: a key stands for it, and only for who reads lines at that moment. A program that
/// has not yet set its terminal up would never see it. So it is typed again whenever it has been taken, as a pipe at
/// its end says so to each read.
pub(super) struct EndOfInput {
    next: Instant,
    pause: Duration,
}

impl EndOfInput {
    /// One that has just come.
    pub(super) fn new() -> Self {
        Self { next: Instant::now(), pause: FIRST_PAUSE }
    }

    /// Whether to look if it is to be told; not again for a while.
    pub(super) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        if now < self.next {
            return false;
        }
        self.next = now + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        true
    }
}
