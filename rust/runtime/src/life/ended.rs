//! How a container ended whose monitor has noted it down.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::door;
use super::files::read_regular;
use super::process::Process;
use super::store::{Place, open_folder};
use crate::error::Error;
use crate::launch::wait::open_pidfd;
use crate::poll::{readable, wait_for_any};

/// As `minicontainer_child`'s monitor names it.
const EXIT: &str = "exit";

/// It is a line; this is only against a foreign file.
const LARGEST_EXIT: u64 = 4096;

/// A monitor notes the end down within moments; one that was killed never does.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(1);

/// Which container, and its process as it was last seen.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    #[serde(flatten)]
    place: Place,
    process: Process,
    /// How long its end is waited for; absent: for ever.
    timeout_ms: Option<u64>,
}

/// Whether it has ended, and how.
#[derive(Serialize)]
pub(crate) struct Ended {
    ended: bool,
    /// What its monitor has noted down; absent: nothing.
    exit: Option<Box<RawValue>>,
}

/// `wait.end`: waits until a container's process has ended, and its monitor has noted that down, or is gone itself.
///
/// The folder is opened first: what stands in it can be read also when the container is removed at its end.
///
/// # Errors
/// [`Error::System`]: `ENOENT` where there is no such container.
pub(crate) fn wait(Asked { place, process, timeout_ms }: &Asked) -> Result<Ended, Error> {
    let path = place.path()?;
    let folder =
        open_folder(&path).map_err(|errno| Error::system(format!("open {:?}", path.to_string_lossy()), errno))?;
    let until = timeout_ms.map(|time| Instant::now() + Duration::from_millis(time));
    if process.is_there() {
        let pidfd = match open_pidfd(process.pid) {
            Ok(pidfd) => Some(pidfd),
            Err(Error::System { errno, .. }) if errno == Errno::ESRCH as i32 => None,
            Err(error) => return Err(error),
        };
        // The descriptor is that of the process that has the number now.
        while let Some(pidfd) = pidfd.as_ref().filter(|_| process.is_there()) {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if wait_for_any([Some(readable(pidfd))], left)? == [true] {
                break;
            }
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Ended { ended: false, exit: None });
            }
        }
    }
    let until = Instant::now() + PATIENCE;
    loop {
        // It writes first and is gone then, so it is looked for in the other order.
        let is_served = UnixStream::connect(door::of(&folder, "attach")).is_ok();
        let exit = of_folder(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())));
        if exit.is_some() || !is_served || Instant::now() > until {
            return Ok(Ended { ended: true, exit });
        }
        std::thread::sleep(PAUSE);
    }
}

/// What the monitor of the container in a folder has noted down.
pub(super) fn of_folder(folder: &Path) -> Option<Box<RawValue>> {
    let text = read_regular(&folder.join(EXIT), LARGEST_EXIT).ok()?;
    RawValue::from_string(text.trim_end().into()).ok()
}

/// Removes what the process before left in a container's folder, whose place another takes.
pub(super) fn clear(folder: &OwnedFd) {
    for name in [EXIT, "start", "attach"] {
        let _ = std::fs::remove_file(door::of(folder, name));
    }
}
