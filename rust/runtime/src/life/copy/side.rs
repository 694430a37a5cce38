//! One side of a copy: the host's files, or a container's root.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::NixPath;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use serde::Deserialize;

use super::ids::Ids;
use crate::error::Error;
use crate::in_root;
use crate::launch::overlay::{self, Folders};
use crate::launch::wait::open_pidfd;
use crate::life::files::{LARGEST_CONFIG, read_regular};
use crate::life::process::Process;
use crate::plan::has_user_namespace;
use crate::poll::{readable, wait_for_any};
use crate::spec::Spec;

/// A path, and whose it is.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    pub(super) path: String,
    /// Absent: the host's.
    container: Option<Container>,
}

/// A container, as far as its files go.
#[derive(Deserialize)]
pub(super) struct Container {
    id: String,
    /// Its process; absent: it has ended.
    process: Option<Process>,
    /// Where it is kept.
    folder: PathBuf,
    /// Where relative paths of its configuration start.
    bundle: PathBuf,
}

/// One side of a copy.
pub(super) struct Side {
    container: Option<Root>,
}

struct Root {
    id: String,
    folder: OwnedFd,
    ids: Option<Ids>,
}

const FOLDER: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Side {
    /// Opens a container's root.
    ///
    /// # Errors
    /// [`Error::System`] where it is not there: `ESRCH` where its process has ended meanwhile; `EROFS` where it `is_target`
    /// and is kept from being written to.
    pub(super) fn of(asked: &Asked, is_target: bool) -> Result<Self, Error> {
        let open = |container: &Container| match container.process {
            Some(process) => container.open_live(process),
            None => container.open_ended(is_target),
        };
        Ok(Self { container: asked.container.as_ref().map(open).transpose()? })
    }

    /// Opens a path of this side's.
    ///
    /// # Errors
    /// As openat2(2).
    pub(super) fn open<P: NixPath + ?Sized>(&self, path: &P, flags: OFlag) -> Result<OwnedFd, Errno> {
        match &self.container {
            Some(root) => in_root::open(&root.folder, path, flags),
            None => open(path, flags | OFlag::O_CLOEXEC, Mode::empty()),
        }
    }

    /// A path as messages have it.
    pub(super) fn shown(&self, path: &str) -> String {
        self.container.as_ref().map_or_else(|| path.into(), |root| format!("{}:{path}", root.id))
    }

    /// Who owns what is made here, where that is not whoever makes it.
    pub(super) fn creator(&self) -> Option<(u32, u32)> {
        self.ids().map(Ids::root)
    }

    pub(super) fn ids(&self) -> Option<&Ids> {
        self.container.as_ref()?.ids.as_ref()
    }

    pub(super) fn is_containers(&self) -> bool {
        self.container.is_some()
    }
}

impl Container {
    /// The root of its process, with all that is mounted there.
    fn open_live(&self, process: Process) -> Result<Root, Error> {
        let failed = |errno| Error::system(format!("open the root filesystem of {:?}", self.id), errno);
        let pidfd = open_pidfd(process.pid)?;
        if !process.is_there() {
            return Err(failed(Errno::ESRCH));
        }
        let folder = open(format!("/proc/{}/root", process.pid).as_str(), FOLDER, Mode::empty()).map_err(failed)?;
        let ids = Ids::of_process(process.pid);
        // The number was this process's for as long as it has not ended.
        if let [true] = wait_for_any([Some(readable(&pidfd))], Some(Duration::ZERO))? {
            return Err(failed(Errno::ESRCH));
        }
        Ok(Root { id: self.id.clone(), folder, ids })
    }

    /// Its root filesystem, as far as that is kept: without what is mounted in it.
    fn open_ended(&self, is_target: bool) -> Result<Root, Error> {
        let spec = Spec::parse(read_regular(&self.folder.join("config.json"), LARGEST_CONFIG)?.as_bytes())?;
        let failed = |errno| Error::system(format!("open the root filesystem of {:?}", self.id), errno);
        let root = spec.root.as_ref().ok_or_else(|| failed(Errno::ENOENT))?;
        if is_target && root.readonly {
            return Err(failed(Errno::EROFS));
        }
        let ids = has_user_namespace(&spec)
            .then(|| Ids { uids: spec.linux.uid_mappings.clone(), gids: spec.linux.gid_mappings.clone() });
        let lower = open(&self.bundle.join(&root.path), FOLDER, Mode::empty()).map_err(failed)?;
        let layer = spec.minicontainer.overlay.as_ref().map(|overlay| overlay.folder.as_deref());
        let folder = match layer {
            None => lower,
            Some(None) => {
                let why = "its overlay was in memory, and is gone with it: --container-dir keeps one";
                return Err(Error::refused(format!("open the root filesystem of {:?}", self.id), Errno::ENOENT, why));
            }
            Some(Some(layer)) => {
                let layer = open(&self.bundle.join(layer), FOLDER, Mode::empty()).map_err(failed)?;
                let (upper, work) = (layer_of(&layer, "upper").map_err(failed)?, layer_of(&layer, "work"));
                let folders = Folders { lower, upper, work: work.map_err(failed)? };
                overlay::mount(&folders, has_user_namespace(&spec))
                    .map_err(|errno| Error::system(format!("mount the overlay of {:?}", self.id), errno))?
            }
        };
        Ok(Root { id: self.id.clone(), folder, ids })
    }
}

/// A folder of an overlay's layer: no link, which would make another folder of the host's the layer.
pub(in crate::life) fn layer_of(layer: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
    openat2(layer, Path::new(name), OpenHow::new().flags(FOLDER).resolve(resolve))
}

/// A path by which a descriptor is opened anew: of what it is open for already, and of nothing else.
pub(super) fn again(file: &OwnedFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}
