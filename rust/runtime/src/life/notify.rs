//! `sd_notify(3)`: a container says that it is ready, and whoever has started us is told.
//!
//! The container sees a folder of its own at [`INSIDE`]. Its socket is made when the container is started, by who waits
//! for it to be ready, which no more than that is handed on of: a container is not believed which process is its main one.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, Permissions};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

use super::handles::Handles;
use super::process::Process;
use super::store::{self, Place, io_failed};
use super::{Done, door};
use crate::error::Error;
use crate::launch::wait::open_pidfd;
use crate::poll::{readable, wait_for_any};
use crate::spec::{Mount, Spec};

static SOCKETS: Handles<UnixDatagram> = Handles::new();

/// The folder among a container's files, and where the container sees it.
const FOLDER: &str = "notify";
const INSIDE: &str = "/run/notify";
const SOCKET: &str = "notify.sock";

/// What is waited for, in a line of its own.
const READY: &[u8] = b"READY=1";

/// A message's length, at most; what is longer is cut off.
const MOST_BYTES: usize = 4096;

/// A socket that a container's messages come to; none where nobody is to be told.
#[derive(Serialize)]
pub(crate) struct Opened {
    socket: Option<u32>,
}

/// Whose messages.
#[derive(Deserialize)]
pub(crate) struct Asked {
    socket: u32,
    process: Process,
}

/// Gives a container that is to be made the folder and the variable.
///
/// # Errors
/// [`Error::System`] where the folder cannot be made.
pub(super) fn prepare(spec: &mut Spec, folder: &Path) -> Result<(), Error> {
    let source = folder.join(FOLDER);
    match DirBuilder::new().mode(0o755).create(&source) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(io_failed("make", &source)(error));
        }
        _ => {}
    }
    let options = ["bind", "ro", "nosuid", "nodev", "noexec"].map(Into::into).to_vec();
    let source = source.to_string_lossy().into_owned();
    spec.mounts.push(Mount { destination: INSIDE.into(), kind: "bind".into(), source, options, ..Mount::default() });
    spec.minicontainer.default_env.push(format!("NOTIFY_SOCKET={INSIDE}/{SOCKET}"));
    Ok(())
}

/// `notify.open`: makes the socket of a container that is about to be started, where it was made with one and `$NOTIFY_SOCKET`
/// is somebody's.
///
/// # Errors
/// [`Error::System`] where it cannot be made.
pub(crate) fn open(place: &Place) -> Result<Opened, Error> {
    let path = place.path()?.join(FOLDER);
    let folder = match store::open_folder(&path) {
        Ok(folder) if listener().is_some() => folder,
        Ok(_) | Err(Errno::ENOENT) => return Ok(Opened { socket: None }),
        Err(errno) => return Err(Error::system(format!("open {}", path.display()), errno)),
    };
    let path = door::of(&folder, SOCKET);
    let _ = fs::remove_file(&path);
    let socket = UnixDatagram::bind(&path).map_err(io_failed("listen at", &path))?;
    // Whoever the container's users are outside.
    fs::set_permissions(&path, Permissions::from_mode(0o777)).map_err(io_failed("change", &path))?;
    Ok(Opened { socket: Some(SOCKETS.keep(socket)) })
}

/// `notify.pass`: waits until the container is ready, which `$NOTIFY_SOCKET` is told then, or has ended.
///
/// # Errors
/// [`Error::System`] where memory is short.
pub(crate) fn pass(Asked { socket, process }: &Asked) -> Result<Done, Error> {
    let Some(socket) = SOCKETS.take(*socket) else { return Ok(Done {}) };
    let Ok(pidfd) = open_pidfd(process.pid) else { return Ok(Done {}) };
    let mut message = [0; MOST_BYTES];
    loop {
        let [has_message, _] = wait_for_any([Some(readable(&*socket)), Some(readable(&pidfd))], None)?;
        if has_message {
            let length = socket.recv(&mut message).unwrap_or(0);
            let said = message.get(..length).unwrap_or_default();
            if said.split(|byte| *byte == b'\n').any(|line| line == READY) {
                tell(process.pid);
                return Ok(Done {});
            }
        } else if !process.is_there() {
            return Ok(Done {});
        }
    }
}

fn listener() -> Option<OsString> {
    env::var_os("NOTIFY_SOCKET").filter(|name| name.as_bytes().starts_with(b"/") || name.as_bytes().starts_with(b"@"))
}

/// Nobody may listen any more, and is then not told.
fn tell(pid: i32) {
    let Some(name) = listener() else { return };
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        path => SocketAddr::from_pathname(OsStr::from_bytes(path)),
    };
    let text = format!("READY=1\nMAINPID={pid}\n");
    let _ = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address));
}
