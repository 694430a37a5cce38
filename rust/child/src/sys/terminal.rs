//! Pseudo-terminals.

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

/// As [`set_terminal_size`], of a descriptor that was inherited.
pub(crate) fn set_terminal_size_of(terminal: i32, rows: u16, columns: u16) -> Result<(), Errno> {
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: a winsize of this frame.
    done(unsafe { syscall(libc::SYS_ioctl, [word(terminal), TIOCSWINSZ, address(&size)]) })
}
