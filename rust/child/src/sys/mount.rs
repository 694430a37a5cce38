//! Mounts: by descriptors where the kernel has the calls of Linux 5.2 (and 5.12 for attributes), by mount(2) elsewhere.

use super::file::{Handle, handle};
use super::{Errno, address, done, syscall, word};
use crate::mounted::Attributes;
use crate::program::CStrRef;

// uapi/linux/mount.h; libc has them for some targets only.
const FSOPEN_CLOEXEC: i32 = 1;
const FSMOUNT_CLOEXEC: i32 = 1;
const FSCONFIG_SET_FLAG: i32 = 0;
const FSCONFIG_SET_STRING: i32 = 1;
const FSCONFIG_CMD_CREATE: i32 = 6;
const OPEN_TREE_CLONE: i32 = 1;
const MOVE_MOUNT_F_EMPTY_PATH: i32 = 0x4;
const MOVE_MOUNT_T_EMPTY_PATH: i32 = 0x40;
/// `PROC_SUPER_MAGIC`, uapi/linux/magic.h.
pub(crate) const PROC_SUPER_MAGIC: i64 = 0x9fa0;
/// What statfs(2) tells of a mount by the very bits that mount(2) takes: `MS_RDONLY`, `MS_NOSUID`, …
pub(crate) const KEPT_BY_A_REMOUNT: u64 =
    libc::MS_RDONLY | libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_NOATIME | libc::MS_NODIRATIME;
/// `AT_RECURSIVE`, uapi/linux/fcntl.h.
const AT_RECURSIVE: i32 = 0x8000;

/// `int fsopen(const char *fsname, unsigned int flags)`, since Linux 5.2.
pub(crate) fn fsopen(kind: CStrRef<'_>) -> Result<Handle, Errno> {
    // SAFETY: a C string that lives as long as the plan.
    handle(unsafe { syscall(libc::SYS_fsopen, [kind.address(), word(FSOPEN_CLOEXEC)]) })
}

/// `int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)`: sets `key` to `value`, or as
/// a flag where that is empty.
pub(crate) fn fsconfig(context: &Handle, key: CStrRef<'_>, value: CStrRef<'_>) -> Result<(), Errno> {
    let (command, value) =
        if value.is_empty() { (FSCONFIG_SET_FLAG, 0) } else { (FSCONFIG_SET_STRING, value.address()) };
    // SAFETY: C strings that live as long as the plan; a flag has no value.
    done(unsafe { syscall(libc::SYS_fsconfig, [word(context.number()), word(command), key.address(), value, 0]) })
}

/// `int fsconfig(int fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0)`.
pub(crate) fn fsconfig_create(context: &Handle) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_fsconfig, [word(context.number()), word(FSCONFIG_CMD_CREATE), 0, 0, 0]) })
}

/// `int fsmount(int fd, unsigned int flags, unsigned int mount_attrs)`, since Linux 5.2.
pub(crate) fn fsmount(context: &Handle, attributes: u64) -> Result<Handle, Errno> {
    let attributes = usize::try_from(attributes).unwrap_or(usize::MAX);
    // SAFETY: numbers only.
    handle(unsafe { syscall(libc::SYS_fsmount, [word(context.number()), word(FSMOUNT_CLOEXEC), attributes]) })
}

/// `int open_tree(int dirfd, const char *path, OPEN_TREE_CLONE)`, since Linux 5.2: a copy of the mount at `folder`,
/// or below it at `path`, attached nowhere.
pub(crate) fn open_tree(folder: i32, path: CStrRef<'_>, recursive: bool) -> Result<Handle, Errno> {
    let recursive = if recursive { AT_RECURSIVE } else { 0 };
    let flags = OPEN_TREE_CLONE | libc::O_CLOEXEC | libc::AT_EMPTY_PATH | recursive;
    // SAFETY: a C string that lives as long as the plan.
    handle(unsafe { syscall(libc::SYS_open_tree, [word(folder), path.address(), word(flags)]) })
}

/// `int move_mount(int from, "", int to, "", F_EMPTY_PATH|T_EMPTY_PATH)`, since Linux 5.2.
pub(crate) fn move_mount(mount: &Handle, target: i32) -> Result<(), Errno> {
    let arguments = [
        word(mount.number()),
        CStrRef::EMPTY.address(),
        word(target),
        CStrRef::EMPTY.address(),
        word(MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH),
    ];
    // SAFETY: empty C strings and numbers.
    done(unsafe { syscall(libc::SYS_move_mount, arguments) })
}

/// `struct mount_attr`, mount_setattr(2).
#[repr(C)]
struct MountAttr {
    attr_set: u64,
    attr_clr: u64,
    propagation: u64,
    userns_fd: u64,
}

