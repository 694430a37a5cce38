//! Bytes on their way.

use std::ops::Range;
use std::os::fd::AsFd;

use nix::errno::Errno;

/// What a terminal of Linux holds; and as much a pipe that can be written to takes without blocking.
const BYTES: usize = 4096;

/// Bytes on their way from one descriptor to another. It is filled only when it is empty, so that who does not read
/// makes the writer wait, and memory is all that it takes.
pub(super) struct Flow {
    buffer: Box<[u8; BYTES]>,
    left: Range<usize>,
}

impl Flow {
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { buffer: Box::new([0; BYTES]), left: 0..0 }
    }

    /// Whether it can be filled.
    pub(super) fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// What has not been passed on.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.left.clone()]
    }

    /// Reads once; how much there was, 0 at the end.
    pub(super) fn fill(&mut self, from: impl AsFd) -> nix::Result<usize> {
        self.left = 0..0;
        let length = nix::unistd::read(from, &mut self.buffer[..])?;
        self.left = 0..length;
        Ok(length)
    }

    /// Puts one byte into an empty one.
    pub(super) fn put(&mut self, byte: u8) {
        self.buffer[0] = byte;
        self.left = 0..1;
    }

    /// Writes once; what is not taken stays.
    pub(super) fn pass_on(&mut self, to: impl AsFd) -> nix::Result<()> {
        match nix::unistd::write(to, self.bytes()) {
            Ok(length) => self.left.start += length,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(errno) => return Err(errno),
        }
        Ok(())
    }

    /// Forgets all but the first of what has not been passed on.
    pub(super) fn keep(&mut self, length: usize) {
        self.left.end = self.left.end.min(self.left.start + length);
    }

    /// Forgets what has not been passed on.
    pub(super) fn clear(&mut self) {
        self.left = 0..0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_taken_stays_in_order() {
        let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_NONBLOCK).unwrap();
        let mut flow = Flow::new();
        assert_eq!(flow.fill(&read), Err(Errno::EAGAIN));
        flow.put(b'x');
        assert_eq!((flow.is_empty(), flow.bytes()), (false, &b"x"[..]));
        flow.pass_on(&write).unwrap();
        assert!(flow.is_empty());
        assert_eq!((flow.fill(&read), flow.bytes()), (Ok(1), &b"x"[..]));
        while nix::unistd::write(&write, &[b'y'; 4096]).is_ok() {}
        flow.pass_on(&write).unwrap();
        assert_eq!(flow.bytes(), b"x");
        drop(read);
        assert_eq!(flow.pass_on(&write), Err(Errno::EPIPE));
    }
}
