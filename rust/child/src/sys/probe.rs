//! The system calls that only [`crate::probe`] makes.

use super::{Errno, check, syscall, word};
use crate::step::CStrRef;

/// `MOUNT_ATTR_RDONLY` of linux/mount.h.
pub(crate) const MOUNT_ATTR_RDONLY: u64 = 0x1;
/// `MOUNT_ATTR_IDMAP` of linux/mount.h.
pub(crate) const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;

const FSOPEN_CLOEXEC: usize = 1;
const FSMOUNT_CLOEXEC: usize = 1;
const FSCONFIG_CMD_CREATE: usize = 6;
const OPEN_TREE_CLONE: i32 = 1;
const MOVE_MOUNT_F_EMPTY_PATH: usize = 4;
const CWD: usize = word(libc::AT_FDCWD);

/// An empty path: what the descriptor names itself.
const ITSELF: CStrRef<'_> = CStrRef::new(c"");

fn address(text: CStrRef<'_>) -> usize {
    text.as_ptr().expose_provenance()
}

/// `int unshare(int flags)`, unshare(2).
pub(crate) fn try_unshare(flags: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    check(unsafe { syscall(libc::SYS_unshare, [word(flags)]) })?;
    Ok(())
}

/// `int setns(int fd, int nstype)`, setns(2).
pub(crate) fn join_user_namespace(namespace: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    check(unsafe { syscall(libc::SYS_setns, [word(namespace), word(libc::CLONE_NEWUSER)]) })?;
    Ok(())
}

/// `int openat(int dirfd, const char *path, int flags)`, open(2).
pub(crate) fn open_for_reading(path: CStrRef<'_>) -> Result<i32, Errno> {
    open(path, libc::O_RDONLY)
}

fn open(path: CStrRef<'_>, how: i32) -> Result<i32, Errno> {
    // SAFETY: a C string that outlives the call.
    check(unsafe { syscall(libc::SYS_openat, [CWD, address(path), word(how | libc::O_CLOEXEC), 0]) })
}

/// `ssize_t write(int fd, const void buf[.count], size_t count)`, write(2), to a file that is opened for it.
pub(crate) fn write_file(path: CStrRef<'_>, text: &[u8]) -> Result<(), Errno> {
    let file = open(path, libc::O_WRONLY)?;
    // SAFETY: `text` is readable for its length.
    let written =
        check(unsafe { syscall(libc::SYS_write, [word(file), text.as_ptr().expose_provenance(), text.len()]) });
    close(file);
    written.map(|_| ())
}

/// `int close(int fd)`, close(2), of a descriptor that was opened here.
fn close(fd: i32) {
    // SAFETY: numbers only; nobody else knows the descriptor.
    unsafe { syscall(libc::SYS_close, [word(fd)]) };
}

/// `int mkdirat(int dirfd, const char *path, mode_t mode)`, mkdir(2).
pub(crate) fn make_folder(path: CStrRef<'_>) -> Result<(), Errno> {
    // SAFETY: a C string that outlives the call.
    check(unsafe { syscall(libc::SYS_mkdirat, [CWD, address(path), 0o755]) })?;
    Ok(())
}

/// `int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)`,
/// mount(2), with the type as the source.
pub(crate) fn try_mount(kind: CStrRef<'_>, target: CStrRef<'_>, flags: u64, data: CStrRef<'_>) -> Result<(), Errno> {
    let flags = usize::try_from(flags).unwrap_or(0);
    // SAFETY: C strings that outlive the call, or NULL where it may be.
    check(unsafe { syscall(libc::SYS_mount, [address(kind), address(target), address(kind), flags, address(data)]) })?;
    Ok(())
}

/// `int pivot_root(const char *new_root, const char *put_old)`, pivot_root(2), of the working folder.
pub(crate) fn pivot_here() -> Result<(), Errno> {
    let here = address(CStrRef::new(c"."));
    // SAFETY: C strings without end.
    check(unsafe { syscall(libc::SYS_pivot_root, [here, here]) })?;
    Ok(())
}

/// `int fsopen(const char *name, unsigned int flags)`, `int fsconfig(int fd, unsigned int cmd, const char *key, const
/// void *value, int aux)`, `int fsmount(int fd, unsigned int flags, unsigned int attributes)`, since Linux 5.2.
pub(crate) fn detached_mount(kind: CStrRef<'_>) -> Result<i32, Errno> {
    // SAFETY: a C string that outlives the call.
    let context = check(unsafe { syscall(libc::SYS_fsopen, [address(kind), FSOPEN_CLOEXEC]) })?;
    // SAFETY: this command takes neither key nor value.
    let created = check(unsafe { syscall(libc::SYS_fsconfig, [word(context), FSCONFIG_CMD_CREATE, 0, 0, 0]) });
    let mounted = created.and_then(|_| {
        // SAFETY: numbers only.
        check(unsafe { syscall(libc::SYS_fsmount, [word(context), FSMOUNT_CLOEXEC, 0]) })
    });
    close(context);
    mounted
}

/// `int open_tree(int dirfd, const char *path, unsigned int flags)`, open_tree(2), since Linux 5.2.
pub(crate) fn copy_mount(path: CStrRef<'_>) -> Result<i32, Errno> {
    let flags = word(OPEN_TREE_CLONE | libc::O_CLOEXEC);
    // SAFETY: a C string that outlives the call.
    check(unsafe { syscall(libc::SYS_open_tree, [CWD, address(path), flags]) })
}

/// `int move_mount(int from_dirfd, const char *from, int to_dirfd, const char *to, unsigned int flags)`,
/// move_mount(2), since Linux 5.2.
pub(crate) fn attach_mount(mount: i32, target: CStrRef<'_>) -> Result<(), Errno> {
    let arguments = [word(mount), address(ITSELF), CWD, address(target), MOVE_MOUNT_F_EMPTY_PATH];
    // SAFETY: C strings that outlive the call.
    check(unsafe { syscall(libc::SYS_move_mount, arguments) })?;
    Ok(())
}

/// `int mount_setattr(int dirfd, const char *path, unsigned int flags, struct mount_attr *attr, size_t size)`,
/// mount_setattr(2), since Linux 5.12.
pub(crate) fn set_mount_attributes(mount: i32, set: u64, user_namespace: i32) -> Result<(), Errno> {
    // The kernel's structure: set, clear, propagation, userns_fd.
    let attributes = [set, 0, 0, u64::try_from(user_namespace).unwrap_or(0)];
    let arguments = [
        word(mount),
        address(ITSELF),
        word(libc::AT_EMPTY_PATH),
        (&raw const attributes).expose_provenance(),
        size_of_val(&attributes),
    ];
    // SAFETY: a C string without end, and a structure of this frame with its size.
    check(unsafe { syscall(libc::SYS_mount_setattr, arguments) })?;
    Ok(())
}
