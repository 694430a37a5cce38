//! One program from start to end, on the calling thread.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;

use crate::error::Error;
use crate::launch::foreground::{Notice, Relay, die_by};
use crate::launch::listener::Listener;
use crate::launch::wait::{End, Exit, WaitFor, is_newly_stopped, reap, send_signal};
use crate::launch::{Child, launch, owner, tell};
use crate::plan::Plan;
use crate::signal::{Target, deliver, would_be_dropped};
use crate::terminal::Terminal;

/// How a program's run went.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Its number as the host saw it.
    pub pid: i32,
    /// How it ended and what it used.
    pub exit: Exit,
    /// From its start to its end.
    pub wall: Duration,
    /// Whether it was killed because its time was up.
    pub out_of_time: bool,
}

/// A program that is waited for.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    out_of_time: bool,
    killed_for: Option<i32>,
}

impl Watched {
    /// Starts `plan`'s program from this thread, which must stay for as long as the program runs, if the one is to die
    /// with the other.
    ///
    /// # Errors
    /// As [`launch`].
    pub fn start_here(plan: &Plan) -> Result<Self, Error> {
        Ok(Self { child: launch(plan)?, out_of_time: false, killed_for: None })
    }

    /// Starts `plan`'s program: where it is to die with its owner, from a thread that lives as long as the process.
    ///
    /// # Errors
    /// As [`launch`].
    pub fn start(plan: &Arc<Plan>) -> Result<Self, Error> {
        if !plan.dies_with_owner() {
            return Self::start_here(plan);
        }
        let shared = Arc::clone(plan);
        owner::run(move || Self::start_here(&shared))?
    }

    /// The program.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Takes the pipes out.
    pub fn take_streams(&mut self) -> [Option<std::os::fd::OwnedFd>; 3] {
        std::mem::take(&mut self.child.streams)
    }

    /// Takes the listener of its filter out.
    pub fn take_listener(&mut self) -> Option<Listener> {
        self.child.listener.take()
    }

    /// Sends it a signal; one that PID 1 has no handler for does what it would have done elsewhere.
    ///
    /// # Errors
    /// As [`deliver`].
    pub fn signal(&mut self, signal: i32) -> Result<(), Errno> {
        if deliver(self.target(), signal)? && self.killed_for.is_none() {
            self.killed_for = Some(signal);
        }
        Ok(())
    }

    /// Kills it, for its time is up.
    pub fn time_is_up(&mut self) {
        self.child.timer = None;
        self.out_of_time = send_signal(self.child.pidfd.as_raw_fd(), libc::SIGKILL).is_ok();
    }

    /// Collects its end; `None` where that has not come.
    ///
    /// # Errors
    /// As [`reap`].
    pub fn reap(&self, wait_for: WaitFor) -> Result<Option<Outcome>, Error> {
        let exit = reap(self.child.pidfd.as_raw_fd(), wait_for)
            .map_err(|errno| Error::system(format!("wait for process {}", self.child.pid), errno))?;
        Ok(exit.map(|mut exit| {
            let wall = self.child.started.elapsed();
            let out_of_time = self.out_of_time && exit.end == End::Signaled(libc::SIGKILL);
            if let (End::Signaled(libc::SIGKILL), Some(signal), false) = (exit.end, self.killed_for, out_of_time) {
                exit.end = End::Signaled(signal);
            }
            Outcome { pid: self.child.pid, exit, wall, out_of_time }
        }))
    }

    fn target(&self) -> Target {
        Target { pid: self.child.pid, pidfd: self.child.pidfd.as_raw_fd(), is_init: self.child.is_init }
    }
}

/// Runs `plan`'s program and waits for its end, on this thread, which is there for as long as the program.
///
/// In the foreground it stands in for the program: signals are passed on, a stop of the program stops this process,
/// and the terminal is afterwards as it was before.
///
/// # Errors
/// As [`launch`]; nothing is left then.
pub fn run(plan: &Plan) -> Result<Outcome, Error> {
    if !plan.foreground {
        let mut program = Watched::start_here(plan)?;
        let outcome = wait(&mut program, None, &mut false)?;
        tell_end(plan, &outcome);
        return Ok(outcome);
    }
    let terminal = Terminal::save();
    let mut relay = Relay::install()?;
    let mut interrupted = false;
    let outcome =
        Watched::start_here(plan).and_then(|mut program| wait(&mut program, Some(&mut relay), &mut interrupted));
    if let Some(terminal) = terminal {
        terminal.restore();
    }
    drop(relay);
    let outcome = outcome?;
    tell_end(plan, &outcome);
    if interrupted && outcome.exit.end == End::Signaled(libc::SIGINT) {
        die_by(Signal::SIGINT);
    }
    Ok(outcome)
}

fn wait(program: &mut Watched, mut relay: Option<&mut Relay>, interrupted: &mut bool) -> Result<Outcome, Error> {
    while program.child.timer.is_some() || relay.is_some() {
        let ready = poll_all(program, relay.as_deref())?;
        if ready.timer {
            program.time_is_up();
        }
        if let (true, Some(relay)) = (ready.relay, relay.as_deref_mut()) {
            for notice in relay.take() {
                *interrupted |= notice.signal == libc::SIGINT && notice.from_terminal;
                pass_on(program, relay, notice);
            }
        }
        if ready.program {
            break;
        }
    }
    let ended = program.reap(WaitFor::End)?;
    ended.ok_or_else(|| Error::Internal { message: "waitid came back without an end".into() })
}

struct Ready {
    program: bool,
    timer: bool,
    relay: bool,
}

fn poll_all(program: &Watched, relay: Option<&Relay>) -> Result<Ready, Error> {
    let sources =
        [Some(program.child.pidfd.as_fd()), program.child.timer.as_ref().map(AsFd::as_fd), relay.map(AsFd::as_fd)];
    let mut polled: Vec<PollFd<'_>> =
        sources.iter().flatten().map(|source| PollFd::new(*source, PollFlags::POLLIN)).collect();
    match poll(&mut polled, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(Error::system("wait for the program", errno)),
    }
    let is_ready = |source: Option<BorrowedFd<'_>>| {
        source.is_some_and(|source| {
            let same = |entry: &&PollFd<'_>| entry.as_fd().as_raw_fd() == source.as_raw_fd();
            polled.iter().find(same).is_some_and(|entry| entry.any().unwrap_or(false))
        })
    };
    let [program, timer, relay] = sources.map(is_ready);
    Ok(Ready { program, timer, relay })
}

/// Does with a signal what its sender would have seen without us.
fn pass_on(program: &mut Watched, relay: &Relay, notice: Notice) {
    let signal = notice.signal;
    if signal == libc::SIGCHLD {
        if is_newly_stopped(program.child.pidfd.as_raw_fd()) {
            relay.stop();
        }
    } else if !notice.from_terminal || would_be_dropped(program.target(), signal) {
        // A program that has just ended needs no signal any more.
        let _ = program.signal(signal);
    }
}

/// The last line of `--debug`.
pub fn tell_end(plan: &Plan, outcome: &Outcome) {
    tell(plan, || {
        let how = match outcome.exit.end {
            End::Exited(status) => format!("exited with status {status}"),
            End::Signaled(signal) => match Signal::try_from(signal) {
                Ok(name) => format!("was killed by signal {signal} ({name})"),
                Err(_) => format!("was killed by signal {signal}"),
            },
        };
        format!("[parent] the program {how}")
    });
}
