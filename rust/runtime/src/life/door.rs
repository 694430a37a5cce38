//! Sockets of unix(7): the one that a container waits at, and those of others that are sent a descriptor.

use std::io::{IoSlice, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use nix::sys::stat::Mode;

use crate::error::Error;
use crate::launch::passing::{Message, receive};

/// The path of a socket in a container's folder: by the folder's descriptor, for an address has 108 bytes at most.
pub(super) fn of(folder: &OwnedFd, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", folder.as_raw_fd()))
}

/// Connects to the socket that a container waits at, says `word` ([`START`](minicontainer_child::START) or
/// [`GIVE_UP`](minicontainer_child::GIVE_UP)), and waits for the answer: none, where the program was executed or the wait
/// is over, or the step that failed and the kernel's error number. The listener of its filter, which comes before that,
/// is handed to `send_on`.
///
/// # Errors
/// As connect(2) and read(2).
pub(super) fn knock(
    folder: &OwnedFd,
    word: u8,
    send_on: &mut dyn FnMut(OwnedFd),
) -> std::io::Result<Option<(u32, i32)>> {
    let mut answer = [0_u8; 8];
    let mut length = 0;
    let mut door = UnixStream::connect(of(folder, "start"))?;
    door.write_all(&[word])?;
    while let Some(room) = answer.get_mut(length..).filter(|room| !room.is_empty()) {
        match receive(&door, room, MsgFlags::empty())? {
            Message { descriptor: Some(listener), .. } => send_on(listener),
            Message { bytes: 0, .. } => return Ok(None),
            Message { bytes, .. } => length += bytes,
        }
    }
    let (step, errno) = answer.split_at(4);
    let word = |bytes: &[u8]| bytes.try_into().unwrap_or_default();
    Ok(Some((u32::from_le_bytes(word(step)), i32::from_le_bytes(word(errno)))))
}

/// Sends a descriptor to the socket at `path`, which `option` names, `SCM_RIGHTS` of unix(7).
///
/// # Errors
/// [`Error::System`] where nobody listens there.
pub(super) fn send(path: &Path, option: &str, descriptor: &OwnedFd) -> Result<(), Error> {
    let failed = |errno| Error::system(format!("send a descriptor to {option} {}", path.display()), errno);
    let of_io = |error: std::io::Error| failed(Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)));
    let socket = connect(path).map_err(of_io)?;
    let name = path.as_os_str().as_encoded_bytes();
    let parts = [IoSlice::new(if name.is_empty() { b"." } else { name })];
    let numbers = [descriptor.as_fd().as_raw_fd()];
    let rights = [ControlMessage::ScmRights(&numbers)];
    sendmsg::<()>(socket.as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None).map(drop).map_err(failed)
}

/// Connects to a socket, by the folder's descriptor where the path is longer than an address can be.
pub(super) fn connect(path: &Path) -> std::io::Result<UnixStream> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return UnixStream::connect(path) };
    if path.as_os_str().len() < 100 {
        return UnixStream::connect(path);
    }
    let folder = open(folder, OFlag::O_PATH | OFlag::O_CLOEXEC | OFlag::O_DIRECTORY, Mode::empty())?;
    UnixStream::connect(Path::new(&format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}
