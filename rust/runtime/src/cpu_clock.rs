//! A limit on the time that a program and all that it starts spend on processors: nothing in the kernel rings when it is
//! up, so it is looked at whenever it can be.

use std::num::NonZero;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;

use crate::cgroup::Place;
use crate::error::Error;
use crate::launch::wait::send_signal;
use crate::launch::{Child, failure, signals};
use crate::poll::{readable, wait_for_any};

/// What the limit is exact to.
const SHORTEST_LOOK: Duration = Duration::from_millis(2);

/// A thread that counts for as long as the program runs.
#[derive(Debug)]
pub(crate) struct CpuClock {
    is_up: Arc<AtomicBool>,
}

impl CpuClock {
    /// Counts for a program whose cgroup has a limit.
    ///
    /// # Errors
    /// [`Error::System`] where there is no thread to be had.
    pub(crate) fn start(child: &Child) -> Result<Option<Self>, Error> {
        let Some((limit, place)) = child.cgroup.as_ref().and_then(|cgroup| Some((cgroup.cpu_time?, &cgroup.place)))
        else {
            return Ok(None);
        };
        let copied = child.pidfd.try_clone();
        let pidfd = copied.map_err(|error| {
            Error::system("copy a pidfd", Errno::from_raw(error.raw_os_error().unwrap_or(libc::EMFILE)))
        })?;
        let is_up = Arc::new(AtomicBool::new(false));
        let (told, place) = (Arc::clone(&is_up), place.clone());
        thread::Builder::new()
            .name("minicontainer".into())
            .stack_size(128 * 1024)
            .spawn(move || count(&pidfd, &place, limit, &told))
            .map_err(|error| failure::of_thread(&error))?;
        Ok(Some(Self { is_up }))
    }

    /// Whether the program was killed for it.
    pub(crate) fn is_up(&self) -> bool {
        self.is_up.load(Ordering::Acquire)
    }
}

fn count(pidfd: &OwnedFd, place: &Place, limit: Duration, is_up: &AtomicBool) {
    // Signals are for the threads of the program that loaded us.
    let _blocked = signals::block_all();
    let mut rest = limit;
    while let Ok([false]) = wait_for_any([Some(readable(pidfd))], Some(soonest(rest))) {
        // Where the cgroup is gone, the program is.
        let Some(used) = place.cpu_us() else { return };
        rest = limit.saturating_sub(Duration::from_micros(used));
        if rest.is_zero() {
            // Told first: who sees the end must see why.
            is_up.store(true, Ordering::Release);
            let _ = send_signal(pidfd.as_raw_fd(), libc::SIGKILL);
            return;
        }
    }
}

/// When the rest can be used up at the soonest: if it ran on all processors.
fn soonest(rest: Duration) -> Duration {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    (rest / u32::try_from(processors).unwrap_or(u32::MAX)).max(SHORTEST_LOOK)
}
