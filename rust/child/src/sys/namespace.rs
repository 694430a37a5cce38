//! Namespaces and the names in them.

use super::{Errno, address, check, done, syscall, word};
use crate::program::CStrRef;

/// `int setns(int fd, int nstype)`, setns(2).
pub(crate) fn setns(namespace: i32, kind: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_setns, [word(namespace), word(kind)]) })
}

/// `int unshare(int flags)`, unshare(2).
pub(crate) fn unshare(flags: i32) -> Result<(), Errno> {
    // SAFETY: numbers only; descriptors, folder and signal actions are the child's own already.
    done(unsafe { syscall(libc::SYS_unshare, [word(flags)]) })
}

/// `int sethostname(const char *name, size_t len)`, sethostname(2).
pub(crate) fn sethostname(name: CStrRef<'_>) -> Result<(), Errno> {
    // SAFETY: a C string of the plan with its length.
    done(unsafe { syscall(libc::SYS_sethostname, [name.address(), name.length()]) })
}

/// `int setdomainname(const char *name, size_t len)`, setdomainname(2).
pub(crate) fn setdomainname(name: CStrRef<'_>) -> Result<(), Errno> {
    // SAFETY: a C string of the plan with its length.
    done(unsafe { syscall(libc::SYS_setdomainname, [name.address(), name.length()]) })
}

/// `struct ifreq` with the part that `SIOCSIFFLAGS` reads, netdevice(7).
#[repr(C)]
struct InterfaceFlags {
    name: [u8; 16],
    flags: i16,
    rest: [u8; 22],
}

/// `socket(AF_INET, SOCK_DGRAM)` and `ioctl(SIOCSIFFLAGS, {"lo", IFF_UP})`, netdevice(7).
pub(crate) fn bring_loopback_up() -> Result<(), Errno> {
    let arguments = [word(libc::AF_INET), word(libc::SOCK_DGRAM | libc::SOCK_CLOEXEC)];
    // SAFETY: numbers only.
    let socket = super::file::handle(unsafe { syscall(libc::SYS_socket, arguments) })?;
    let mut name = [0; 16];
    for (place, byte) in name.iter_mut().zip(*b"lo") {
        *place = byte;
    }
    let flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(1);
    let request = InterfaceFlags { name, flags, rest: [0; 22] };
    let code = usize::try_from(libc::SIOCSIFFLAGS).unwrap_or(0);
    // SAFETY: an ifreq of this frame, as large as the kernel's.
    check(unsafe { syscall(libc::SYS_ioctl, [word(socket.number()), code, address(&request)]) }).map(|_| ())
}
