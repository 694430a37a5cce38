//! Pseudo-terminals, and descriptors that go to the parent.

use super::file::{Handle, handle};
use super::{Errno, address, done, syscall, word};

/// `TIOCGPTPEER`, `TIOCSPTLCK`: asm-generic/ioctls.h, the same on the architectures that we know.
const TIOCGPTPEER: usize = 0x5441;
const TIOCSPTLCK: usize = 0x4004_5431;
const TIOCSCTTY: usize = 0x540e;
const TIOCSWINSZ: usize = 0x5414;

/// `ioctl(TIOCSPTLCK)` and `ioctl(TIOCGPTPEER)`, `TIOCGPTPEER(2const)`, since Linux 4.13: the other side.
pub(crate) fn terminal_peer(terminal: &Handle) -> Result<Handle, Errno> {
    let unlocked = 0_i32;
    // SAFETY: an int of this frame.
    done(unsafe { syscall(libc::SYS_ioctl, [word(terminal.number()), TIOCSPTLCK, address(&unlocked)]) })?;
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    // SAFETY: numbers only.
    handle(unsafe { syscall(libc::SYS_ioctl, [word(terminal.number()), TIOCGPTPEER, word(flags)]) })
}

/// `ioctl(TIOCSWINSZ)`, `TIOCSWINSZ(2const)`.
pub(crate) fn set_terminal_size(terminal: &Handle, rows: u16, columns: u16) -> Result<(), Errno> {
    set_terminal_size_of(terminal.number(), rows, columns)
}

/// `ioctl(TIOCSCTTY)`, `TIOCSCTTY(2const)`.
pub(crate) fn make_controlling_terminal(terminal: &Handle) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_ioctl, [word(terminal.number()), TIOCSCTTY, 0]) })
}

/// One descriptor as `SCM_RIGHTS` carries it, cmsg(3).
#[repr(C)]
struct Rights {
    header: libc::cmsghdr,
    descriptor: i32,
    padding: i32,
}

/// `ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)`, sendmsg(2), with `SCM_RIGHTS`, unix(7).
pub(crate) fn send_descriptor(socket: i32, descriptor: i32) -> Result<(), Errno> {
    // SAFETY: all zeroes is a valid cmsghdr.
    let mut header: libc::cmsghdr = unsafe { core::mem::zeroed() };
    header.cmsg_level = libc::SOL_SOCKET;
    header.cmsg_type = libc::SCM_RIGHTS;
    let length = size_of::<libc::cmsghdr>().saturating_add(size_of::<i32>());
    #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion, reason = "its type differs by libc")]
    {
        header.cmsg_len = length.try_into().unwrap_or_default();
    }
    let mut rights = Rights { header, descriptor, padding: 0 };
    let mut byte = 0_u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: all zeroes is a valid msghdr.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &raw mut part;
    #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion, reason = "its type differs by libc")]
    {
        message.msg_iovlen = 1;
        message.msg_controllen = size_of::<Rights>().try_into().unwrap_or_default();
    }
    message.msg_control = (&raw mut rights).cast();
    // SAFETY: a msghdr of this frame over parts of this frame.
    done(unsafe { syscall(libc::SYS_sendmsg, [word(socket), address(&message), word(libc::MSG_NOSIGNAL)]) })
}

/// As [`set_terminal_size`], of a descriptor that was inherited.
pub(crate) fn set_terminal_size_of(terminal: i32, rows: u16, columns: u16) -> Result<(), Errno> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: a winsize of this frame.
    done(unsafe { syscall(libc::SYS_ioctl, [word(terminal), TIOCSWINSZ, address(&size)]) })
}

/// `ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)`, recvmsg(2), with `SCM_RIGHTS`: one descriptor.
pub(crate) fn receive_descriptor(socket: i32) -> Result<Handle, Errno> {
    // SAFETY: all zeroes is a valid cmsghdr.
    let header: libc::cmsghdr = unsafe { core::mem::zeroed() };
    let mut rights = Rights { header, descriptor: -1, padding: 0 };
    let mut byte = 0_u8;
    let mut part = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    // SAFETY: all zeroes is a valid msghdr.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = &raw mut part;
    #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion, reason = "its type differs by libc")]
    {
        message.msg_iovlen = 1;
        message.msg_controllen = size_of::<Rights>().try_into().unwrap_or_default();
    }
    message.msg_control = (&raw mut rights).cast();
    let arguments = [word(socket), (&raw mut message).expose_provenance(), word(libc::MSG_CMSG_CLOEXEC)];
    // SAFETY: a msghdr of this frame over parts of this frame.
    done(unsafe { syscall(libc::SYS_recvmsg, arguments) })?;
    // SAFETY: the kernel has written it, or left it as it was.
    let received = unsafe { (&raw const rights.descriptor).read_volatile() };
    if received < 0 { Err(Errno(libc::EBADMSG)) } else { handle(received.into()) }
}

/// `ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)`, sendmsg(2), of two parts, all or an error: it
/// does not wait.
pub(crate) fn send_parts(socket: i32, parts: [&[u8]; 2]) -> Result<(), Errno> {
    let mut vectors = parts.map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() });
    // SAFETY: all zeroes is a valid msghdr.
    let mut message: libc::msghdr = unsafe { core::mem::zeroed() };
    message.msg_iov = vectors.as_mut_ptr();
    #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion, reason = "its type differs by libc")]
    {
        message.msg_iovlen = vectors.len().try_into().unwrap_or_default();
    }
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: a msghdr of this frame over two parts, which are only read.
    let sent = super::check(unsafe { syscall(libc::SYS_sendmsg, [word(socket), address(&message), word(flags)]) })?;
    let whole = parts.iter().map(|part| part.len()).fold(0, usize::saturating_add);
    if usize::try_from(sent) == Ok(whole) { Ok(()) } else { Err(Errno(libc::EAGAIN)) }
}
