//! The root filesystem of a container that is there, or of what was kept of one that has ended.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, open, openat2};
use nix::sys::stat::Mode;
use serde::Deserialize;

use super::files::{LARGEST_CONFIG, read_regular};
use super::ids::Ids;
use super::process::Process;
use crate::error::Error;
use crate::launch::overlay::{self, Folders};
use crate::launch::wait::open_pidfd;
use crate::layers::Layers;
use crate::plan::has_user_namespace;
use crate::poll::{readable, wait_for_any};
use crate::spec::Spec;

/// A container, as far as its files go.
#[derive(Deserialize)]
pub(super) struct Container {
    pub(super) id: String,
    /// Its process; absent: it has ended.
    pub(super) process: Option<Process>,
    /// Where it is kept.
    folder: PathBuf,
    /// Where relative paths of its configuration start.
    bundle: PathBuf,
}

/// A root that is open.
pub(super) struct Root {
    pub(super) folder: OwnedFd,
    /// Those of its user namespace, where it has one.
    pub(super) ids: Option<Ids>,
}

const FOLDER: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);

impl Container {
    /// Opens its root.
    ///
    /// # Errors
    /// [`Error::System`] where it is not there: `ESRCH` where its process has ended meanwhile; `EROFS` where it is kept from
    /// being written to, and `is_written`.
    pub(super) fn open(&self, is_written: bool) -> Result<Root, Error> {
        match self.process {
            Some(process) => self.open_live(process),
            None => self.open_ended(is_written),
        }
    }

    /// Its configuration.
    ///
    /// # Errors
    /// [`Error::System`] where it cannot be read.
    pub(super) fn config(&self) -> Result<Spec, Error> {
        Spec::parse(read_regular(&self.folder.join("config.json"), LARGEST_CONFIG)?.as_bytes())
    }

    /// The root of its process, with all that is mounted there.
    fn open_live(&self, process: Process) -> Result<Root, Error> {
        let failed = self.failed();
        let pidfd = open_pidfd(process.pid)?;
        if !process.is_there() {
            return Err(failed(Errno::ESRCH));
        }
        let folder = open(format!("/proc/{}/root", process.pid).as_str(), FOLDER, Mode::empty()).map_err(&failed)?;
        let ids = Ids::of_process(process.pid);
        // The number was this process's for as long as it has not ended.
        if let [true] = wait_for_any([Some(readable(&pidfd))], Some(Duration::ZERO))? {
            return Err(failed(Errno::ESRCH));
        }
        Ok(Root { folder, ids })
    }

    /// Its root filesystem, as far as that is kept: without what is mounted in it.
    fn open_ended(&self, is_written: bool) -> Result<Root, Error> {
        let spec = self.config()?;
        let failed = self.failed();
        if is_written && spec.root.as_ref().is_some_and(|root| root.readonly) {
            return Err(failed(Errno::EROFS));
        }
        let has_ids = has_user_namespace(&spec);
        let ids = has_ids.then(|| Ids { uids: spec.linux.uid_mappings.clone(), gids: spec.linux.gid_mappings.clone() });
        let folder = if spec.minicontainer.overlay.is_none() {
            self.below_overlay(&spec)?
        } else {
            let Layers { upper, lower } = self.layers(&spec)?.ok_or_else(|| self.is_gone())?;
            let work = self.layer(&spec, "work")?.ok_or_else(|| self.is_gone())?;
            overlay::mount(&Folders { lower, upper, work }, has_ids)
                .map_err(|errno| Error::system(format!("mount the overlay of {:?}", self.id), errno))?
        };
        Ok(Root { folder, ids })
    }

    /// The folder that its root was made from.
    ///
    /// # Errors
    /// [`Error::System`] where it is not there any more.
    pub(super) fn below_overlay(&self, spec: &Spec) -> Result<OwnedFd, Error> {
        let path = spec.root.as_ref().map(|root| self.bundle.join(&root.path)).ok_or(Errno::ENOENT);
        path.and_then(|path| open(&path, FOLDER, Mode::empty())).map_err(self.failed())
    }

    /// The layers of its overlay; none where they are in memory.
    ///
    /// # Errors
    /// As [`Self::below_overlay`].
    pub(super) fn layers(&self, spec: &Spec) -> Result<Option<Layers>, Error> {
        let Some(upper) = self.layer(spec, "upper")? else { return Ok(None) };
        Ok(Some(Layers { upper, lower: self.below_overlay(spec)? }))
    }

    /// That what was written went with it.
    pub(super) fn is_gone(&self) -> Error {
        let why = "its overlay was in memory, and is gone with it: --container-dir keeps one";
        Error::refused(format!("open the root filesystem of {:?}", self.id), Errno::ENOENT, why)
    }

    /// A folder of its overlay's layer, where that is in one: through no link, which would make any folder of the host's the
    /// layer.
    fn layer(&self, spec: &Spec, name: &str) -> Result<Option<OwnedFd>, Error> {
        let Some(folder) = spec.minicontainer.overlay.as_ref().and_then(|overlay| overlay.folder.as_ref()) else {
            return Ok(None);
        };
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS;
        let opened = open(&self.bundle.join(folder), FOLDER, Mode::empty())
            .and_then(|folder| openat2(folder, Path::new(name), OpenHow::new().flags(FOLDER).resolve(resolve)));
        opened.map(Some).map_err(self.failed())
    }

    fn failed(&self) -> impl Fn(Errno) -> Error + use<> {
        let operation = format!("open the root filesystem of {:?}", self.id);
        move |errno| Error::system(operation.clone(), errno)
    }
}
