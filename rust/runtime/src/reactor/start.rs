//! Starting programs, here or on a thread of ours.

use std::os::fd::AsRawFd;
use std::sync::Arc;

use nix::libc;
use nix::sys::epoll::EpollFlags;
use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

use super::{PIDFD, Phase, Program, Reactor, State, TIMER, event};
use crate::error::Error;
use crate::launch::owner;
use crate::launch::wait::{WaitFor, send_signal};
use crate::life::children;
use crate::plan::Plan;
use crate::record::{Event, Started};
use crate::run::Watched;

impl Reactor {
    /// Starts a program; what is told of it then.
    ///
    /// # Errors
    /// As [`crate::launch::launch`].
    pub fn spawn(&self, token: u32, plan: Arc<Plan>) -> Result<Started, Error> {
        let program = Watched::start(&plan)?;
        self.watch(&mut self.lock(), token, program, plan)
    }

    /// Tells of the end of a container's process that this process has made; whether it has.
    ///
    /// # Errors
    /// [`Error::System`] where it cannot be watched; it is killed then.
    pub fn adopt(&self, token: u32, pid: i32) -> Result<Option<Started>, Error> {
        let Some((program, plan)) = children::take(pid) else { return Ok(None) };
        self.watch(&mut self.lock(), token, program, plan).map(Some)
    }

    /// Has another thread start a program: a container takes a millisecond, and several threads start several at once.
    /// That it could not be started is told as its end would be; that it was, where somebody waits for it.
    ///
    /// # Errors
    /// [`Error::System`] where there is no such thread.
    pub fn spawn_elsewhere(self: Arc<Self>, token: u32, plan: Arc<Plan>) -> Result<(), Error> {
        let phase = Phase::Starting(None);
        self.lock().programs.insert(
            token,
            Program {
                phase,
                streams: [None, None, None],
                has_terminal: false,
                listener: None,
                watch: None,
                layers: None,
            },
        );
        let reactor = Arc::clone(&self);
        let submitted = owner::submit(move || reactor.start(token, plan));
        if submitted.is_err() {
            self.lock().programs.remove(&token);
        }
        submitted
    }

    fn start(&self, token: u32, plan: Arc<Plan>) {
        let started = Watched::start_here(&plan);
        let mut state = self.lock();
        let pending = match state.programs.remove(&token) {
            Some(Program { phase: Phase::Starting(pending), .. }) => pending,
            _ => None,
        };
        let watched = started.and_then(|mut program| {
            if let Some(signal) = pending {
                // A program that has ended by now needs no signal any more.
                let _ = program.signal(signal);
            }
            self.watch(&mut state, token, program, plan)
        });
        match watched {
            Ok(started) if state.is_awaited(token) => state.told.push_back((token, Event::Started(started))),
            Ok(_) => {}
            Err(error) => state.told.push_back((token, Event::Failed(error))),
        }
        let streams = state.programs.get(&token).map_or(vec![], Program::open_streams);
        state.told.extend(streams.into_iter().map(|stream| (token, Event::Ready(stream))));
        let is_told = !state.told.is_empty() || state.has_ended(token);
        drop(state);
        if is_told {
            // What the event loop listens for: the program's own came before it was watched, or did not come.
            let _ = kill(getpid(), Signal::SIGCHLD);
        }
    }

    /// Lets the end and the timer of a program be told; where that can't be done, it is killed. What is told of it
    /// now.
    fn watch(&self, state: &mut State, token: u32, mut program: Watched, plan: Arc<Plan>) -> Result<Started, Error> {
        let has_terminal = program.child().terminal.is_some();
        let (streams, listener) = (program.take_streams(), program.take_listener());
        let layers = program.take_layers().map(Arc::new);
        let asks = listener.is_some();
        let child = program.child();
        let started = Started { pid: child.pid, asks, details: child.details.clone() };
        // The end may be told to another thread as soon as it is watched for: by then it must be known here.
        let pidfd = self.ends.add(&child.pidfd, event(token, PIDFD, EpollFlags::EPOLLIN));
        let timer =
            child.timer.as_ref().map_or(Ok(()), |timer| self.ends.add(timer, event(token, TIMER, EpollFlags::EPOLLIN)));
        let streams = match pidfd.and(timer).and(streams) {
            Ok(streams) => streams,
            Err(errno) => {
                let _ = send_signal(child.pidfd.as_raw_fd(), libc::SIGKILL);
                let _ = program.reap(WaitFor::End);
                return Err(Error::system("watch the program", errno));
            }
        };
        state.programs.insert(
            token,
            Program {
                phase: Phase::Running(Box::new(program), plan),
                streams,
                has_terminal,
                listener,
                watch: None,
                layers,
            },
        );
        Ok(started)
    }
}

impl Program {
    fn open_streams(&self) -> Vec<usize> {
        (0..self.streams.len()).filter(|stream| self.streams.get(*stream).is_some_and(Option::is_some)).collect()
    }
}

impl State {
    /// Whether somebody waits to hear that a program has been started: who sets its timer.
    fn is_awaited(&self, token: u32) -> bool {
        matches!(self.programs.get(&token), Some(Program { phase: Phase::Running(_, plan), .. }) if plan.timeout.is_some())
    }

    fn has_ended(&self, token: u32) -> bool {
        matches!(self.programs.get(&token), Some(Program { phase: Phase::Running(program, _), .. }) if program.has_ended())
    }
}
