//! What this kernel can and what this process may: asked once.

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
