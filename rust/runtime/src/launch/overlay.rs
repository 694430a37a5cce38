//! An overlay that is mounted nowhere: by the calls of Linux 5.2.

use std::ffi::{CStr, CString, c_long};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;

// uapi/linux/mount.h; libc has them for some targets only.
const FSOPEN_CLOEXEC: u32 = 1;
const FSMOUNT_CLOEXEC: u32 = 1;
const FSCONFIG_SET_FLAG: u32 = 0;
const FSCONFIG_SET_STRING: u32 = 1;
const FSCONFIG_CMD_CREATE: u32 = 6;

/// The folders of an overlay.
pub struct Folders {
    /// What was there before.
    pub lower: OwnedFd,
    /// What was written.
    pub upper: OwnedFd,
    /// Overlayfs' own.
    pub work: OwnedFd,
}

/// Mounts an overlay, which is gone with the descriptor; `in_user_attributes`: its marks are attributes of `user.`.
///
/// # Errors
/// As fsopen(2), fsconfig(2) and fsmount(2): `EPERM` without CAP_SYS_ADMIN.
pub fn mount(folders: &Folders, in_user_attributes: bool) -> Result<OwnedFd, Errno> {
    // SAFETY: a C string and a number.
    let context = descriptor(unsafe { libc::syscall(libc::SYS_fsopen, c"overlay".as_ptr(), FSOPEN_CLOEXEC) })?;
    set(&context, c"lowerdir", &folders.lower)?;
    set(&context, c"upperdir", &folders.upper)?;
    set(&context, c"workdir", &folders.work)?;
    if in_user_attributes {
        configure(&context, FSCONFIG_SET_FLAG, Some(c"userxattr"), None)?;
    }
    configure(&context, FSCONFIG_CMD_CREATE, None, None)?;
    // SAFETY: numbers only.
    descriptor(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), FSMOUNT_CLOEXEC, 0) })
}

/// Names a folder by its descriptor: no path is looked up twice.
fn set(context: &OwnedFd, key: &CStr, folder: impl AsFd) -> Result<(), Errno> {
    let path = CString::new(format!("/proc/self/fd/{}", folder.as_fd().as_raw_fd())).map_err(|_| Errno::EINVAL)?;
    configure(context, FSCONFIG_SET_STRING, Some(key), Some(&path))
}

/// `int fsconfig(int fd, unsigned int cmd, const char *key, const void *value, int aux)`, fsconfig(2).
fn configure(context: &OwnedFd, command: u32, key: Option<&CStr>, value: Option<&CStr>) -> Result<(), Errno> {
    let address = |text: Option<&CStr>| text.map_or(std::ptr::null(), CStr::as_ptr);
    let (key, value) = (address(key), address(value));
    // SAFETY: C strings that outlive the call, or none where the command has none, and numbers.
    let answer = unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), command, key, value, 0) };
    Errno::result(answer).map(drop)
}

fn descriptor(answer: c_long) -> Result<OwnedFd, Errno> {
    let number = i32::try_from(Errno::result(answer)?).map_err(|_| Errno::EBADF)?;
    // SAFETY: the kernel has just opened it for this call alone.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
