//! Paths of a root filesystem that somebody else has made, and may change meanwhile: each is resolved in the root to a
//! descriptor, whatever its links and `..` say, and nothing is done by its name.

use std::os::fd::{AsFd, OwnedFd};

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

/// The kernel asks for another try where something above was renamed while it looked; so often, it is no accident.
const TRIES: u32 = 32;

/// Opens what is at `path` in the folder `root`, which is `/` to every link: openat2(2).
///
/// # Errors
/// As openat2(2): `ELOOP` where the path leads through one of procfs' links, `EAGAIN` where somebody keeps on renaming.
pub(crate) fn open<P: NixPath + ?Sized>(root: impl AsFd, path: &P, flags: OFlag) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
    let mut last = Errno::EAGAIN;
    for _ in 0..TRIES {
        match openat2(root.as_fd(), path, how) {
            Err(errno @ (Errno::EAGAIN | Errno::EINTR)) => last = errno,
            answer => return answer,
        }
    }
    Err(last)
}
