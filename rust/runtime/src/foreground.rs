//! In the foreground the command stands in for the program, towards who signals it and before the terminal: one loop
//! waits for the program's end, its time, signals, and the bytes of its own terminal, or of pipes where these are counted.

use std::io::Write;

use nix::libc;
use nix::sys::signal::Signal;

use crate::console::{Budget, Console, Outputs};
use crate::error::Error;
use crate::launch::foreground::{Notice, Relay, die_by, exit_as};
use crate::launch::wait::{End, is_newly_stopped};
use crate::plan::{Afterwards, Plan};
use crate::poll::{readable, wait_for_any};
use crate::run::{Outcome, Watched, tell_end};
use crate::signal::would_be_dropped;
use crate::terminal::Terminal;

/// Runs `plan`'s program: signals are passed on, a stop of the program stops this process, and the terminal is
/// afterwards as it was before.
///
/// # Errors
/// As [`crate::run::run`].
pub(crate) fn run(plan: &Plan) -> Result<Outcome, Error> {
    let mut layers = None;
    let start = || {
        let mut program = Watched::start_here(plan)?;
        layers = program.take_layers();
        Ok(program)
    };
    let (outcome, interrupted) = attend(plan.terminal_streams(), plan.output_bytes, start)?;
    tell_end(plan, &outcome);
    if let Some(layers) = layers {
        // A stderr that is closed is not worth an error.
        let _ = std::io::stderr().write_all(layers.changes().to_string().as_bytes());
    }
    if interrupted && outcome.exit.end == End::Signaled(libc::SIGINT) {
        die_by(Signal::SIGINT);
    }
    if plan.foreground == Some(Afterwards::Exit) && !outcome.is_to_be_told() {
        exit_as(outcome.exit.end);
    }
    Ok(outcome)
}

/// Starts a program and stands in for it until it ends, and tells whether ctrl-C was pressed meanwhile; `streams` are
/// those that a terminal of its own has in it, and so many bytes are all that it may write.
///
/// # Errors
/// As `start`, and [`crate::run::run`].
pub(crate) fn attend(
    streams: Option<[bool; 3]>,
    output_bytes: Option<u64>,
    start: impl FnOnce() -> Result<Watched, Error>,
) -> Result<(Outcome, bool), Error> {
    let terminal = Terminal::save();
    let relay = Relay::install()?;
    let console = streams.map(Console::open).transpose()?;
    let outputs = output_bytes.is_some().then(Outputs::open).transpose()?;
    let budget = Budget::of(output_bytes);
    let mut foreground = Foreground { relay, console, outputs, budget, interrupted: false };
    let outcome = start().and_then(|mut program| foreground.wait(&mut program));
    let interrupted = foreground.interrupted;
    drop(foreground.console);
    if let Some(terminal) = terminal {
        terminal.restore();
    }
    drop(foreground.relay);
    Ok((outcome?, interrupted))
}

struct Foreground {
    relay: Relay,
    /// Where the program has a terminal of its own.
    console: Option<Console>,
    /// Where what it writes is limited.
    outputs: Option<Outputs>,
    budget: Budget,
    /// Whether ctrl-C was pressed.
    interrupted: bool,
}

impl Foreground {
    fn wait(&mut self, program: &mut Watched) -> Result<Outcome, Error> {
        if let Some(console) = &mut self.console {
            console.attach(program.take_terminal());
        }
        if let Some(outputs) = &mut self.outputs {
            outputs.attach(program.take_pipes());
        }
        while !self.attend(program)? {}
        self.show_rest(program)?;
        program.reap_ended()
    }

