//! Files in a container's folder, and what goes wrong with them.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat, renameat};
use nix::sys::stat::Mode;

use super::PASSING;
use crate::error::Error;

/// Writes a file anew: who reads it gets the old or the new one. What is written while a container is being made means
/// nothing after a loss of power, with which that ends; so this does not wait for the disk.
pub(in crate::life) fn write(folder: &OwnedFd, name: &str, text: &str) -> Result<(), Errno> {
    put(folder, name, text, |_| Ok(()))
}

/// As [`write`], also after a loss of power.
pub(in crate::life) fn replace(folder: &OwnedFd, name: &str, text: &str) -> Result<(), Errno> {
    put(folder, name, text, File::sync_data)
}

/// Waits until what a file has is on the disk; nothing where there is none.
pub(super) fn sync(folder: &OwnedFd, name: &str) -> Result<(), Errno> {
    match openat(folder, name, OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW, Mode::empty()) {
        Ok(file) => File::from(file).sync_data().map_err(|error| errno_of(&error)),
        Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno),
    }
}

fn put(folder: &OwnedFd, name: &str, text: &str, settle: impl FnOnce(&File) -> io::Result<()>) -> Result<(), Errno> {
    let new = format!("{PASSING}{name}");
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_TRUNC | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let mut file = File::from(openat(folder, new.as_str(), flags, Mode::from_bits_truncate(0o600))?);
    file.write_all(text.as_bytes()).and_then(|()| settle(&file)).map_err(|error| errno_of(&error))?;
    renameat(folder, new.as_str(), folder, name)
}

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

pub(in crate::life) fn failed(what: &'static str, path: &Path) -> impl Fn(Errno) -> Error + use<> {
    let path = path.to_string_lossy().into_owned();
    move |errno| Error::system(format!("{what} {path:?}"), errno)
}

pub(in crate::life) fn io_failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let failed = failed(what, path);
    move |error| failed(errno_of(&error))
}
