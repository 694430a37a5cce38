//! Many programs, two waits: an epoll over their pidfds and timers, and one over their pipes. They are apart so that a
//! look at the ends never takes an event of a pipe from the thread that waits for it.
//!
//! TypeScript names a program by a token that it chose; no descriptor ever leaves this module.

mod calls;
mod cgroups;
mod end;
mod start;

use std::collections::{HashMap, VecDeque};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::cgroup::events::Watch;
use crate::error::Error;
use crate::launch::listener::Listener;
use crate::launch::tty;
use crate::launch::wait::WaitFor;
use crate::layers::{Changes, Layers};
use crate::plan::Plan;
use crate::poll::{readable, wait_for_any};
use crate::record::{self, Event};
use crate::run::{Watched, tell_end};
use end::Ending;

/// How many events one `epoll_wait` takes; more of them come with the next.
const EVENTS_AT_ONCE: usize = 128;

/// What an event belongs to: a stream (0, 1, 2) or one of these, in the low bits of epoll's word above the token.
const PIDFD: u64 = 3;
const TIMER: u64 = 4;
const LISTENER: u64 = 5;
const CGROUP: u64 = 6;
/// What [`Reactor::close`] calls its layers, of which no event tells.
const LAYERS: u64 = 7;
const SOURCES: u64 = 8;
const WAKE: u64 = u64::MAX;

/// What a [`Reactor::wait`] waits for: any of these.
pub const ENDS: u32 = 1;
/// See [`ENDS`].
pub const PIPES: u32 = 2;

/// The programs of one isolate.
pub struct Reactor {
    ends: Epoll,
    pipes: Epoll,
    wake: Arc<EventFd>,
    /// Shared with the threads that end what a program has left in its cgroup.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    programs: HashMap<u32, Program>,
    told: VecDeque<(u32, Event)>,
}

struct Program {
    phase: Phase,
    streams: [Option<OwnedFd>; 3],
    /// Whether the streams are our side of a terminal of its own, twice.
    has_terminal: bool,
    /// What its filter asks through.
    listener: Option<Listener>,
    /// What tells of its cgroup.
    watch: Option<Watch>,
    /// What its overlay is made of, until somebody has heard what was changed.
    layers: Option<Arc<Layers>>,
}

enum Phase {
    /// Another thread is at it; with the signal that the program gets once it runs.
    Starting(Option<i32>),
    Running(Box<Watched>, Arc<Plan>),
    /// Its end has been told, or another thread ends what it has left in its cgroup, and tells of it then; its pipes may still hold something.
    Ended,
}

