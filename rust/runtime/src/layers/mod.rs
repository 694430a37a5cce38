//! What was changed in a container's overlay: its upper layer, looked at beside the folder below it.
//!
//! Both are somebody else's: their folders are opened one by one beneath the descriptors that the child has sent, through
//! no link and into no other mount, and no file is opened but what a mark is looked for on. Source: Linux's
//! Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".

mod seen;
#[cfg(test)]
mod tests;
mod told;

use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, openat2};
use nix::libc;
use nix::sys::stat::{FileStat, Mode, fstatat};

use crate::launch::xattr;
pub(crate) use seen::Seen;
pub(crate) use told::Changes;
use told::Kind;

/// The two layers of an overlay.
#[derive(Debug)]
pub struct Layers {
    /// What was written.
    pub upper: OwnedFd,
    /// What was there before.
    pub lower: OwnedFd,
}

/// Overlayfs' marks, by who mounted it: root, and in a user namespace whoever owns the files.
const OPAQUE: [&CStr; 2] = [c"trusted.overlay.opaque", c"user.overlay.opaque"];
const WHITEOUT: [&CStr; 2] = [c"trusted.overlay.whiteout", c"user.overlay.whiteout"];

/// A folder of the upper layer that is to be looked into.
struct Waiting {
    path: PathBuf,
    /// Whether one above it hides what is below it in the lower layer.
    is_hiding: bool,
}

impl Layers {
    /// All that was changed, in the order of the paths.
    pub(crate) fn changes(&self) -> Changes {
        let mut found = Changes::default();
        let mut waiting = vec![Waiting { path: PathBuf::new(), is_hiding: false }];
        // No recursion: the program chose how deep it goes.
        while let Some(folder) = waiting.pop() {
            if let Err(errno) = self.look_into(&folder, &mut found, &mut waiting) {
                found.miss(&folder.path, errno);
            }
            if found.is_full() {
                break;
            }
        }
        found.sort();
        found
    }

    fn look_into(&self, folder: &Waiting, found: &mut Changes, waiting: &mut Vec<Waiting>) -> Result<(), Errno> {
        let readable = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let upper = open_below(&self.upper, &folder.path, readable)?;
        let lower = open_below(&self.lower, &folder.path, OFlag::O_PATH | OFlag::O_DIRECTORY).ok();
        let is_opaque = has(&upper, OPAQUE, b'y');
        // Whiteouts that are files stand in folders with this mark alone.
        let has_marked_files = has(&upper, OPAQUE, b'x');
        let is_hiding = folder.is_hiding || is_opaque;
        let names = names_in(&upper)?;
        for name in &names {
            let path = folder.path.join(OsStr::from_bytes(name.to_bytes()));
            let status = status_of(&upper, name)?;
            let was_there = lower.as_ref().is_some_and(|lower| status_of(lower, name).is_ok());
            if is_whiteout(&status) || has_marked_files && is_marked(&upper, name, &status) {
                found.add(&path, Kind::Deleted);
                continue;
            }
            found.add(&path, if was_there { Kind::Changed } else { Kind::Added });
            if kind_of(&status) == libc::S_IFDIR {
                waiting.push(Waiting { path, is_hiding });
            }
            if found.is_full() {
                return Ok(());
            }
        }
        if is_hiding {
            // What is hidden all at once has no whiteouts.
            let there: HashSet<&CString> = names.iter().collect();
            let hidden = open_below(&self.lower, &folder.path, readable).and_then(|lower| names_in(&lower));
            for name in hidden.unwrap_or_default().iter().filter(|name| !there.contains(name)) {
                found.add(&folder.path.join(OsStr::from_bytes(name.to_bytes())), Kind::Deleted);
            }
        }
        Ok(())
    }
}

/// A folder below another, neither through a link nor in another mount.
fn open_below(folder: &OwnedFd, path: &Path, flags: OFlag) -> Result<OwnedFd, Errno> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    openat2(folder, path, OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve))
}

fn names_in(folder: &OwnedFd) -> Result<Vec<CString>, Errno> {
    // A description of its own: reading moves on in it.
    let mut folder = Dir::openat(folder, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let names = folder.iter().map(|entry| entry.map(|entry| entry.file_name().to_owned()));
    let is_own =
        |name: &Result<CString, Errno>| name.as_ref().is_ok_and(|name| matches!(name.to_bytes(), b"." | b".."));
    names.filter(|name| !is_own(name)).collect()
}

fn status_of(folder: &OwnedFd, name: &CStr) -> Result<FileStat, Errno> {
    fstatat(folder, name, AtFlags::AT_SYMLINK_NOFOLLOW)
}

fn kind_of(status: &FileStat) -> libc::mode_t {
    status.st_mode & libc::S_IFMT
}

/// A character device that no driver has.
fn is_whiteout(status: &FileStat) -> bool {
    kind_of(status) == libc::S_IFCHR && status.st_rdev == 0
}

/// An empty file with the mark of a whiteout.
fn is_marked(folder: &OwnedFd, name: &CStr, status: &FileStat) -> bool {
    if kind_of(status) != libc::S_IFREG || status.st_size != 0 {
        return false;
    }
    let name = OsString::from_vec(name.to_bytes().to_vec());
    open_below(folder, Path::new(&name), OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)
        .is_ok_and(|file| WHITEOUT.iter().any(|mark| xattr::first_byte(&file, mark).is_some()))
}

fn has(file: impl AsFd, marks: [&CStr; 2], value: u8) -> bool {
    marks.iter().any(|mark| xattr::first_byte(&file, mark) == Some(value))
}
