//! Who the process is and what it may.

use super::{Errno, address, done, syscall, word};

/// `int setgroups(size_t size, const gid_t *list)`, setgroups(2).
pub(crate) fn setgroups(groups: &[u32]) -> Result<(), Errno> {
    // SAFETY: a list of gid_t with its length.
    done(unsafe { syscall(libc::SYS_setgroups, [groups.len(), groups.as_ptr().expose_provenance()]) })
}

/// `int setresgid(gid_t rgid, gid_t egid, gid_t sgid)`, setresuid(2).
pub(crate) fn setresgid(gid: u32) -> Result<(), Errno> {
    // SAFETY: numbers only; only this process's credentials change, not those of the threads that share its memory.
    done(unsafe { syscall(libc::SYS_setresgid, [gid as usize; 3]) })
}

/// `int setresuid(uid_t ruid, uid_t euid, uid_t suid)`, setresuid(2).
pub(crate) fn setresuid(uid: u32) -> Result<(), Errno> {
    // SAFETY: numbers only; only this process's credentials change, not those of the threads that share its memory.
    done(unsafe { syscall(libc::SYS_setresuid, [uid as usize; 3]) })
}

/// `int prctl(int op, unsigned long arg2, unsigned long arg3, 0, 0)`, prctl(2), for operations that take numbers.
pub(crate) fn prctl(operation: i32, second: usize, third: usize) -> Result<i32, Errno> {
    // SAFETY: the operations that are used take numbers only.
    super::check(unsafe { syscall(libc::SYS_prctl, [word(operation), second, third, 0, 0]) })
}

/// `_LINUX_CAPABILITY_VERSION_3`: two words a set.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`, capset(2).
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}

/// `int capset(cap_user_header_t hdrp, const cap_user_data_t datap)`, capset(2): bit N is capability N.
pub(crate) fn capset(effective: u64, permitted: u64, inheritable: u64) -> Result<(), Errno> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let low = |set: u64| u32::try_from(set & 0xffff_ffff).unwrap_or(0);
    let high = |set: u64| u32::try_from(set >> 32).unwrap_or(0);
    let data =
        [[low(effective), low(permitted), low(inheritable)], [high(effective), high(permitted), high(inheritable)]];
    // SAFETY: a header and two data structures of this frame, of the kernel's layout for this version.
    done(unsafe { syscall(libc::SYS_capset, [address(&header), address(&data)]) })
}

/// `int seccomp(SECCOMP_SET_MODE_FILTER, unsigned int flags, struct sock_fprog *args)`, seccomp(2); with
/// `SECCOMP_FILTER_FLAG_NEW_LISTENER` the listener's descriptor.
pub(crate) fn seccomp(filter: &[libc::sock_filter], flags: u32) -> Result<i32, Errno> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(|_| Errno(libc::E2BIG))?,
        filter: filter.as_ptr().cast_mut(),
    };
    let operation = libc::SECCOMP_SET_MODE_FILTER as usize;
    // SAFETY: a sock_fprog of this frame over the plan's filter, which the kernel only reads.
    super::check(unsafe { syscall(libc::SYS_seccomp, [operation, flags as usize, address(&program)]) })
}

/// `mode_t umask(mode_t mask)`, umask(2): what it was before.
pub(crate) fn umask(mask: u32) -> u32 {
    // SAFETY: a number; cannot fail. The mask is the child's own (no CLONE_FS).
    let before = unsafe { syscall(libc::SYS_umask, [mask as usize]) };
    u32::try_from(before).unwrap_or(0)
}

/// `pid_t setsid(void)`, setsid(2).
pub(crate) fn setsid() -> Result<(), Errno> {
    // SAFETY: takes nothing.
    done(unsafe { syscall(libc::SYS_setsid, []) })
}

/// `int capget(cap_user_header_t hdrp, cap_user_data_t datap)`, capget(2): what this process is permitted.
pub(crate) fn permitted_capabilities() -> Result<u64, Errno> {
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let mut data = [[0_u32; 3]; 2];
    // SAFETY: a header and two data structures of this frame, of the kernel's layout for this version.
    done(unsafe { syscall(libc::SYS_capget, [address(&header), (&raw mut data).expose_provenance()]) })?;
    let [[_, low, _], [_, high, _]] = data;
    Ok(u64::from(high) << 32 | u64::from(low))
}
