//! Attributes of files, xattr(7).

use std::ffi::CStr;
use std::os::fd::{AsFd, AsRawFd};

use nix::libc;

/// The first byte of an attribute's value, 0 where that is empty; `None` where there is no such attribute, or none that
/// this process may see.
///
/// `ssize_t fgetxattr(int fd, const char *name, void *value, size_t size)`, getxattr(2).
#[must_use]
pub fn first_byte(file: impl AsFd, name: &CStr) -> Option<u8> {
    let mut value = [0_u8; 64];
    let file = file.as_fd().as_raw_fd();
    // SAFETY: a C string, and a buffer of this frame with its length.
    let length = unsafe { libc::fgetxattr(file, name.as_ptr(), value.as_mut_ptr().cast(), value.len()) };
    (length >= 0).then_some(value[0])
}
