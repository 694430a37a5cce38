//! What is mounted: as the steps of a plan name it.

use crate::table::{Fd, List, Place, Str};

/// What `mount_setattr(2)` changes of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `MOUNT_ATTR_…` to set.
    pub set: u64,
    /// `MOUNT_ATTR_…` to clear.
    pub clear: u64,
    /// `MS_PRIVATE`, `MS_SHARED`, `MS_SLAVE` or `MS_UNBINDABLE`; 0: as it is.
    pub propagation: u64,
    /// With `MOUNT_ATTR_IDMAP` a descriptor of the user namespace.
    pub user_namespace: i32,
}

impl Attributes {
    /// Whether nothing changes.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.set == 0 && self.clear == 0 && self.propagation == 0
    }
}

/// A filesystem that is made and mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filesystem {
    /// Its type, as in `/proc/filesystems`.
    pub kind: Str,
    /// Where it comes from.
    pub source: Str,
    /// For fsconfig: names and values in turn; an empty value is a flag.
    pub options: List,
    /// For mount(2): the same, with commas.
    pub data: Str,
    /// `MOUNT_ATTR_…` for fsmount.
    pub attributes: u64,
    /// `MS_…` for mount(2).
    pub flags: u64,
    /// `MS_PRIVATE`, … of the mount; 0: as the parent's.
    pub propagation: u64,
    /// Where it is mounted.
    pub place: Place,
    /// Whether it begins with a copy of what it hides: `tmpcopyup`.
    pub copies_up: bool,
    /// Whether no link may stand on the way: procfs and sysfs, which later writes go to, and `/dev`.
    pub refuses_links: bool,
}

/// A part of the host's files that is mounted in the container's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind {
    /// What is bound, by a path of the host's, or by the name of a file in the stage.
    pub source: Str,
    /// Whether `source` is in the stage.
    pub is_staged: bool,
    /// With all that is mounted below it.
    pub recursive: bool,
    /// What changes for the mount itself.
    pub attributes: Attributes,
    /// What changes for it and all below it.
    pub all_attributes: Attributes,
    /// The mount itself, where the parent has made it.
    pub tree: Option<Fd>,
    /// A user namespace whose ids the files show, opened by the parent.
    pub ids_of: Option<Fd>,
    /// `MS_…` for mount(2).
    pub flags: u64,
    /// Where it is mounted.
    pub place: Place,
}
