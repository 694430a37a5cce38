//! What this kernel can and what this process may: asked once.

use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc;

/// Whether the kernel mounts by descriptors: `fsopen`, `open_tree`, `move_mount` (Linux 5.2) and `mount_setattr` (5.12).
#[must_use]
pub fn has_mounts_by_descriptor() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| {
        let calls = [libc::SYS_fsopen, libc::SYS_open_tree, libc::SYS_move_mount, libc::SYS_mount_setattr];
        calls.into_iter().all(|number| {
            // SAFETY: no descriptor, no path, no size: a kernel that has the call refuses these, with another error.
            let result = unsafe { libc::syscall(number, -1, 0, 0, 0, 0) };
            !matches!(Errno::result(result), Err(Errno::ENOSYS))
        })
    })
}

/// Whether a process can be cloned into a cgroup of version 2 (Linux 5.7, and a seccomp filter that has clone3).
#[must_use]
pub fn has_clone_into_cgroup() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    // Nothing has this descriptor: who knows the flag says so, others refuse it or the call.
    *KNOWN.get_or_init(super::clone::into_cgroup_is_known)
}

/// `ssize_t getxattr(const char *path, const char *name, void *value, size_t size)`, getxattr(2): an extended attribute,
/// where it is there and has no more than 16 bytes.
#[must_use]
pub fn attribute(path: &Path, name: &CStr) -> Option<Vec<u8>> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut value = vec![0_u8; 16];
    // SAFETY: two strings with a zero at their end, and a buffer with its length, all of this frame.
    let length = unsafe { libc::getxattr(path.as_ptr(), name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    value.truncate(usize::try_from(length).ok()?);
    Some(value)
}

/// `int capget(cap_user_header_t hdrp, cap_user_data_t datap)`, capget(2): what this thread is permitted, bit N for
/// capability N.
#[must_use]
pub fn permitted_capabilities() -> u64 {
    const VERSION: u32 = 0x2008_0522;
    let mut header = [VERSION, 0];
    let mut data = [[0_u32; 3]; 2];
    // SAFETY: a header and two data structures of this frame, of the kernel's layout for this version.
    let result = unsafe { libc::syscall(libc::SYS_capget, header.as_mut_ptr(), data.as_mut_ptr()) };
    if Errno::result(result).is_err() {
        return 0;
    }
    let [[_, low, _], [_, high, _]] = data;
    u64::from(high) << 32 | u64::from(low)
}
