//! What a terminal is asked beside its attributes: its size, and whether something typed has not been read yet.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// Rows and columns of our terminal: the first of stdin, stdout and stderr that is one and has a size.
#[must_use]
pub fn own_size() -> Option<(u16, u16)> {
    let (stdin, stdout, stderr) = (io::stdin(), io::stdout(), io::stderr());
    [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()].into_iter().find_map(size)
}

/// `ioctl(TIOCGWINSZ)`, `TIOCGWINSZ(2const)`.
fn size(terminal: BorrowedFd<'_>) -> Option<(u16, u16)> {
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: the call fills in a winsize, which `size` is.
    let result = unsafe { libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, size.as_mut_ptr()) };
    // SAFETY: all zeroes is a valid winsize, and the call has filled it in.
    let size = unsafe { size.assume_init() };
    (result == 0 && size.ws_row > 0 && size.ws_col > 0).then_some((size.ws_row, size.ws_col))
}

/// `ioctl(TIOCSWINSZ)`, `TIOCSWINSZ(2const)`: who is in the terminal's foreground gets SIGWINCH, if it changes.
///
/// # Errors
/// `ENOTTY` for no terminal.
pub fn set_size(terminal: impl AsFd, (rows, columns): (u16, u16)) -> Result<(), Errno> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the call reads a winsize of this frame.
    Errno::result(unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCSWINSZ, &raw const size) }).map(drop)
}

/// Whether the other side of `terminal` has something to read. That side is opened for as long as it takes to look:
/// who keeps it open would not see when everybody else has closed it.
#[must_use]
pub fn has_unread_input(terminal: impl AsFd) -> bool {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: numbers only.
    let number = unsafe { libc::ioctl(terminal.as_fd().as_raw_fd(), libc::TIOCGPTPEER, flags) };
    if number < 0 {
        return false;
    }
    // SAFETY: the kernel just made it, and nobody else knows it.
    let other = unsafe { OwnedFd::from_raw_fd(number) };
    let mut polled = [PollFd::new(other.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::ZERO) == Ok(1)
}
