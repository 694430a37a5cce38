//! A running program's cgroup: what it uses, other limits for it, stopping it, and what happens to it.

use nix::errno::Errno;
use nix::sys::epoll::{EpollEvent, EpollFlags};
use serde::Deserialize;

use super::{CGROUP, Phase, Program, Reactor, State, event};
use crate::cgroup::events::{Happened, Watch};
use crate::cgroup::{Place, Resources};
use crate::error::Error;
use crate::record::Event;

/// What is asked of a cgroup.
#[derive(Deserialize)]
#[serde(tag = "call", rename_all = "camelCase")]
pub(crate) enum Asked {
    /// What it uses: [`crate::cgroup::Stats`].
    Stats,
    /// Other limits.
    Update {
        /// Those that change.
        resources: Box<Resources>,
    },
    /// All of it stops.
    Pause,
    /// It goes on.
    Resume,
    /// What has happened since the last time, a list of [`Happened`]; an event of the pipes' tells when there is more.
    Events,
}

impl Reactor {
    /// Answers in JSON.
    ///
    /// # Errors
    /// `ESRCH` where the program has ended; `EOPNOTSUPP` where it has no cgroup of its own; what is refused.
    pub(crate) fn ask_cgroup(&self, token: u32, asked: &Asked) -> Result<Vec<u8>, Error> {
        let answer = match asked {
            Asked::Stats => serde_json::to_vec(&self.place(token)?.stats()),
            Asked::Update { resources } => {
                self.place(token)?.update(resources)?;
                return Ok(b"null".to_vec());
            }
            Asked::Pause | Asked::Resume => {
                let place = self.place(token)?;
                let is_pause = matches!(asked, Asked::Pause);
                let done = if is_pause { place.freeze() } else { place.thaw() };
                let operation = if is_pause { "pause the program" } else { "let the program go on" };
                done.map_err(|errno| Error::system(operation, errno))?;
                // Version 1 tells nobody of it.
                let mut state = self.lock();
                if state.programs.get(&token).is_some_and(|program| program.watch.is_some()) {
                    state.told.push_back((token, Event::Ready(usize::try_from(CGROUP).unwrap_or(0))));
                    self.wake();
                }
                return Ok(b"null".to_vec());
            }
            Asked::Events => serde_json::to_vec(&self.happened(token)?),
        };
        answer.map_err(|error| Error::Internal { message: error.to_string() })
    }

    /// Where a running program's cgroup is.
    fn place(&self, token: u32) -> Result<Place, Error> {
        place(&self.lock(), token).map_err(|errno| Error::system("look at the program's cgroup", errno))
    }

    fn happened(&self, token: u32) -> Result<Vec<Happened>, Error> {
        let failed = |errno| Error::system("watch the program's cgroup", errno);
        let mut state = self.lock();
        let place = place(&state, token).map_err(failed)?;
        let program = state.programs.get_mut(&token).ok_or(Errno::ESRCH).map_err(failed)?;
        let watch = match &mut program.watch {
            Some(watch) => watch,
            None => program.watch.insert(Watch::begin(&place).map_err(failed)?),
        };
        let happened = watch.take();
        for (source, wanted) in watch.sources() {
            let armed = event(token, CGROUP, wanted | EpollFlags::EPOLLONESHOT);
            let mut changed: EpollEvent = armed;
            match self.pipes.modify(source, &mut changed) {
                Err(Errno::ENOENT) => self.pipes.add(source, armed),
                other => other,
            }
            .map_err(failed)?;
        }
        Ok(happened)
    }
}

fn place(state: &State, token: u32) -> Result<Place, Errno> {
    match state.programs.get(&token) {
        Some(Program { phase: Phase::Running(program, _), .. }) => {
            let cgroup = program.child().cgroup.as_ref();
            cgroup.map(|cgroup| cgroup.place.clone()).ok_or(Errno::EOPNOTSUPP)
        }
        _ => Err(Errno::ESRCH),
    }
}
