//! Mounts that are made here, where they can be made, and moved to their places by the child.

use std::ffi::CStr;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

use crate::error::Error;
use crate::plan::Tree;

/// Why others are refused.
pub(super) const ROOT_ALONE: &str = "mounts show other ids only where the host's root makes them: leave idmap away";

/// `MOUNT_ATTR_IDMAP`, mount_setattr(2).
const IDMAP: u64 = libc::MOUNT_ATTR_IDMAP;

/// A copy of what is mounted at a path, which shows the ids of a user namespace, where one is given.
pub(super) fn make(tree: &Tree, ids: Option<BorrowedFd<'_>>) -> Result<OwnedFd, Error> {
    let named = tree.source.to_string_lossy();
    let mount = open_tree(&tree.source, tree.recursive)
        .map_err(|errno| advised(Error::system(format!("take a copy of the mount at {named:?}"), errno), errno))?;
    if tree.propagation != 0 {
        set(&mount, 0, tree.propagation, 0, true)
            .map_err(|errno| Error::system(format!("set the propagation of {named:?}"), errno))?;
    }
    if let Some(ids) = ids {
        let ids = u64::from(ids.as_raw_fd().unsigned_abs());
        set(&mount, IDMAP, 0, ids, tree.maps_all).map_err(|errno| {
            advised(Error::system(format!("have the mount of {named:?} show other ids"), errno), errno)
        })?;
    }
    Ok(mount)
}

fn advised(error: Error, errno: Errno) -> Error {
    match errno {
        Errno::EPERM => error.with_advice(ROOT_ALONE),
        Errno::EINVAL => error.with_advice("its filesystem has no mounts with other ids, or it has some already"),
        _ => error,
    }
}

/// `int open_tree(int dirfd, const char *path, unsigned int flags)`, open_tree(2), since Linux 5.2.
fn open_tree(path: &CStr, recursive: bool) -> Result<OwnedFd, Errno> {
    let recursive = if recursive { libc::AT_RECURSIVE } else { 0 };
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | recursive.unsigned_abs();
    // SAFETY: a C string and numbers.
    let number = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    let number = i32::try_from(Errno::result(number)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// `int mount_setattr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr, size_t size)`,
/// mount_setattr(2), since Linux 5.12.
fn set(mount: &OwnedFd, attr_set: u64, propagation: u64, userns_fd: u64, recursive: bool) -> Result<(), Errno> {
    let attributes = libc::mount_attr { attr_set, attr_clr: 0, propagation, userns_fd };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: an empty C string, and a structure of this frame with its size.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attributes,
            size_of_val(&attributes),
        )
    };
    Errno::result(result).map(drop)
}
