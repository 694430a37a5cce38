//! Reads a file of a root filesystem that somebody else has made.
//!
//! Its path may lead anywhere, through symbolic links to the host's files; it may be a FIFO, which waits for ever, a
//! device, which does something when it is opened, or endless (CVE-2024-9676). So it is resolved in the root, looked
//! at before it is opened, and read up to a limit.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc::mode_t;
use nix::sys::stat::{SFlag, fstat};

use crate::error::{Error, reason};
use crate::in_root;

/// What a file may hold.
const LARGEST: u64 = 1024 * 1024;

/// The bytes of the regular file at `path` in the folder `root`, which is `/` to every link; none if there is no file.
///
/// # Errors
/// [`Error::Spec`] with `field` where the file is not to be read: of another kind, or larger than 1 MiB;
/// [`Error::System`] where the kernel refuses.
pub fn read(root: BorrowedFd, path: &str, field: &str) -> Result<Option<Vec<u8>>, Error> {
    let refuse = |why: &str| Error::spec(field, format!("{path:?} of the root filesystem {why}"));
    let system = |errno| Error::system(format!("read {path:?} of the root filesystem"), errno);
    // O_PATH opens nothing: a device doesn't notice.
    let Some(found) = open(root, path, OFlag::O_PATH).map_err(system)? else { return Ok(None) };
    must_be_regular(&found).map_err(|why| refuse(why.as_str()))?;
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let Some(opened) = open(root, path, flags).map_err(system)? else { return Ok(None) };
    // Once more: it may be another one by now.
    must_be_regular(&opened).map_err(|why| refuse(why.as_str()))?;
    let mut bytes = Vec::new();
    let length = File::from(opened).take(LARGEST + 1).read_to_end(&mut bytes);
    match length {
        Ok(length) if length as u64 > LARGEST => Err(refuse("is larger than 1 MiB")),
        Ok(_) => Ok(Some(bytes)),
        Err(error) => Err(system(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))),
    }
}

fn open(root: BorrowedFd, path: &str, flags: OFlag) -> Result<Option<OwnedFd>, Errno> {
    match in_root::open(root, path, flags) {
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        answer => answer.map(Some),
    }
}

fn must_be_regular(file: impl AsFd) -> Result<(), String> {
    let mode = fstat(file).map_err(|errno| format!("cannot be looked at: {}", reason(errno)))?.st_mode;
    match kind(mode) {
        None => Ok(()),
        Some(kind) => Err(format!("is {kind}; it must be a regular file")),
    }
}

/// What a file is, but for a regular one.
fn kind(mode: mode_t) -> Option<&'static str> {
    match SFlag::from_bits_truncate(mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFREG => None,
        SFlag::S_IFDIR => Some("a folder"),
        SFlag::S_IFIFO => Some("a FIFO"),
        SFlag::S_IFSOCK => Some("a socket"),
        SFlag::S_IFCHR => Some("a character device"),
        SFlag::S_IFBLK => Some("a block device"),
        _ => Some("of an unknown kind"),
    }
}

#[cfg(test)]
mod tests;
