//! Our own streams, as far as possible in a way that never blocks.

use std::fs::OpenOptions;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;

use nix::libc;
use nix::sys::stat::{SFlag, fstat};

use crate::error::Error;

/// Our stdin.
pub(super) fn input() -> Result<OwnedFd, Error> {
    reopen(io::stdin().as_fd(), OpenOptions::new().read(true))
}

/// What takes the place of the program's terminal among our streams: `wanted` are those that it is in the program.
pub(super) fn output(wanted: [bool; 3]) -> Result<OwnedFd, Error> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    let stream = match wanted {
        [_, true, _] => stdout.as_fd(),
        [_, false, true] => stderr.as_fd(),
        [_, false, false] => stdin.as_fd(),
    };
    reopen(stream, OpenOptions::new().write(true))
}

/// Opens a stream anew, so that not to block is a setting of ours alone: who shares the stream with us, a shell or the
/// rest of a pipeline, would not expect it. What cannot be opened by name (a socket, another user's terminal) is shared;
/// a file is as well, for its offset is.
fn reopen(stream: BorrowedFd<'_>, options: &mut OpenOptions) -> Result<OwnedFd, Error> {
    let kind = fstat(stream).map_or(SFlag::empty(), |status| SFlag::from_bits_truncate(status.st_mode) & SFlag::S_IFMT);
    if kind == SFlag::S_IFIFO || kind == SFlag::S_IFCHR {
        options.custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC);
        if let Ok(file) = options.open(format!("/proc/self/fd/{}", stream.as_raw_fd())) {
            return Ok(file.into());
        }
    }
    stream.try_clone_to_owned().map_err(|error| {
        let errno = nix::errno::Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
        Error::system(format!("copy descriptor {}", stream.as_raw_fd()), errno)
    })
}
