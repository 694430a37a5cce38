//! What a host is asked by trying: system calls in a row, in a child that ends afterwards, whatever came of them.

use crate::step::{CStrRef, Failure};
use crate::sys::{self, Errno};

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
    let mut held = -1;
    let mut step = 0;
    for attempt in attempts {
        match take(*attempt, held) {
            Ok(opened) => held = opened.unwrap_or(held),
            Err(Errno(errno)) => return Err(Failure { step, errno }),
        }
        step = step.saturating_add(1);
    }
    Ok(held)
}

/// Does one; the descriptor that it opened, if it opens one.
fn take(attempt: Attempt<'_>, held: i32) -> Result<Option<i32>, Errno> {
    match attempt {
        Attempt::Open { path } => return sys::open_for_reading(path).map(Some),
        Attempt::DetachedMount { kind } => return sys::detached_mount(kind).map(Some),
        Attempt::CopyMount { path } => return sys::copy_mount(path).map(Some),
        Attempt::Unshare { flags } => sys::try_unshare(flags)?,
        Attempt::Join { namespace } => sys::join_user_namespace(namespace)?,
        Attempt::Write { path, text } => sys::write_file(path, text)?,
        Attempt::MakeFolder { path } => sys::make_folder(path)?,
        Attempt::Chdir { path } => sys::chdir(path)?,
        Attempt::Mount { kind, target, flags, data } => sys::try_mount(kind, target, flags, data)?,
        Attempt::PivotHere => sys::pivot_here()?,
        Attempt::MoveMount { target } => sys::attach_mount(held, target)?,
        Attempt::MakeReadOnly => sys::set_mount_attributes(held, sys::MOUNT_ATTR_RDONLY, 0)?,
        Attempt::MapIds { namespace } => sys::set_mount_attributes(held, sys::MOUNT_ATTR_IDMAP, namespace)?,
    }
    Ok(None)
}
