//! What a host is asked by trying: system calls in a row, in a child that ends afterwards, whatever came of them.

use crate::mounted::Attributes;
use crate::mounts::new_filesystem;
use crate::program::{CStrArray, CStrRef};
use crate::step::Failure;
use crate::sys::{self, Errno, Handle};

/// One thing that is tried. A call that opens something holds it for those behind it.
#[derive(Clone, Copy, Debug)]
pub enum Attempt<'p> {
    /// `unshare`.
    Unshare {
        /// `CLONE_NEW…`.
        flags: i32,
    },
    /// `setns` of a user namespace.
    Join {
        /// Its descriptor.
        namespace: i32,
    },
    /// `openat`, `write`, `close`: the whole text at once, as the kernel's files want it.
    Write {
        /// A file that is there.
        path: CStrRef<'p>,
        /// What is written.
        text: &'p [u8],
    },
    /// `openat` for reading: holds the file.
    Open {
        /// What is opened.
        path: CStrRef<'p>,
    },
    /// `mkdirat`.
    MakeFolder {
        /// The folder.
        path: CStrRef<'p>,
    },
    /// `chdir`.
    Chdir {
        /// The folder.
        path: CStrRef<'p>,
    },
    /// `mount`.
    Mount {
        /// The filesystem's type, which also names the source, or NULL.
        kind: CStrRef<'p>,
        /// Where.
        target: CStrRef<'p>,
        /// `MS_…`.
        flags: u64,
        /// The filesystem's options, or NULL.
        data: CStrRef<'p>,
    },
    /// `pivot_root(".", ".")`: the working folder becomes the root.
    PivotHere,
    /// `fsopen`, `fsconfig(FSCONFIG_CMD_CREATE)`, `fsmount`: holds a filesystem that is mounted nowhere.
    DetachedMount {
        /// The filesystem's type.
        kind: CStrRef<'p>,
    },
    /// `open_tree(OPEN_TREE_CLONE)`: holds a copy of a mount.
    CopyMount {
        /// The folder.
        path: CStrRef<'p>,
    },
    /// `move_mount` of what is held.
    MoveMount {
        /// Where to.
        target: CStrRef<'p>,
    },
    /// `mount_setattr(MOUNT_ATTR_RDONLY)` of what is held.
    MakeReadOnly,
    /// `mount_setattr(MOUNT_ATTR_IDMAP)` of what is held.
    MapIds {
        /// A descriptor of the user namespace that has the mapping.
        namespace: i32,
    },
}

/// Tries one after the other, and ends with the first that fails; what is held at the end, or -1.
///
/// Called in the child after `clone`, with every signal blocked.
///
/// # Errors
/// Which one failed, and how.
pub fn attempt(attempts: &[Attempt<'_>]) -> Result<i32, Failure> {
    let mut held = None;
    let mut step = 0;
    for attempt in attempts {
        match take(*attempt, held.as_ref()) {
            Ok(opened) => held = opened.or(held),
            Err(Errno(errno)) => return Err(Failure { step, errno }),
        }
        step = step.saturating_add(1);
    }
    Ok(held.map_or(-1, Handle::keep))
}

/// Does one; the descriptor that it opened, if it opens one.
fn take(attempt: Attempt<'_>, held: Option<&Handle>) -> Result<Option<Handle>, Errno> {
    let held = || held.ok_or(Errno(libc::EBADF));
    let change = |set, user_namespace| Attributes { set, user_namespace, ..Attributes::default() };
    match attempt {
        Attempt::Open { path } => return sys::open(path, libc::O_RDONLY).map(Some),
        Attempt::DetachedMount { kind } => {
            return new_filesystem(kind, CStrRef::EMPTY, CStrArray::EMPTY, 0).map(Some);
        }
        Attempt::CopyMount { path } => {
            return sys::open_tree(sys::open(path, libc::O_PATH)?.number(), CStrRef::EMPTY, false).map(Some);
        }
        Attempt::Unshare { flags } => sys::unshare(flags)?,
        Attempt::Join { namespace } => sys::setns(namespace, libc::CLONE_NEWUSER)?,
        Attempt::Write { path, text } => sys::write_all(&sys::open(path, libc::O_WRONLY)?, text)?,
        Attempt::MakeFolder { path } => sys::mkdirat(sys::HERE, path, 0o755)?,
        Attempt::Chdir { path } => sys::chdir(path)?,
        Attempt::Mount { kind, target, flags, data } => sys::mount_at(kind, target, kind, flags, data)?,
        Attempt::PivotHere => sys::pivot_root_here()?,
        Attempt::MoveMount { target } => sys::move_mount(held()?, sys::open(target, libc::O_PATH)?.number())?,
        Attempt::MakeReadOnly => sys::mount_setattr(held()?.number(), change(libc::MOUNT_ATTR_RDONLY, 0), false)?,
        Attempt::MapIds { namespace } => {
            sys::mount_setattr(held()?.number(), change(libc::MOUNT_ATTR_IDMAP, namespace), false)?;
        }
    }
    Ok(None)
}
