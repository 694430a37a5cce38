//! The files of a cgroup: each is read at once and written by one call.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
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
    read_until(path, |_, last| last == 0)
}

/// What a file holds that the kernel writes at once, as it does those that tell of use: what does not fill the buffer is
/// all. A list, of processes or mounts, comes in pieces.
pub(super) fn read_at_once(path: &Path) -> Result<String, Errno> {
    read_until(path, |room, last| last < room)
}

/// Reads until it is at the end, by the room that there was for the last piece and its length. To ask for the file's size
/// first, as `read_to_string` does, tells nothing here.
fn read_until(path: &Path, is_at_end: impl Fn(usize, usize) -> bool) -> Result<String, Errno> {
    let mut file = File::open(path).map_err(|error| errno(&error))?;
    let mut bytes = Vec::new();
    let mut length = 0;
    loop {
        bytes.resize(length + PIECE_BYTES, 0);
        let last = file.read(&mut bytes[length..]).map_err(|error| errno(&error))?;
        length += last;
        if is_at_end(PIECE_BYTES, last) {
            break;
        }
    }
    bytes.truncate(length);
    String::from_utf8(bytes).map_err(|_| Errno::EILSEQ)
}

/// A page: the most that the kernel gives at once of a list.
const PIECE_BYTES: usize = 4096;

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
