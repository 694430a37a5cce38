//! Waiting for descriptors and processes, and the time.

use core::cell::Cell;

use super::{Errno, check, done, syscall, word};

/// More than a monitor waits for.
const MOST: usize = 16;

/// Descriptors that are waited for together, poll(2).
pub(crate) struct Polls {
    entries: [libc::pollfd; MOST],
    taken: Cell<u32>,
    count: usize,
}

impl Polls {
    pub(crate) const fn new() -> Self {
        Self { entries: [libc::pollfd { fd: -1, events: 0, revents: 0 }; MOST], taken: Cell::new(0), count: 0 }
    }

    /// Adds a descriptor; -1 keeps its place, and is never ready.
    pub(crate) fn add(&mut self, fd: i32, events: i16) {
        if let Some(entry) = self.entries.get_mut(self.count) {
            *entry = libc::pollfd { fd, events, revents: 0 };
            self.count = self.count.saturating_add(1);
        }
    }

    /// `int ppoll(struct pollfd *fds, nfds_t nfds, NULL, NULL)`, poll(2): until one of them is ready.
    pub(crate) fn wait(&mut self) -> Result<(), Errno> {
        let arguments = [self.entries.as_mut_ptr().expose_provenance(), self.count, 0, 0, 0];
        // SAFETY: entries of this structure, no fewer than `count`; no time and no mask.
        match done(unsafe { syscall(libc::SYS_ppoll, arguments) }) {
            Err(Errno(libc::EINTR)) => Ok(()),
            other => other,
        }
    }

    /// Whether the one at this place is ready, or at its end.
    pub(crate) fn is_ready(&self, place: usize) -> bool {
        self.entries.get(place).is_some_and(|entry| entry.revents != 0)
    }

    /// As [`Polls::is_ready`], once.
    pub(crate) fn take_ready(&self, place: usize) -> bool {
        let bit = u32::try_from(place).ok().and_then(|place| 1_u32.checked_shl(place)).unwrap_or(0);
        let is_new = self.taken.get() & bit == 0;
        self.taken.set(self.taken.get() | bit);
        is_new && self.is_ready(place)
    }
}

/// `int waitid(P_PIDFD, id_t fd, siginfo_t *infop, WEXITED)`, waitid(2): `si_code` and `si_status` of a child's end.
pub(crate) fn wait_for(pidfd: i32) -> Result<(i32, i32), Errno> {
    // The kernel's siginfo: signal, error number, code, padding, and for SIGCHLD pid, uid, status.
    let mut info = [0_i32; 32];
    let arguments =
        [super::number_of(libc::P_PIDFD), word(pidfd), info.as_mut_ptr().expose_provenance(), word(libc::WEXITED), 0];
    // SAFETY: a siginfo of this frame; no rusage.
    done(unsafe { syscall(libc::SYS_waitid, arguments) })?;
    let [_, _, code, _, _, _, status, ..] = info;
    Ok((code, status))
}

/// `int clock_gettime(CLOCK_REALTIME, struct timespec *tp)`, clock_gettime(2): seconds since 1970, and nanoseconds.
pub(crate) fn now() -> (i64, u32) {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    let arguments = [word(libc::CLOCK_REALTIME), (&raw mut time).expose_provenance()];
    // SAFETY: a timespec of this frame.
    let _ = unsafe { syscall(libc::SYS_clock_gettime, arguments) };
    (time.tv_sec, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// `ssize_t read(int fd, void *buf, size_t count)`, read(2), of a descriptor that was inherited.
pub(crate) fn read_from(descriptor: i32, buffer: &mut [u8]) -> Result<&[u8], Errno> {
    let arguments = [word(descriptor), buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: a buffer with its length.
    let length = check(unsafe { syscall(libc::SYS_read, arguments) })?;
    Ok(buffer.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default())
}

/// `ssize_t write(int fd, const void *buf, size_t count)`, write(2): how much was taken.
pub(crate) fn write_some(descriptor: i32, bytes: &[u8]) -> Result<usize, Errno> {
    let arguments = [word(descriptor), bytes.as_ptr().expose_provenance(), bytes.len()];
    // SAFETY: the bytes are borrowed for as long as the call takes.
    let length = check(unsafe { syscall(libc::SYS_write, arguments) })?;
    Ok(usize::try_from(length).unwrap_or(0))
}

/// `int fcntl(int fd, F_SETFL, O_NONBLOCK)`, fcntl(2).
pub(crate) fn set_nonblocking(descriptor: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_fcntl, [word(descriptor), word(libc::F_SETFL), word(libc::O_NONBLOCK)]) })
}
