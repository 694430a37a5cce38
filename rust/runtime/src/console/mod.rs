//! The command's part of a program's own terminal: what is typed goes to it, and what it shows goes to our output.
//!
//! Nothing here waits: [`crate::foreground`] does, for all that there is to wait for.

mod flow;
mod input;
mod outputs;
mod streams;

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::PollFlags;
use nix::sys::termios::{LocalFlags, SpecialCharacterIndices, tcgetattr};
use nix::unistd::tcgetpgrp;

use crate::error::Error;
use crate::launch::tty;
use flow::Flow;
use input::{EndOfInput, Input};
pub(crate) use outputs::{Budget, Outputs};

/// How often it is looked whether somebody has opened the terminal again, when nobody has it open.
const CLOSED_PAUSE: Duration = Duration::from_millis(100);

/// More than a terminal holds, whatever its kernel: what was written before the program's end.
const MOST_OF_REST: usize = 1 << 20;

/// The program's terminal and what stands for it here.
pub(crate) struct Console {
    /// Our side of it; `None` before it is there, and once it was hung up.
    terminal: Option<OwnedFd>,
    input: Input,
    output: OwnedFd,
    typed: Flow,
    shown: Flow,
    /// When to look whether somebody has opened it again.
    closed_until: Option<Instant>,
    /// How much of what the program has left is still shown.
    rest: usize,
}

/// What is waited for, in this order: the input, the terminal, the output.
pub(crate) type Sources<'c> = [Option<(BorrowedFd<'c>, PollFlags)>; 3];

impl Console {
    /// Opens our streams; `wanted` are those that the terminal is in the program.
    ///
    /// # Errors
    /// [`Error::System`] where descriptors are short.
    pub(crate) fn open(wanted: [bool; 3]) -> Result<Self, Error> {
        Ok(Self {
            terminal: None,
            input: Input::open()?,
            output: streams::output(wanted)?,
            typed: Flow::new(),
            shown: Flow::new(),
            closed_until: None,
            rest: MOST_OF_REST,
        })
    }

    /// Begins with the terminal of a program that has been started.
    pub(crate) fn attach(&mut self, terminal: Option<OwnedFd>) {
        self.terminal = terminal;
    }

    /// Does what is due: takes our terminal over, once it is ours, and tells the program of the end of its input.
    pub(crate) fn tend(&mut self) {
        let Some(terminal) = &self.terminal else { return };
        match &mut self.input {
            Input::Keyboard(keyboard) => {
                if keyboard.take_over() {
                    self.fit();
                }
            }
            Input::Ended(end) => {
                if self.typed.is_empty() && end.is_due() && !tty::has_unread_input(terminal) {
                    self.typed.put(end_key(terminal));
                }
            }
            Input::Pipe(_) => {}
        }
    }

