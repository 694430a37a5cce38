//! Landlock, landlock(7), since Linux 5.13.

use super::file::{Handle, handle};
use super::{Errno, address, done, syscall, word};

/// `LANDLOCK_ACCESS_FS_EXECUTE`.
pub(crate) const LANDLOCK_EXECUTE: u64 = 1;
/// `LANDLOCK_ACCESS_FS_WRITE_FILE`.
pub(crate) const LANDLOCK_WRITE_FILE: u64 = 1 << 1;
/// `LANDLOCK_ACCESS_FS_READ_FILE`.
pub(crate) const LANDLOCK_READ_FILE: u64 = 1 << 2;
/// `LANDLOCK_ACCESS_FS_TRUNCATE`, third version.
pub(crate) const LANDLOCK_TRUNCATE: u64 = 1 << 14;
/// `LANDLOCK_ACCESS_FS_IOCTL_DEV`, fifth version.
pub(crate) const LANDLOCK_IOCTL_DEV: u64 = 1 << 15;

/// `LANDLOCK_RULE_PATH_BENEATH`.
const PATH_BENEATH: usize = 1;

/// `struct landlock_path_beneath_attr`, which the kernel has packed.
#[repr(C, packed)]
struct PathBeneath {
    allowed_access: u64,
    parent_fd: i32,
}

/// `int landlock_create_ruleset(const struct landlock_ruleset_attr *attr, size_t size, 0)`: governs `handled`.
pub(crate) fn landlock_create_ruleset(handled: u64) -> Result<Handle, Errno> {
    // The first field of the structure alone, as its first version had it.
    // SAFETY: a word of this frame with its size.
    handle(unsafe { syscall(libc::SYS_landlock_create_ruleset, [address(&handled), size_of::<u64>(), 0]) })
}

/// `int landlock_add_rule(int ruleset_fd, LANDLOCK_RULE_PATH_BENEATH, const void *rule_attr, 0)`.
pub(crate) fn landlock_add_path(rules: &Handle, path: i32, access: u64) -> Result<(), Errno> {
    let rule = PathBeneath { allowed_access: access, parent_fd: path };
    // SAFETY: a rule of this frame, of the kernel's layout.
    done(unsafe { syscall(libc::SYS_landlock_add_rule, [word(rules.number()), PATH_BENEATH, address(&rule), 0]) })
}

/// `int landlock_restrict_self(int ruleset_fd, 0)`.
pub(crate) fn landlock_restrict_self(rules: &Handle) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_landlock_restrict_self, [word(rules.number()), 0]) })
}
