//! Messages on Unix sockets, with a descriptor or without.

use super::file::{Handle, handle};
use super::{Errno, address, check, done, syscall, word};

/// One descriptor as `SCM_RIGHTS` carries it, cmsg(3).
#[repr(C)]
struct Rights {
    header: libc::cmsghdr,
    descriptor: i32,
    padding: i32,
}

impl Rights {
    /// A message's length is a `size_t` by glibc, a `socklen_t` by musl.
    #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion, reason = "its type differs by libc")]
    fn new(descriptor: i32) -> Self {
        // SAFETY: all zeroes is a valid cmsghdr.
        let mut header: libc::cmsghdr = unsafe { core::mem::zeroed() };
        header.cmsg_level = libc::SOL_SOCKET;
        header.cmsg_type = libc::SCM_RIGHTS;
        let length = size_of::<libc::cmsghdr>().saturating_add(size_of::<i32>());
        header.cmsg_len = length.try_into().unwrap_or_default();
        Self { header, descriptor, padding: 0 }
    }
}

/// The header of a message that consists of these parts: it points to them, and lives no longer.
#[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion, reason = "its types differ by libc")]
fn header(parts: &mut [libc::iovec], rights: Option<&mut Rights>) -> libc::msghdr {
    // SAFETY: all zeroes is a valid msghdr.
    let mut header: libc::msghdr = unsafe { core::mem::zeroed() };
    header.msg_iov = parts.as_mut_ptr();
    header.msg_iovlen = parts.len().try_into().unwrap_or_default();
    if let Some(rights) = rights {
        header.msg_control = (&raw mut *rights).cast();
        header.msg_controllen = size_of::<Rights>().try_into().unwrap_or_default();
    }
    header
}

/// The byte that a descriptor goes with: a message without one is none.
fn one_byte(byte: &mut u8) -> [libc::iovec; 1] {
    [libc::iovec { iov_base: (&raw mut *byte).cast(), iov_len: 1 }]
}

/// `ssize_t sendmsg(int sockfd, const struct msghdr *msg, int flags)`, sendmsg(2), with `SCM_RIGHTS`, unix(7).
pub(crate) fn send_descriptor(socket: i32, descriptor: i32) -> Result<(), Errno> {
    let (mut byte, mut rights) = (0, Rights::new(descriptor));
    let mut parts = one_byte(&mut byte);
    let message = header(&mut parts, Some(&mut rights));
    // SAFETY: a msghdr of this frame over parts of this frame.
    done(unsafe { syscall(libc::SYS_sendmsg, [word(socket), address(&message), word(libc::MSG_NOSIGNAL)]) })
}

/// `ssize_t recvmsg(int sockfd, struct msghdr *msg, int flags)`, recvmsg(2), with `SCM_RIGHTS`: one descriptor.
pub(crate) fn receive_descriptor(socket: i32) -> Result<Handle, Errno> {
    let (mut byte, mut rights) = (0, Rights::new(-1));
    let mut parts = one_byte(&mut byte);
    let mut message = header(&mut parts, Some(&mut rights));
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
    let message = header(&mut vectors, None);
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: a msghdr of this frame over two parts, which are only read.
    let sent = check(unsafe { syscall(libc::SYS_sendmsg, [word(socket), address(&message), word(flags)]) })?;
    let whole = parts.iter().map(|part| part.len()).fold(0, usize::saturating_add);
    if usize::try_from(sent) == Ok(whole) { Ok(()) } else { Err(Errno(libc::EAGAIN)) }
}
