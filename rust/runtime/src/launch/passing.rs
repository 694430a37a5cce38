//! Descriptors that come through sockets, `SCM_RIGHTS` of unix(7).

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, shutdown, sockopt};

use crate::error::Error;
use crate::life::agent::Connection;

/// What came at once.
pub(crate) struct Message {
    /// How many bytes; 0 at the end.
    pub bytes: usize,
    /// The descriptor that came with them.
    pub descriptor: Option<OwnedFd>,
    /// Who sent it, as we number processes, where the socket was [told](tell_senders) to tell.
    sender: Option<i32>,
}

/// Receives once.
///
/// # Errors
/// As recvmsg(2).
pub(crate) fn receive(socket: &impl AsRawFd, bytes: &mut [u8], flags: MsgFlags) -> Result<Message, Errno> {
    let mut space = nix::cmsg_space!(RawFd, UnixCredentials);
    let message = loop {
        let mut parts = [IoSliceMut::new(bytes)];
        match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags | MsgFlags::MSG_CMSG_CLOEXEC) {
            Err(Errno::EINTR) => {}
            result => break result.map(|message| (message.bytes, message.cmsgs().map(Iterator::collect::<Vec<_>>)))?,
        }
    };
    let (bytes, parts) = message;
    let mut received = Message { bytes, descriptor: None, sender: None };
    for part in parts? {
        match part {
            ControlMessageOwned::ScmRights(numbers) => {
                // SAFETY: the kernel has just put it into this process's table, and nobody else knows it.
                received.descriptor = numbers.first().map(|number| unsafe { OwnedFd::from_raw_fd(*number) });
            }
            ControlMessageOwned::ScmCredentials(sender) => received.sender = Some(sender.pid()),
            _ => {}
        }
    }
    Ok(received)
}

/// Has the kernel tell of each message who sent it.
pub(super) fn tell_senders(socket: &impl AsFd) -> Result<(), Error> {
    setsockopt(socket, sockopt::PassCred, &true).map_err(|errno| Error::system("set up a socket", errno))
}

/// Waits for the listener of the child's filter and hands it on; on a thread of its own, for the one that cloned sleeps
/// until the program is executed, which whoever gets the listener may have to allow.
pub(super) fn hand_on(socket: &OwnedFd, agent: Connection<'_>) -> Result<(), Error> {
    let failed = |errno| Error::system("receive the listener of the program's filter", errno);
    match receive(socket, &mut [0], MsgFlags::empty()).map_err(failed)? {
        Message { descriptor: Some(listener), sender: Some(pid), .. } => agent.send(&listener, pid),
        // The child came to its end before.
        _ => Ok(()),
    }
}

/// Ends who waits at a socket for what does not come any more; what has come is received.
pub(super) fn close(socket: &OwnedFd) {
    let _ = shutdown(socket.as_raw_fd(), nix::sys::socket::Shutdown::Both);
}
