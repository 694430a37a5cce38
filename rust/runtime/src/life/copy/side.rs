//! One side of a copy: the host's files, or a container's root.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use serde::Deserialize;

use crate::error::Error;
use crate::in_root;
use crate::life::ids::Ids;
use crate::life::root::{Container, Root};

/// A path, and whose it is.
#[derive(Deserialize)]
pub(super) struct Asked {
    pub(super) path: String,
    /// Absent: the host's.
    container: Option<Container>,
}

/// One side of a copy.
pub(super) struct Side {
    container: Option<(String, Root)>,
}

impl Side {
    /// Opens a container's root.
    ///
    /// # Errors
    /// As [`Container::open`].
    pub(super) fn of(asked: &Asked, is_target: bool) -> Result<Self, Error> {
        let open = |container: &Container| Ok((container.id.clone(), container.open(is_target)?));
        Ok(Self { container: asked.container.as_ref().map(open).transpose()? })
    }

    /// Opens a path of this side's.
    ///
    /// # Errors
    /// As openat2(2).
    pub(super) fn open<P: NixPath + ?Sized>(&self, path: &P, flags: OFlag) -> Result<OwnedFd, Errno> {
        match &self.container {
            Some((_, root)) => in_root::open(&root.folder, path, flags),
            None => open(path, flags | OFlag::O_CLOEXEC, Mode::empty()),
        }
    }

    /// A path as messages have it.
    pub(super) fn shown(&self, path: &str) -> String {
        self.container.as_ref().map_or_else(|| path.into(), |(id, _)| format!("{id}:{path}"))
    }

    /// Who owns what is made here, where that is not whoever makes it.
    pub(super) fn creator(&self) -> Option<(u32, u32)> {
        self.ids().map(Ids::root)
    }

    pub(super) fn ids(&self) -> Option<&Ids> {
        self.container.as_ref()?.1.ids.as_ref()
    }

    pub(super) fn is_containers(&self) -> bool {
        self.container.is_some()
    }
}

/// A path by which a descriptor is opened anew: of what it is open for already, and of nothing else.
pub(super) fn again(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