    /// Waits for something to do, and does it; true at the program's end.
    fn attend(&mut self, program: &mut Watched) -> Result<bool, Error> {
        if let Some(console) = &mut self.console {
            console.tend();
        }
        let patience = self.console.as_ref().and_then(Console::patience);
        let [input, terminal, output] = self.console.as_ref().map(Console::sources).unwrap_or_default();
        let [out, out_to, err, err_to] = self.outputs.as_ref().map(Outputs::sources).unwrap_or_default();
        let child = program.child();
        let sources = [
            Some(readable(&child.pidfd)),
            child.timer.as_ref().map(readable),
            Some(readable(&self.relay)),
            input,
            terminal,
            output,
            out,
            out_to,
            err,
            err_to,
        ];
        let [has_ended, is_out_of_time, has_signals, input, terminal, output, out, out_to, err, err_to] =
            wait_for_any(sources, patience)?;
        if is_out_of_time {
            program.time_is_up();
        }
        if has_signals {
            for notice in self.relay.take() {
                self.interrupted |= notice.signal == libc::SIGINT && notice.from_terminal;
                self.pass_on(program, notice);
            }
        }
        self.copy(program, input, terminal, output);
        if let Some(outputs) = &mut self.outputs {
            outputs.copy([out, out_to, err, err_to], &mut self.budget);
        }
        if self.budget.is_newly_exceeded() {
            program.output_is_up();
        }
        Ok(has_ended)
    }

    /// Does with a signal what its sender would have seen without us.
    fn pass_on(&mut self, program: &mut Watched, notice: Notice) {
        let signal = notice.signal;
        match (signal, &mut self.console) {
            (libc::SIGCHLD, console) => {
                if is_newly_stopped(program.pidfd()) {
                    console.iter_mut().for_each(Console::release);
                    self.relay.stop();
                }
                return;
            }
            (libc::SIGCONT, Some(console)) => console.doubt(),
            (libc::SIGWINCH, Some(console)) => {
                console.fit();
                if notice.from_terminal {
                    return;
                }
            }
            _ => {}
        }
        let has_reached_it = notice.from_terminal && !program.child().has_own_session;
        if !has_reached_it || would_be_dropped(program.target(), signal) {
            // A program that has just ended needs no signal any more.
            let _ = program.signal(signal);
        }
    }

    /// Moves bytes to and from the program's terminal. The signals that this makes the kernel send reach PID 1 without a
    /// handler no more than any other.
    fn copy(&mut self, program: &mut Watched, input: bool, terminal: bool, output: bool) {
        let Some(console) = &mut self.console else { return };
        let typed = if input { console.read_input() } else { None };
        self.interrupted |= typed == Some(libc::SIGINT);
        // Looked at before the key gets there: a handler may be for one time only.
        let is_dropped = |signal: &i32| {
            let is_for_it = *signal == libc::SIGHUP || console.signals(program.child().pid);
            is_for_it && would_be_dropped(program.target(), *signal)
        };
        let dropped = typed.filter(is_dropped);
        let hung_up = console.copy(terminal, output, &mut self.budget);
        let hung_up = hung_up.filter(|signal| would_be_dropped(program.target(), *signal));
        for signal in dropped.into_iter().chain(hung_up) {
            let _ = program.signal(signal);
        }
    }

    /// Shows what the program wrote before its end, unless somebody wants us to end, or its time is up.
    fn show_rest(&mut self, program: &mut Watched) -> Result<(), Error> {
        while self.has_rest() {
            let [_, _, terminal_to] = self.console.as_ref().map(Console::sources).unwrap_or_default();
            let [_, out_to, _, err_to] = self.outputs.as_ref().map(Outputs::sources).unwrap_or_default();
            let timer = program.child().timer.as_ref().map(readable);
            let sources = [terminal_to, out_to, err_to, timer, Some(readable(&self.relay))];
            let [terminal_to, out_to, err_to, is_out_of_time, has_signals] = wait_for_any(sources, None)?;
            let ends =
                |notice: &Notice| matches!(notice.signal, libc::SIGINT | libc::SIGTERM | libc::SIGHUP | libc::SIGQUIT);
            if is_out_of_time || (has_signals && self.relay.take().iter().any(ends)) {
                break;
            }
            if let Some(console) = &mut self.console {
                console.copy(false, terminal_to, &mut self.budget);
            }
            if let Some(outputs) = &mut self.outputs {
                outputs.copy([false, out_to, false, err_to], &mut self.budget);
            }
        }
        if self.budget.is_newly_exceeded() {
            program.output_is_up();
        }
        Ok(())
    }

    /// Reads on what was written before the program's end, and no more; whether there is something to show.
    fn has_rest(&mut self) -> bool {
        let is_shown = self.console.as_mut().is_some_and(|console| console.has_rest(&mut self.budget));
        self.outputs.as_mut().is_some_and(|outputs| outputs.has_rest(&mut self.budget)) || is_shown
    }
}
