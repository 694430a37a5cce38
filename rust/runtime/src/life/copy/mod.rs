//! Copying between the host's files and a container's, or two containers'.
//!
//! The container may change what is copied at any moment. So its root is a descriptor, every path in it is resolved
//! there ([`crate::in_root`]), and from there on only names of one component are used, through no link: whatever is
//! swapped meanwhile, nothing outside of the root is read or written. What is copied is looked at before it is opened, by
//! the very descriptor that is opened then; devices, FIFOs and sockets never are. Of the target nothing is opened that
//! was not made by the copy, but a regular file that is written over where it cannot be replaced.

mod links;
mod side;
mod tree;

use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::thread;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{FileStat, SFlag, fstat};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::launch::creator::make_files_as;
use side::Side;
use tree::{Copier, must_not_be_the_kernels};

/// What is copied, and where to.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    from: side::Asked,
    to: side::Asked,
    /// A link is copied as what it leads to.
    #[serde(default)]
    follow_link: bool,
}

/// What was not copied of all that.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Copied {
    /// A sentence each, for the first of them.
    left_out: Vec<String>,
}

/// Where a copy goes.
enum Target {
    /// By this name in this folder.
    At(OwnedFd, OsString),
    /// What is in the source goes into this folder.
    Contents(OwnedFd),
    /// Over this file, which a link led to.
    Over(OwnedFd),
}

/// A file that was found, and neither opened nor followed.
struct Source {
    file: OwnedFd,
    status: FileStat,
}

/// `copy`: copies a file, a link, or a folder with all that is in it.
///
/// A target that is a folder gets the copy by the source's own name; the contents alone of a source that ends in `/.`.
/// What is there by that name is replaced, but no folder by a file, nor the other way round.
///
/// # Errors
/// [`Error::System`] with the path that could not be read or written; what was copied by then stays.
pub(crate) fn copy(asked: &Asked) -> Result<Copied, Error> {
    let (from, to) = (Side::of(&asked.from, false)?, Side::of(&asked.to, true)?);
    let Some((uid, gid)) = to.creator().filter(|_| geteuid().is_root()) else {
        return copy_between(asked, &from, &to);
    };
    let as_its_root = || {
        make_files_as(uid, gid).map_err(|errno| Error::system("make files as the container's root", errno))?;
        copy_between(asked, &from, &to)
    };
    // A thread of its own: whom it makes files as ends with it.
    thread::scope(|scope| scope.spawn(as_its_root).join())
        .unwrap_or_else(|_| Err(Error::Internal { message: "a copy panicked".into() }))
}

fn copy_between(asked: &Asked, from: &Side, to: &Side) -> Result<Copied, Error> {
    let source = find_source(from, &asked.from.path, asked.follow_link)?;
    let mut copier = Copier::new(from, to, asked);
    match find_target(to, &asked.to.path, &asked.from.path, &source)? {
        Target::At(folder, name) => copier.copy(&source, &folder, &name)?,
        Target::Contents(folder) => copier.copy_contents(&source, &folder)?,
        Target::Over(file) => copier.write_over(&source, &file)?,
    }
    Ok(Copied { left_out: copier.left_out })
}

fn find_source(from: &Side, path: &str, follow_link: bool) -> Result<Source, Error> {
    let failed = |errno| Error::system(format!("copy {:?}", from.shown(path)), errno);
    let follow = if follow_link { OFlag::empty() } else { OFlag::O_NOFOLLOW };
    let file = from.open(path, OFlag::O_PATH | follow).map_err(failed)?;
    let status = fstat(&file).map_err(failed)?;
    match kind_of(&status) {
        SFlag::S_IFREG | SFlag::S_IFDIR | SFlag::S_IFLNK => Ok(Source { file, status }),
        _ => Err(refusal("copy", from, path, IS_SPECIAL)),
    }
}

