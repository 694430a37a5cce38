//! The process that a scope is made with, and that keeps it while its owner may still ask what was used.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use nix::errno::Errno;
use nix::libc;

use crate::error::Error;
use crate::launch::held;

/// The small program that also created containers wait in; it ends with its stdin, and so with its owner.
#[derive(Debug)]
pub struct Keeper(Child);

impl Keeper {
    /// Starts it.
    ///
    /// # Errors
    /// [`Error::System`].
    pub fn start() -> Result<Self, Error> {
        let mut command = Command::new(format!("/proc/self/fd/{}", held::program()?));
        command.arg0("minicontainer-keeper").env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.spawn().map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)));
        started.map(Self).map_err(|errno| Error::system("start what keeps a scope", errno))
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It is ours and has not been waited for, so the number is its own.
        let _ = (self.0.kill(), self.0.wait());
    }
}
