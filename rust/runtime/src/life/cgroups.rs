//! A container's cgroup, as its state has it.

use std::collections::BTreeSet;
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use serde::{Deserialize, Serialize};

use super::Done;
use crate::cgroup::{Place, Resources, Stats};
use crate::error::Error;
use crate::launch::wait::{pidfd_of, send_signal};

/// Which cgroup.
#[derive(Deserialize)]
pub(crate) struct Asked {
    cgroup: Place,
}

/// Other limits for a cgroup, in OCI's words.
#[derive(Deserialize)]
pub(crate) struct Changed {
    cgroup: Place,
    resources: Resources,
}

/// Whether its processes are stopped.
#[derive(Serialize)]
pub(crate) struct State {
    frozen: bool,
}

fn failed(operation: &'static str) -> impl Fn(Errno) -> Error {
    move |errno| match errno {
        Errno::EOPNOTSUPP => Error::Unsupported {
            feature: operation.into(),
            needs: "a freezer: cgroup version 2, or version 1's controller of that name".into(),
        },
        errno => Error::system(operation, errno),
    }
}

/// `cgroup.procs`: the numbers of its processes, as this process sees them.
///
/// # Errors
/// [`Error::System`] where it cannot be read.
pub(crate) fn processes(Asked { cgroup }: &Asked) -> Result<BTreeSet<i32>, Error> {
    cgroup.processes().map_err(failed("list the container's processes"))
}

/// `cgroup.pause`: stops its processes, and waits until they stand still.
///
/// # Errors
/// [`Error::Unsupported`] where there is no freezer; [`Error::System`].
pub(crate) fn pause(Asked { cgroup }: &Asked) -> Result<Done, Error> {
    cgroup.freeze().map(|()| Done {}).map_err(failed("pause the container"))
}

/// `cgroup.resume`: lets them go on.
///
/// # Errors
/// As [`pause`].
pub(crate) fn resume(Asked { cgroup }: &Asked) -> Result<Done, Error> {
    cgroup.thaw().map(|()| Done {}).map_err(failed("resume the container"))
}

/// `cgroup.update`: changes the limits that are given, and no others.
///
/// # Errors
/// As [`Place::update`].
pub(crate) fn update(Changed { cgroup, resources }: &Changed) -> Result<Done, Error> {
    cgroup.update(resources).map(|()| Done {})
}

/// `cgroup.state`: whether they are stopped; they are not where nothing could stop them.
pub(crate) fn state(Asked { cgroup }: &Asked) -> State {
    State { frozen: cgroup.is_frozen().unwrap_or(false) }
}

/// `cgroup.stats`: what they use and have used.
pub(crate) fn stats(Asked { cgroup }: &Asked) -> Stats {
    cgroup.stats()
}

/// Sends all of them a signal; who has ended meanwhile needs none.
pub(super) fn signal_all(cgroup: &Place, signal: i32) -> Result<(), Error> {
    if signal == libc::SIGKILL {
        let ended = cgroup.kill_all().map_err(failed("kill the container's processes"))?;
        return if ended { Ok(()) } else { Err(failed("kill the container's processes")(Errno::ETIMEDOUT)) };
    }
    for pid in cgroup.processes().map_err(failed("list the container's processes"))? {
        let Ok(pidfd) = pidfd_of(pid) else { continue };
        match send_signal(pidfd.as_raw_fd(), signal) {
            Ok(()) | Err(Errno::ESRCH) => {}
            Err(errno) => return Err(Error::system(format!("send signal {signal} to process {pid}"), errno)),
        }
    }
    Ok(())
}
