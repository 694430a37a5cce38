//! The forced end of a container.

use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc::SIGKILL;
use serde::Deserialize;

use super::create::unmount;
use super::process::Process;
use super::{Done, children, store};
use crate::cgroup::Place;
use crate::error::Error;
use crate::launch::wait::{WaitFor, open_pidfd, send_signal};
use crate::poll::{readable, wait_for_any};

/// A process that is killed has ended by then, unless the kernel itself is stuck.
const PATIENCE: Duration = Duration::from_secs(30);

/// A container's process, and its cgroup.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(flatten)]
    pub(super) process: Process,
    pub(super) cgroup: Option<Place>,
    /// A mount among the host's that goes with it.
    pub(super) mounted: Option<String>,
    /// The handle of its folder, where that is removed too.
    pub(super) removes: Option<u32>,
}

/// `end`: kills a container's processes, where they have not ended, waits until they have, and removes its cgroup; and its folder, where asked.
///
/// # Errors
/// [`Error::System`]: `ETIMEDOUT` where it does not end.
pub(crate) fn end(Asked { process, cgroup, mounted, removes }: &Asked) -> Result<Done, Error> {
    if let Some((program, _)) = children::take(process.pid) {
        // Ours: nobody else collects it, so its number is its own.
        kill_and_wait(&program.child().pidfd, process.pid, cgroup.as_ref())?;
        program.reap(WaitFor::End)?;
    } else if process.pid > 0 && process.is_there() {
        let pidfd = open_pidfd(process.pid)?;
        // The descriptor is that of the process that has the number now.
        if process.is_there() {
            kill_and_wait(&pidfd, process.pid, cgroup.as_ref())?;
        }
    }
    mounted.iter().try_for_each(|path| unmount(path))?;
    cgroup.iter().try_for_each(Place::remove)?;
    removes.iter().try_for_each(|handle| store::remove(*handle))?;
    Ok(Done {})
}

fn kill_and_wait(pidfd: &OwnedFd, pid: i32, cgroup: Option<&Place>) -> Result<(), Error> {
    let failed = |errno| Error::system(format!("kill process {pid}"), errno);
    match send_signal(pidfd.as_raw_fd(), SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(errno) => return Err(failed(errno)),
    }
    if let Some(cgroup) = cgroup.filter(|cgroup| cgroup.is_frozen() == Ok(true)) {
        // With version 1's freezer it ends only then; the signal is the first thing that it sees.
        cgroup.thaw().map_err(failed)?;
    }
    let until = Instant::now() + PATIENCE;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if let [true] = wait_for_any([Some(readable(pidfd))], Some(left))? {
            return Ok(());
        }
        if left.is_zero() {
            return Err(failed(Errno::ETIMEDOUT));
        }
    }
}
