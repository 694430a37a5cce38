//! A connection to a container's monitor: what the container writes, and what it is to read; [`minicontainer_child`]'s
//! `monitor/attached.rs` has the frames.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::handles::{Handles, bytes_of, text_of};
use super::store::{Place, failed, open_folder};
use super::{Done, door};
use crate::error::Error;

static CONNECTIONS: Handles<UnixStream> = Handles::new();

/// What a frame has before its contents.
const HEAD: usize = 5;

/// What a monitor sends in one frame at most; more is a foreign one's.
const LARGEST_FRAME: u32 = 1 << 20;

/// A connection.
#[derive(Deserialize, Serialize)]
pub(crate) struct Opened {
    handle: u32,
}

/// Something for a container.
#[derive(Deserialize)]
pub(crate) struct Sent {
    handle: u32,
    kind: u8,
    /// A character for each byte.
    text: String,
}

/// Something of a container's.
#[derive(Serialize)]
pub(crate) struct Frame {
    /// 0: the connection has ended.
    kind: u8,
    /// A character for each byte.
    text: String,
}

/// `attach.open`: connects to a container's monitor.
///
/// # Errors
/// [`Error::System`]: `ENOENT` where there is no such container, or it has no monitor; `ECONNREFUSED` where that is gone.
pub(crate) fn open(place: &Place) -> Result<Opened, Error> {
    let path = place.path()?;
    let folder = open_folder(&path).map_err(failed("open", &path))?;
    let connection = UnixStream::connect(door::of(&folder, "attach"));
    let connection = connection.map_err(|error| failed("attach to", &path)(errno_of(&error)))?;
    Ok(Opened { handle: CONNECTIONS.keep(connection) })
}

/// `attach.read`: waits for the next frame.
///
/// # Errors
/// [`Error::System`] where the connection breaks, which that to a monitor does not.
pub(crate) fn read(Opened { handle }: &Opened) -> Result<Frame, Error> {
    let connection = CONNECTIONS.get(*handle)?;
    match frame(&connection) {
        Ok((kind, contents)) => Ok(Frame { kind, text: text_of(&contents) }),
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            Ok(Frame { kind: 0, text: String::new() })
        }
        Err(error) => Err(Error::system("read what a container writes", errno_of(&error))),
    }
}

fn frame(mut connection: &UnixStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; HEAD];
    connection.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = u32::from_le_bytes(length);
    if length > LARGEST_FRAME {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut contents = vec![0; length as usize];
    connection.read_exact(&mut contents)?;
    Ok((kind, contents))
}

/// `attach.send`: sends a frame, for which it may have to wait.
///
/// # Errors
/// [`Error::System`]: `EPIPE` where the connection has ended.
pub(crate) fn send(Sent { handle, kind, text }: &Sent) -> Result<Done, Error> {
    let connection = CONNECTIONS.get(*handle)?;
    let contents = bytes_of(text)?;
    let length = u32::try_from(contents.len()).unwrap_or(u32::MAX);
    let frame = [&[*kind], &length.to_le_bytes()[..], &contents].concat();
    let sent = (&*connection).write_all(&frame);
    sent.map_err(|error| Error::system("write to a container", errno_of(&error)))?;
    Ok(Done {})
}

/// `attach.close`: ends a connection, also for who waits at it.
pub(crate) fn close(Opened { handle }: &Opened) -> Done {
    if let Some(connection) = CONNECTIONS.take(*handle) {
        let _ = connection.shutdown(Shutdown::Both);
    }
    Done {}
}

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