fn find_target(to: &Side, path: &str, source_path: &str, source: &Source) -> Result<Target, Error> {
    let failed = |errno| Error::system(format!("write {:?}", to.shown(path)), errno);
    let is_folder = kind_of(&source.status) == SFlag::S_IFDIR;
    let found = match to.open(path, OFlag::O_PATH) {
        Ok(found) => found,
        // It is to be made; of a file by this name, for which a folder that is missing is no place.
        Err(Errno::ENOENT) if is_folder || !names_a_folder(path) => {
            let (folder, name) = apart(path).ok_or_else(|| failed(Errno::ENOENT))?;
            let folder = to.open(folder, OFlag::O_PATH | OFlag::O_DIRECTORY).map_err(failed)?;
            must_not_be_the_kernels(to, &folder, path)?;
            return Ok(Target::At(folder, name.into()));
        }
        Err(errno) => return Err(failed(errno)),
    };
    must_not_be_the_kernels(to, &found, path)?;
    let status = fstat(&found).map_err(failed)?;
    if (status.st_dev, status.st_ino) == (source.status.st_dev, source.status.st_ino) {
        return Err(refusal("copy", to, path, (Errno::EEXIST, "it is where it is copied to")));
    }
    match (kind_of(&status), is_folder) {
        (SFlag::S_IFDIR, _) => match apart(source_path) {
            Some((_, name)) => Ok(Target::At(found, name.into())),
            None if is_folder => Ok(Target::Contents(found)),
            None => Err(failed(Errno::EISDIR)),
        },
        (_, true) => {
            Err(refusal("write", to, path, (Errno::ENOTDIR, "a folder cannot take the place of what is none")))
        }
        (SFlag::S_IFREG, false) => target_in_place(to, path, found).map_err(failed),
        _ => Err(refusal("write", to, path, IS_SPECIAL)),
    }
}

/// A file that is there is replaced; where a link led to it, what it leads to is written over.
fn target_in_place(to: &Side, path: &str, found: OwnedFd) -> Result<Target, Errno> {
    let is_link = kind_of(&fstat(to.open(path, OFlag::O_PATH | OFlag::O_NOFOLLOW)?)?) == SFlag::S_IFLNK;
    match apart(path).filter(|_| !is_link) {
        Some((folder, name)) => Ok(Target::At(to.open(folder, OFlag::O_PATH | OFlag::O_DIRECTORY)?, name.into())),
        None => Ok(Target::Over(found)),
    }
}

/// The folder that a path names a file in, and the file's name; none where it ends in no name, as `/`, `.` and `..` do.
fn apart(path: &str) -> Option<(&Path, &OsStr)> {
    let path = path.trim_end_matches('/');
    let (folder, name) = match path.rfind('/') {
        Some(0) => ("/", &path[1..]),
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (".", path),
    };
    (!matches!(name, "" | "." | "..")).then(|| (Path::new(folder), OsStr::from_bytes(name.as_bytes())))
}

/// Whether a path can be nothing but a folder's.
fn names_a_folder(path: &str) -> bool {
    path.ends_with('/') || apart(path).is_none()
}

fn kind_of(status: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(status.st_mode & SFlag::S_IFMT.bits())
}

fn refusal(what: &str, side: &Side, path: &str, (errno, why): (Errno, &str)) -> Error {
    Error::refused(format!("{what} {:?}", side.shown(path)), errno, why)
}

const IS_SPECIAL: (Errno, &str) = (Errno::EINVAL, "it is a device, a FIFO or a socket");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_apart_where_it_ends_in_a_name() {
        let apart = |path| apart(path).map(|(folder, name)| (folder.to_str().unwrap(), name.to_str().unwrap()));
        assert_eq!(apart("/a/b//"), Some(("/a", "b")));
        assert_eq!(apart("/a"), Some(("/", "a")));
        assert_eq!(apart("a"), Some((".", "a")));
        assert_eq!(apart("./a/.b"), Some(("./a", ".b")));
        for path in ["/", "", ".", "a/.", "a/..", "a/./"] {
            assert_eq!(apart(path), None, "{path:?}");
        }
    }
}