    /// What to wait for.
    pub(crate) fn sources(&self) -> Sources<'_> {
        let Some(terminal) = &self.terminal else { return [None; 3] };
        let mut wanted = PollFlags::empty();
        let is_closed = self.closed_until.is_some_and(|until| Instant::now() < until);
        wanted.set(PollFlags::POLLIN, self.shown.is_empty() && !is_closed);
        wanted.set(PollFlags::POLLOUT, !self.typed.is_empty());
        let input = self.input.source().filter(|_| self.typed.is_empty());
        [
            input.map(|input| (input, PollFlags::POLLIN)),
            (!wanted.is_empty()).then_some((terminal.as_fd(), wanted)),
            (!self.shown.is_empty()).then_some((self.output.as_fd(), PollFlags::POLLOUT)),
        ]
    }

    /// How long to wait at most.
    pub(crate) fn patience(&self) -> Option<Duration> {
        self.terminal.as_ref()?;
        let closed = self.closed_until.map(|until| until.saturating_duration_since(Instant::now()));
        let input = self.input.patience().filter(|_| self.typed.is_empty());
        closed.into_iter().chain(input).min()
    }

    /// Reads what is typed; the signal that the terminal will make of it, if any.
    pub(crate) fn read_input(&mut self) -> Option<i32> {
        let source = self.input.source()?;
        match self.typed.fill(source) {
            Err(Errno::EAGAIN | Errno::EINTR) => None,
            Ok(0) | Err(_) => self.end_input(),
            Ok(_) => signal_of(self.typed.bytes(), self.terminal.as_ref()?),
        }
    }

    /// A pipe's end is typed; a terminal's is the end of the program's, too.
    fn end_input(&mut self) -> Option<i32> {
        if matches!(self.input, Input::Keyboard(_)) {
            return self.hang_up();
        }
        self.input = Input::Ended(EndOfInput::new());
        None
    }

    /// Moves what can be moved, where the terminal and the output are ready; the signal that a program without a
    /// terminal gets, if it has none any more.
    pub(crate) fn copy(&mut self, terminal_is_ready: bool, output_is_ready: bool, budget: &mut Budget) -> Option<i32> {
        if let (true, Some(terminal)) = (terminal_is_ready, &self.terminal) {
            if self.typed.pass_on(terminal).is_err() {
                self.typed.clear();
            }
            self.read_terminal(budget);
        }
        if output_is_ready && self.shown.pass_on(&self.output).is_err() {
            return self.hang_up();
        }
        None
    }

    /// Reads what is shown, if what was shown before is written; false where there is nothing.
    fn read_terminal(&mut self, budget: &mut Budget) -> bool {
        let Some(terminal) = self.terminal.as_ref().filter(|_| self.shown.is_empty()) else { return false };
        let length = self.shown.fill(terminal);
        let is_closed = matches!(length, Ok(0) | Err(Errno::EIO));
        self.closed_until = is_closed.then(|| Instant::now() + CLOSED_PAUSE);
        length.is_ok_and(|length| {
            self.shown.keep(budget.take(length));
            length > 0
        })
    }

    /// Closes our side: the kernel then sends the program SIGHUP, and its reads and writes fail.
    fn hang_up(&mut self) -> Option<i32> {
        self.input.release();
        self.shown.clear();
        self.terminal.take().map(|_| libc::SIGHUP)
    }

    /// Reads on what the program wrote before its end, and no more: others may hold its terminal. False: that was all.
    pub(crate) fn has_rest(&mut self, budget: &mut Budget) -> bool {
        self.typed.clear();
        if self.shown.is_empty() && self.rest > 0 && self.read_terminal(budget) {
            self.rest = self.rest.saturating_sub(self.shown.bytes().len());
        }
        !self.shown.is_empty()
    }

    /// Whether the program `pid`, which leads its session, is who the terminal's keys signal.
    pub(crate) fn signals(&self, pid: i32) -> bool {
        self.terminal.as_ref().is_some_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group.as_raw() == pid))
    }

    /// Makes the program's terminal as large as ours.
    pub(crate) fn fit(&self) {
        if let (Some(terminal), Some(size)) = (&self.terminal, tty::own_size()) {
            let _ = tty::set_size(terminal, size);
        }
    }

    /// Gives our terminal back, for as long as we are stopped.
    pub(crate) fn release(&mut self) {
        self.input.release();
    }

    /// We were stopped, and go on: our terminal may have been changed.
    pub(crate) fn doubt(&mut self) {
        if let Input::Keyboard(keyboard) = &mut self.input {
            keyboard.doubt();
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        self.input.release();
    }
}

/// The key that stands for the end of the input.
fn end_key(terminal: &OwnedFd) -> u8 {
    const CTRL_D: u8 = 4;
    let key = tcgetattr(terminal).map_or(0, |now| now.control_chars[SpecialCharacterIndices::VEOF as usize]);
    if key == 0 { CTRL_D } else { key }
}

/// The signal that the terminal makes of the last key among `typed` that stands for one which ends a program.
fn signal_of(typed: &[u8], terminal: &OwnedFd) -> Option<i32> {
    let now = tcgetattr(terminal).ok()?;
    if !now.local_flags.contains(LocalFlags::ISIG) {
        return None;
    }
    let keys = [(SpecialCharacterIndices::VINTR, libc::SIGINT), (SpecialCharacterIndices::VQUIT, libc::SIGQUIT)];
    let keys = keys.map(|(key, signal)| (now.control_chars[key as usize], signal));
    // A key that is 0 is none.
    let signal_of = |byte: &u8| keys.iter().find(|(key, _)| *byte != 0 && byte == key).map(|(_, signal)| *signal);
    typed.iter().rev().find_map(signal_of)
}
