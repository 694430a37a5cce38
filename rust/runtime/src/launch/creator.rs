//! As whom a thread makes files.

use nix::errno::Errno;
use nix::libc;
use nix::unistd::{Gid, Uid, setfsgid, setfsuid};

/// `_LINUX_CAPABILITY_VERSION_3`: two words a set.
const VERSION: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`, capget(2).
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `struct __user_cap_data_struct`, capget(2).
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Sets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Has this thread make files as another, with all the rights that it has: a filesystem that belongs to a user namespace
/// takes none of ids that this does not have.
///
/// `int setfsuid(uid_t fsuid)`, setfsuid(2): a thread's own, which takes what overrides permissions from its effective
/// capabilities; `int capset(cap_user_header_t hdrp, const cap_user_data_t datap)`, capset(2), gives that back.
///
/// # Errors
/// As capset(2); `EPERM` where this thread may not be that user.
pub fn make_files_as(uid: u32, gid: u32) -> Result<(), Errno> {
    setfsgid(Gid::from_raw(gid));
    setfsuid(Uid::from_raw(uid));
    // They tell of no failure, but of what was before.
    if setfsgid(Gid::from_raw(gid)).as_raw() != gid || setfsuid(Uid::from_raw(uid)).as_raw() != uid {
        return Err(Errno::EPERM);
    }
    let header = Header { version: VERSION, pid: 0 };
    let mut sets = [Sets::default(); 2];
    // SAFETY: a header and two data structures of this frame, of the kernel's layout for this version.
    Errno::result(unsafe { libc::syscall(libc::SYS_capget, &raw const header, &raw mut sets) })?;
    for set in &mut sets {
        set.effective = set.permitted;
    }
    // SAFETY: the same, which the kernel only reads.
    Errno::result(unsafe { libc::syscall(libc::SYS_capset, &raw const header, &raw const sets) }).map(drop)
}
