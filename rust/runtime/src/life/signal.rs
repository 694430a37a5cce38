//! Signals to a container's process, and its end where this process has made it.

use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::libc;
use serde::{Deserialize, Serialize};

use super::process::Process;
use super::{Done, cgroups, children};
use crate::cgroup::Place;
use crate::error::Error;
use crate::foreground;
use crate::launch::wait::{End, open_pidfd, send_signal};
use crate::poll::{readable, wait_for_any};

/// A signal for a process.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(flatten)]
    process: Process,
    signal: i32,
    cgroup: Option<Place>,
    /// To all of the container's processes.
    #[serde(default)]
    all: bool,
}

/// How a container ended; `null` twice where this process has not made it.
#[derive(Serialize)]
pub(crate) struct Ended {
    status: Option<i32>,
    signal: Option<i32>,
}

/// `signal`: sends a process a signal, as kill(2) does: one that PID 1 of a namespace has no handler for is dropped.
///
/// # Errors
/// [`Error::System`]: `ESRCH` where it has ended.
pub(crate) fn signal(Asked { process, signal, cgroup, all }: &Asked) -> Result<Done, Error> {
    if let (Some(cgroup), true) = (cgroup, all) {
        return cgroups::signal_all(cgroup, *signal).map(|()| Done {});
    }
    let failed = |errno| Error::system(format!("send signal {signal} to process {}", process.pid), errno);
    if process.pid <= 0 || !process.is_there() {
        return Err(failed(Errno::ESRCH));
    }
    let pidfd = open_pidfd(process.pid)?;
    // The descriptor is that of the process that has the number now.
    if !process.is_there() {
        return Err(failed(Errno::ESRCH));
    }
    send_signal(pidfd.as_raw_fd(), *signal).map_err(failed)?;
    if let Some(cgroup) = cgroup.as_ref().filter(|_| *signal == libc::SIGKILL) {
        // Who is stopped by version 1's freezer does not end.
        if cgroup.is_frozen() == Ok(true) {
            cgroup.thaw().map_err(failed)?;
        }
    }
    Ok(Done {})
}

/// `wait`: waits for a process's end.
///
/// # Errors
/// [`Error::System`] where descriptors are short.
pub(crate) fn wait(process: &Process) -> Result<Ended, Error> {
    if let Some((program, plan)) = children::take(process.pid) {
        let (outcome, _) = foreground::attend(plan.terminal_streams(), None, || Ok(program))?;
        return Ok(match outcome.exit.end {
            End::Exited(status) => Ended { status: Some(status), signal: None },
            End::Signaled(signal) => Ended { status: None, signal: Some(signal) },
        });
    }
    if process.is_there() {
        let pidfd = open_pidfd(process.pid)?;
        while process.is_there() && wait_for_any([Some(readable(&pidfd))], None)? == [false] {}
    }
    Ok(Ended { status: None, signal: None })
}
