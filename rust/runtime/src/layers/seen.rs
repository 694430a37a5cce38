//! What was changed in an overlay whose upper layer nobody can reach, for it is in memory: by what is seen in the overlay
//! beside the folder below it.
//!
//! What was not written to shows what the lower layer has, its ctime too. What was, and each folder above it, was copied up
//! first: that is another file, whose ctime is of that moment, and cannot be set. So a folder that is the same needs no
//! look into it.

use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::libc;
use nix::sys::stat::{FileStat, fstat};

use super::told::{Changes, Kind};
use super::{kind_of, names_in, open_below, status_of};

/// An overlay that is mounted, and its lower layer.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The root of the overlay.
    pub(crate) merged: OwnedFd,
    /// What was there before.
    pub(crate) lower: OwnedFd,
}

impl Seen {
    /// All that was changed, in the order of the paths; what is changed meanwhile may be among it or not.
    pub(crate) fn changes(&self) -> Changes {
        let mut found = Changes::default();
        let mut waiting = vec![PathBuf::new()];
        while let Some(folder) = waiting.pop() {
            match self.look_into(&folder, &mut found, &mut waiting) {
                // It was removed while we looked.
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => found.miss(&folder, errno),
            }
            if found.is_full() {
                break;
            }
        }
        found.sort();
        found
    }

    fn look_into(&self, folder: &Path, found: &mut Changes, waiting: &mut Vec<PathBuf>) -> Result<(), Errno> {
        let readable = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let merged = open_below(&self.merged, folder, readable)?;
        let lower = open_below(&self.lower, folder, readable).ok();
        let names = names_in(&merged)?;
        for name in &names {
            let path = folder.join(OsStr::from_bytes(name.to_bytes()));
            let before = lower.as_ref().and_then(|lower| status_of(lower, name).ok());
            let now = match open_below(
                &merged,
                Path::new(OsStr::from_bytes(name.to_bytes())),
                OFlag::O_PATH | OFlag::O_NOFOLLOW,
            ) {
                Ok(file) => Some(fstat(&file)?),
                Err(Errno::ENOENT) => continue,
                // Something is mounted on it: what is below that is seen by nobody.
                Err(Errno::EXDEV) => None,
                Err(errno) => return Err(errno),
            };
            let kind = match (&before, &now) {
                (None, _) => Kind::Added,
                (Some(before), Some(now)) if !is_same(before, now) => Kind::Changed,
                _ => continue,
            };
            found.add(&path, kind);
            if now.is_some_and(|now| kind_of(&now) == libc::S_IFDIR) {
                waiting.push(path);
            }
            if found.is_full() {
                return Ok(());
            }
        }
        let there: HashSet<&CString> = names.iter().collect();
        let before = lower.map(|lower| names_in(&lower)).transpose()?.unwrap_or_default();
        for name in before.iter().filter(|name| !there.contains(name)) {
            found.add(&folder.join(OsStr::from_bytes(name.to_bytes())), Kind::Deleted);
        }
        Ok(())
    }
}

fn is_same(before: &FileStat, now: &FileStat) -> bool {
    let of = |status: &FileStat| (status.st_ctime, status.st_ctime_nsec, status.st_mode);
    of(before) == of(now)
}
