//! The files of a cgroup: each is read at once and written by one call.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::poll::PollFlags;

use crate::error::Error;
use crate::poll::wait_for_any;

/// What a file holds.
pub(super) fn read(path: &Path) -> Result<String, Errno> {
    fs::read_to_string(path).map_err(|error| errno(&error))
}

/// Writes a text in one call; a file that is not there is not made.
pub(super) fn write(path: &Path, text: &str) -> Result<(), Errno> {
    let mut file = OpenOptions::new().write(true).open(path).map_err(|error| errno(&error))?;
    file.write_all(text.as_bytes()).map_err(|error| errno(&error))
}

/// The number of an I/O error.
pub(super) fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

/// The number behind a key of a file such as `memory.events`, a line for each.
pub(super) fn number_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.split_once(' ').filter(|(name, _)| *name == key)?.1.trim().parse().ok())
}

/// Waits until a key of such a file has a number, which the kernel tells the file's watchers of; whether it came to that
/// in time.
pub(super) fn wait_for(path: &Path, key: &str, wanted: u64, patience: Duration) -> Result<bool, Errno> {
    let end = Instant::now() + patience;
    let file = File::open(path).map_err(|error| errno(&error))?;
    loop {
        let text = read_again(&file)?;
        if number_of(&text, key) == Some(wanted) {
            return Ok(true);
        }
        let rest = end.saturating_duration_since(Instant::now());
        if rest.is_zero() {
            return Ok(false);
        }
        let changed: Result<[bool; 1], Error> = wait_for_any([Some((file.as_fd(), PollFlags::POLLPRI))], Some(rest));
        changed.map_err(|_| Errno::ENOMEM)?;
    }
}

/// From its start, by which the kernel knows that we have seen what is new.
pub(super) fn read_again(file: &File) -> Result<String, Errno> {
    let mut buffer = [0; 4096];
    let length = nix::sys::uio::pread(file, &mut buffer, 0)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}