/// `int mount_setattr(int fd, "", AT_EMPTY_PATH, struct mount_attr *, size_t)`, mount_setattr(2), since Linux 5.12.
pub(crate) fn mount_setattr(mount: i32, attributes: Attributes, recursive: bool) -> Result<(), Errno> {
    let Attributes { set, clear, propagation, user_namespace } = attributes;
    let userns_fd = u64::from(user_namespace.unsigned_abs());
    let attr = MountAttr { attr_set: set, attr_clr: clear, propagation, userns_fd };
    let flags = libc::AT_EMPTY_PATH | if recursive { AT_RECURSIVE } else { 0 };
    let arguments = [word(mount), CStrRef::EMPTY.address(), word(flags), address(&attr), size_of::<MountAttr>()];
    // SAFETY: an empty C string, and a mount_attr of this frame with its size.
    done(unsafe { syscall(libc::SYS_mount_setattr, arguments) })
}

/// The path of a descriptor, `/proc/self/fd/N`, for calls that take no descriptor.
pub(crate) struct DescriptorPath([u8; 32]);

impl DescriptorPath {
    /// The path of `descriptor`.
    pub(crate) fn new(descriptor: i32) -> Self {
        let mut path = [0_u8; 32];
        let mut digits = [0_u8; 10];
        let mut number = descriptor.unsigned_abs();
        let mut count = 0_usize;
        for digit in &mut digits {
            *digit = b'0'.saturating_add(u8::try_from(number.checked_rem(10).unwrap_or(0)).unwrap_or(0));
            number = number.checked_div(10).unwrap_or(0);
            count = count.saturating_add(1);
            if number == 0 {
                break;
            }
        }
        let written = digits.iter().take(count).rev();
        for (place, byte) in path.iter_mut().zip(b"/proc/self/fd/".iter().chain(written)) {
            *place = *byte;
        }
        Self(path)
    }

    /// It, as a C string.
    pub(crate) fn as_c_str(&self) -> CStrRef<'_> {
        CStrRef::from_terminated(&self.0)
    }
}

/// `int mount(const char *source, const char *target, const char *fstype, unsigned long flags, const void *data)`,
/// mount(2), on what a descriptor names.
pub(crate) fn mount(
    source: CStrRef<'_>,
    target: i32,
    kind: CStrRef<'_>,
    flags: u64,
    data: CStrRef<'_>,
) -> Result<(), Errno> {
    mount_at(source, DescriptorPath::new(target).as_c_str(), kind, flags, data)
}

/// As [`mount`], on a path of our own: `/` or `.`.
pub(crate) fn mount_at(
    source: CStrRef<'_>,
    target: CStrRef<'_>,
    kind: CStrRef<'_>,
    flags: u64,
    data: CStrRef<'_>,
) -> Result<(), Errno> {
    let flags = usize::try_from(flags).unwrap_or(usize::MAX);
    // SAFETY: C strings or NULL, which live as long as the plan or this frame.
    done(unsafe {
        syscall(libc::SYS_mount, [source.address(), target.address(), kind.address(), flags, data.address()])
    })
}

/// `int chroot(".")`, chroot(2).
pub(crate) fn chroot_here() -> Result<(), Errno> {
    // SAFETY: a C string.
    done(unsafe { syscall(libc::SYS_chroot, [CStrRef::HERE.address()]) })
}

/// `int umount2(".", MNT_DETACH)`, umount(2): what is mounted on this process's folder.
pub(crate) fn detach_here() -> Result<(), Errno> {
    // SAFETY: a C string.
    done(unsafe { syscall(libc::SYS_umount2, [CStrRef::HERE.address(), word(libc::MNT_DETACH)]) })
}

/// `int pivot_root(".", ".")`, pivot_root(2): the former root ends up on top of the new one.
pub(crate) fn pivot_root_here() -> Result<(), Errno> {
    // SAFETY: C strings.
    done(unsafe { syscall(libc::SYS_pivot_root, [CStrRef::HERE.address(), CStrRef::HERE.address()]) })
}

/// `struct statfs` of a 64-bit kernel, asm-generic/statfs.h.
#[repr(C)]
struct Statfs {
    kind: i64,
    block_size: i64,
    counts: [u64; 5],
    id: [i32; 2],
    longest_name: i64,
    fragment_size: i64,
    flags: u64,
    spare: [i64; 4],
}

/// `int fstatfs(int fd, struct statfs *buf)`, statfs(2): its magic number and its `ST_*` flags.
pub(crate) fn filesystem_of(file: i32) -> Result<(i64, u64), Errno> {
    let mut found = core::mem::MaybeUninit::<Statfs>::zeroed();
    // SAFETY: a statfs of this frame that the kernel fills in.
    done(unsafe { syscall(libc::SYS_fstatfs, [word(file), found.as_mut_ptr().expose_provenance()]) })?;
    // SAFETY: all zeroes is a valid statfs, and the kernel has filled it in.
    let found = unsafe { found.assume_init() };
    Ok((found.kind, found.flags))
}