impl Reactor {
    /// An empty one.
    ///
    /// # Errors
    /// [`Error::System`] where descriptors are short.
    pub fn new() -> Result<Self, Error> {
        let epoll =
            || Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).map_err(|errno| Error::system("create an epoll", errno));
        let (ends, pipes) = (epoll()?, epoll()?);
        let wake = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)
            .map_err(|errno| Error::system("create an eventfd", errno))?;
        pipes
            .add(&wake, EpollEvent::new(EpollFlags::EPOLLIN, WAKE))
            .map_err(|errno| Error::system("watch an eventfd", errno))?;
        let wake = Arc::new(wake);
        Ok(Self { ends, pipes, wake, state: Arc::default() })
    }

    /// Sends a program a signal.
    ///
    /// # Errors
    /// `ESRCH` where it has ended; `EINVAL` for a number that is no signal.
    pub fn signal(&self, token: u32, signal: i32) -> Result<(), Errno> {
        match self.lock().programs.get_mut(&token) {
            Some(Program { phase: Phase::Running(program, _), .. }) => program.signal(signal),
            Some(Program { phase: Phase::Starting(pending), .. }) => {
                *pending = Some(signal);
                Ok(())
            }
            _ => Err(Errno::ESRCH),
        }
    }

    /// Reads from a program's stdout (1) or stderr (2), or from its terminal (1): 0 at the end, `EAGAIN` where nothing is there yet, after which
    /// an event tells when there is.
    ///
    /// # Errors
    /// `EAGAIN`; `EBADF` where that stream is closed or no pipe; else as read(2).
    pub fn read(&self, token: u32, stream: usize, buffer: &mut [u8]) -> Result<usize, Errno> {
        let state = self.lock();
        let pipe = state.pipe(token, stream)?;
        let result = match retry(|| nix::unistd::read(pipe, buffer)) {
            // Nobody has the terminal open any more.
            Err(Errno::EIO) => Ok(0),
            result => result,
        };
        self.arm_if_again(result, pipe, event(token, stream as u64, EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT))
    }

    /// Writes to a program's stdin or terminal: how much was taken, `EAGAIN` where nothing can be yet, after which an event tells
    /// when it can.
    ///
    /// # Errors
    /// `EAGAIN`; `EPIPE` where the program has closed it; else as write(2).
    pub fn write(&self, token: u32, bytes: &[u8]) -> Result<usize, Errno> {
        let state = self.lock();
        let pipe = state.pipe(token, 0)?;
        let result = retry(|| nix::unistd::write(pipe, bytes));
        self.arm_if_again(result, pipe, event(token, 0, EpollFlags::EPOLLOUT | EpollFlags::EPOLLONESHOT))
    }

    fn arm_if_again(&self, result: Result<usize, Errno>, pipe: impl AsFd, event: EpollEvent) -> Result<usize, Errno> {
        if result == Err(Errno::EAGAIN) {
            let mut changed = event;
            match self.pipes.modify(&pipe, &mut changed) {
                Err(Errno::ENOENT) => self.pipes.add(pipe, event)?,
                other => other?,
            }
        }
        result
    }

    /// Closes our end of a program's stream, its listener (5), what tells of its cgroup (6), or its layers (7); one that is
    /// closed already is let be.
    pub fn close(&self, token: u32, stream: usize) {
        let mut state = self.lock();
        if let Some(program) = state.programs.get_mut(&token) {
            match program.streams.get_mut(stream) {
                Some(pipe) => {
                    let pipe = pipe.take();
                    if let (Some(pipe), true) = (pipe, program.has_terminal) {
                        // Its copy would keep it there.
                        let _ = self.pipes.delete(&pipe);
                    }
                }
                None if stream as u64 == CGROUP => program.watch = None,
                None if stream as u64 == LAYERS => program.layers = None,
                None => program.listener = None,
            }
        }
        state.forget_if_done(token);
    }

    /// What was changed in a program's overlay.
    ///
    /// # Errors
    /// [`Error::Internal`] where that was not asked for, or is closed.
    pub(crate) fn changes(&self, token: u32) -> Result<Changes, Error> {
        let layers = self.lock().programs.get(&token).and_then(|program| program.layers.clone());
        let layers = layers.ok_or_else(|| Error::Internal { message: format!("program {token} has no layers") })?;
        Ok(layers.changes())
    }

    /// Sets the size of a program's terminal, in rows and columns; one that has ended is let be.
    ///
    /// # Errors
    /// `ENOTTY` where it has no terminal.
    pub fn resize(&self, token: u32, size: (u16, u16)) -> Result<(), Errno> {
        let state = self.lock();
        let Some(program) = state.programs.get(&token) else { return Ok(()) };
        if !program.has_terminal {
            return Err(Errno::ENOTTY);
        }
        program.streams.iter().flatten().next().map_or(Ok(()), |terminal| tty::set_size(terminal, size))
    }

    /// Makes a [`Reactor::wait`] for pipes that is under way come back.
    pub fn wake(&self) {
        let _ = self.wake.write(1);
    }

    /// Waits until something of `sources` is to be told, and writes it to `buffer`, one record behind the other; the
    /// bytes written, 0 where it was woken or the time (in ms; -1: for ever) was over.
    ///
    /// # Errors
    /// [`Error::System`]; [`Error::Internal`] where the buffer holds not even one record.
    pub fn wait(&self, sources: u32, buffer: &mut [u8], timeout_ms: i32) -> Result<usize, Error> {
        if self.lock().told.is_empty() {
            let mut timeout_ms = timeout_ms;
            if sources == ENDS | PIPES {
                let patience = u64::try_from(timeout_ms).ok().map(Duration::from_millis);
                wait_for_any([Some(readable(&self.ends.0)), Some(readable(&self.pipes.0))], patience)?;
                timeout_ms = 0;
            }
            for (_, epoll) in [(ENDS, &self.ends), (PIPES, &self.pipes)].iter().filter(|(bit, _)| sources & bit != 0) {
                self.collect_from(epoll, timeout_ms)?;
            }
        }
        self.lock().tell(buffer)
    }

    fn collect_from(&self, epoll: &Epoll, timeout_ms: i32) -> Result<(), Error> {
        let mut events = [EpollEvent::empty(); EVENTS_AT_ONCE];
        let timeout = EpollTimeout::try_from(timeout_ms).unwrap_or(EpollTimeout::NONE);
        let count = match epoll.wait(&mut events, timeout) {
            Ok(count) => count,
            Err(Errno::EINTR) => 0,
            Err(errno) => return Err(Error::system("wait for programs", errno)),
        };
        let mut state = self.lock();
        for event in &events[..count] {
            self.look_at(&mut state, event.data());
        }
        Ok(())
    }

    fn look_at(&self, state: &mut State, data: u64) {
        if data == WAKE {
            let _ = self.wake.read();
            return;
        }
        let Ok(token) = u32::try_from(data / SOURCES) else { return };
        match data % SOURCES {
            PIDFD => state.collect(token, |ending| self.end_elsewhere(token, ending)),
            TIMER => {
                if let Some(Program { phase: Phase::Running(program, _), .. }) = state.programs.get_mut(&token) {
                    program.time_is_up();
                }
            }
            stream => {
                let stream = usize::try_from(stream).unwrap_or(usize::MAX);
                state.told.push_back((token, Event::Ready(stream)));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn collect(&mut self, token: u32, end_elsewhere: impl FnOnce(Ending) -> Result<(), Error>) {
        let Some(entry) = self.programs.get_mut(&token) else { return };
        let Phase::Running(program, plan) = &mut entry.phase else { return };
        let told = match program.reap(WaitFor::EndNow) {
            Ok(None) => return,
            Ok(Some(mut outcome)) => {
                tell_end(plan, &outcome);
                if let Some(cgroup) = program.settle(&mut outcome) {
                    let ending = Ending { cgroup, outcome: outcome.clone() };
                    if end_elsewhere(ending).is_ok() {
                        entry.phase = Phase::Ended;
                        return;
                    }
                }
                Event::Ended(outcome)
            }
            Err(error) => Event::Failed(error),
        };
        entry.phase = Phase::Ended;
        self.told.push_back((token, told));
        self.forget_if_done(token);
    }

    fn forget_if_done(&mut self, token: u32) {
        let is_done = |program: &Program| {
            matches!(program.phase, Phase::Ended)
                && program.streams.iter().all(Option::is_none)
                && program.listener.is_none()
                && program.layers.is_none()
        };
        if self.programs.get(&token).is_some_and(is_done) {
            self.programs.remove(&token);
        }
    }

    fn pipe(&self, token: u32, stream: usize) -> Result<&OwnedFd, Errno> {
        match self.programs.get(&token) {
            Some(Program { phase: Phase::Starting(_), .. }) => Err(Errno::EAGAIN),
            Some(program) => program.streams.get(stream).and_then(Option::as_ref).ok_or(Errno::EBADF),
            None => Err(Errno::EBADF),
        }
    }

    fn tell(&mut self, buffer: &mut [u8]) -> Result<usize, Error> {
        let mut written = 0;
        while let Some((token, event)) = self.told.front() {
            let Some(length) = record::write(&mut buffer[written..], *token, event) else {
                if written == 0 {
                    return Err(Error::Internal { message: "the buffer is too small for an event".into() });
                }
                break;
            };
            written += length;
            self.told.pop_front();
        }
        Ok(written)
    }
}

fn event(token: u32, source: u64, flags: EpollFlags) -> EpollEvent {
    EpollEvent::new(flags, u64::from(token) * SOURCES + source)
}

fn retry(mut call: impl FnMut() -> nix::Result<usize>) -> nix::Result<usize> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result,
        }
    }
}
