//! The process that a scope is made with, and that keeps it while its owner may still ask what was used.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::libc;

use crate::error::Error;
use crate::launch::held;
use crate::launch::wait::open_pidfd;

/// The small program that also created containers wait in; it ends with its stdin, and so with its owner.
#[derive(Debug)]
pub struct Keeper(Option<Child>);

impl Keeper {
    /// Starts it.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn start() -> Result<Self, Error> {
        let mut command = Command::new(format!("/proc/self/fd/{}", held::program()?));
        command.arg0("minicontainer-keeper").env_clear().current_dir("/");
        // A terminal's keys are for whom it keeps the scope for.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)));
        started.map(|child| Self(Some(child))).map_err(|errno| Error::system("start what keeps a scope", errno))
    }

    /// What it lives as long as; one that somebody else holds as well keeps it alive.
    #[must_use]
    pub fn life(&self) -> Option<RawFd> {
        self.0.as_ref().and_then(|child| child.stdin.as_ref()).map(AsRawFd::as_raw_fd)
    }

    /// Lets go of it: it lives as long as others hold its [`Keeper::life`]. Its pidfd, for who is to collect its end.
    #[must_use]
    pub fn leave(mut self) -> Option<OwnedFd> {
        let child = self.0.take()?;
        open_pidfd(i32::try_from(child.id()).ok()?).ok()
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It is ours and has not been waited for, so the number is its own.
        let _ = self.0.as_mut().map(|child| (child.kill(), child.wait()));
    }
}
