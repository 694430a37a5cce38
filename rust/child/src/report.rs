//! What the child tells the parent, and where the two wait for each other, in memory that both see.

use core::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use crate::step::{Failure, Part};
use crate::sys::{self, Errno};

/// What the child tells the parent, in memory that both see.
///
/// With `CLONE_VM | CLONE_VFORK` the parent's thread sleeps until the child has become the program or ended, so a word
/// in shared memory does what a pipe would, at no cost, and cannot fail when descriptors are short.
#[derive(Debug, Default)]
pub struct Report {
    /// Where the parent does its part.
    pub handshake: Handshake,
    failure: AtomicU64,
    pid: AtomicI32,
    ppid: AtomicI32,
    second: AtomicI32,
}

impl Report {
    /// Nothing reported yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            handshake: Handshake::new(),
            failure: AtomicU64::new(0),
            pid: AtomicI32::new(-1),
            ppid: AtomicI32::new(-1),
            second: AtomicI32::new(0),
        }
    }

    /// Keeps `failure` for the parent.
    pub fn fail(&self, failure: Failure) {
        let word = (u64::from(failure.step) << 32) | u64::from(failure.errno.unsigned_abs());
        self.failure.store(word, Ordering::Release);
    }

    pub(crate) fn tell_ids(&self, own: i32, parent: i32) {
        self.pid.store(own, Ordering::Release);
        self.ppid.store(parent, Ordering::Release);
    }

    pub(crate) fn tell_second(&self, pid: i32) {
        self.second.store(pid, Ordering::Release);
    }

    pub(crate) const fn second_pid(&self) -> &AtomicI32 {
        &self.second
    }

    /// The process that took the first one's place by [`crate::Step::CloneAgain`], as the host sees it.
    #[must_use]
    pub fn successor(&self) -> Option<i32> {
        let pid = self.second.load(Ordering::Acquire);
        (pid > 0).then_some(pid)
    }

    /// What failed, if anything did.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "two 32-bit halves of one word")]
    pub fn failure(&self) -> Option<Failure> {
        match self.failure.load(Ordering::Acquire) {
            0 => None,
            word => Some(Failure { step: (word >> 32) as u32, errno: word as u32 as i32 }),
        }
    }

    /// PID and parent's PID as the child saw them, if the plan asked for them.
    #[must_use]
    pub fn ids(&self) -> Option<(i32, i32)> {
        let pid = self.pid.load(Ordering::Acquire);
        (pid > 0).then(|| (pid, self.ppid.load(Ordering::Acquire)))
    }
}

/// Where child and parent wait for each other: a word that both see, and a futex on it.
///
/// The thread that cloned sleeps until the child has executed the program, so another of the parent's does its part.
#[derive(Debug, Default)]
pub struct Handshake {
    state: AtomicU32,
    part: AtomicU32,
    pid: AtomicI32,
}

const UNDER_WAY: u32 = 0;
const WAITING: u32 = 1;
const RELEASED: u32 = 2;
const REFUSED: u32 = 3;
const ABANDONED: u32 = 4;

impl Handshake {
    const fn new() -> Self {
        Self { state: AtomicU32::new(UNDER_WAY), part: AtomicU32::new(0), pid: AtomicI32::new(0) }
    }

    /// The parent waits until the child has come to a [`crate::Step::Sync`]: its number as the host sees it, and what
    /// it waits for; `None` where it comes to none any more.
    #[must_use]
    pub fn wait_for_child(&self) -> Option<(i32, Part)> {
        loop {
            match self.state.load(Ordering::Acquire) {
                state @ (UNDER_WAY | RELEASED) => {
                    let _ = sys::futex_wait(&self.state, state);
                }
                WAITING => {
                    let part = match self.part.load(Ordering::Acquire) {
                        0 => Part::MapIds,
                        1 => Part::MoveDevices,
                        _ => Part::RunHooks,
                    };
                    return Some((self.pid.load(Ordering::Acquire), part));
                }
                _ => return None,
            }
        }
    }

    /// The parent has done its part, or could not.
    pub fn answer(&self, is_done: bool) {
        let answer = if is_done { RELEASED } else { REFUSED };
        if self.state.compare_exchange(WAITING, answer, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            let _ = sys::futex_wake(&self.state);
        }
    }

    /// The child is gone, or the program runs: who still waits for it need not.
    pub fn abandon(&self) {
        self.state.store(ABANDONED, Ordering::Release);
        let _ = sys::futex_wake(&self.state);
    }

    /// The child tells that it has come, and waits for the answer.
    pub(crate) fn arrive(&self, part: Part, pid: i32) -> Result<(), Errno> {
        self.pid.store(pid, Ordering::Release);
        let number = match part {
            Part::MapIds => 0,
            Part::MoveDevices => 1,
            Part::RunHooks => 2,
        };
        self.part.store(number, Ordering::Release);
        self.state.store(WAITING, Ordering::Release);
        sys::futex_wake(&self.state)?;
        loop {
            match self.state.load(Ordering::Acquire) {
                WAITING => sys::futex_wait(&self.state, WAITING)?,
                RELEASED => return Ok(()),
                _ => return Err(Errno(libc::ECANCELED)),
            }
        }
    }
}
