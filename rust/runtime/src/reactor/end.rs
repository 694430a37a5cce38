//! What a program leaves in its cgroup when it ends.

use std::sync::{Arc, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::getpid;

use super::Reactor;
use crate::cgroup::Cgroup;
use crate::error::Error;
use crate::launch::owner;
use crate::record::Event;
use crate::run::{Outcome, remove};

/// A program that has ended, and a cgroup that is not empty.
pub(super) struct Ending {
    pub(super) cgroup: Cgroup,
    pub(super) outcome: Outcome,
}

impl Reactor {
    /// Has another thread end what is left: that can take the kernel a moment, which the event loop is not to wait for. The
    /// program's end is told afterwards.
    pub(super) fn end_elsewhere(&self, token: u32, mut ending: Ending) -> Result<(), Error> {
        let (state, wake) = (Arc::clone(&self.state), Arc::clone(&self.wake));
        owner::submit(move || {
            remove(&mut ending.cgroup, &mut ending.outcome);
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.told.push_back((token, Event::Ended(ending.outcome)));
            state.forget_if_done(token);
            drop(state);
            // What an event loop listens for, and what a thread that waits here does; the program's own has been heard.
            let _ = kill(getpid(), Signal::SIGCHLD);
            let _ = wake.write(1);
        })
    }
}
