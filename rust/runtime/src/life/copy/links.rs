//! Files that have several names in what is copied: so does the copy.
//!
//! No descriptor is kept for a further name that may never come, as whoever made the source has many such files, but where
//! the copy is: there it is opened again, below the folder that all goes into, and linked if it is what was made. Whatever
//! was swapped for it meanwhile, or is refused, the file is copied once more.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
use nix::sys::stat::{FileStat, fstat};
use nix::unistd::linkat;

use super::Source;
use super::side::again;
use super::tree::{identity, in_the_place_of};
use crate::in_root;

/// The copies of files with further names, by what these are on the source's side.
#[derive(Default)]
pub(super) struct Links {
    copies: HashMap<(u64, u64), Made>,
}

/// A copy.
struct Made {
    /// Where, in the folder that all goes into.
    path: PathBuf,
    identity: (u64, u64),
    /// How many names are still to come at most.
    names_left: u64,
}

impl Links {
    /// Notes a copy down, which may get further names.
    pub(super) fn note(&mut self, source: &Source, path: &Path, copy: &FileStat) {
        let names_left = source.status.st_nlink.saturating_sub(1);
        if names_left > 0 {
            let made = Made { path: path.into(), identity: identity(copy), names_left };
            self.copies.insert(identity(&source.status), made);
        }
    }

    /// Gives the copy of a file a further name in a folder below `top`; whether there is a copy, and it has got the name.
    pub(super) fn give(&mut self, source: &Source, top: &OwnedFd, folder: &OwnedFd, name: &OsStr) -> bool {
        let key = identity(&source.status);
        let Some(made) = self.copies.get_mut(&key) else { return false };
        made.names_left -= 1;
        let is_given = made.link(top, folder, name).is_ok();
        if !is_given || made.names_left == 0 {
            self.copies.remove(&key);
        }
        is_given
    }
}

impl Made {
    fn link(&self, top: &OwnedFd, folder: &OwnedFd, name: &OsStr) -> Result<(), Errno> {
        let file = in_root::open(top, &self.path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?;
        if identity(&fstat(&file)?) != self.identity {
            return Err(Errno::ESTALE);
        }
        in_the_place_of(folder, name, || linkat(AT_FDCWD, &again(&file), folder, name, AtFlags::AT_SYMLINK_FOLLOW))
    }
}
