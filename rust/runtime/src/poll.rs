//! Waiting for several descriptors at once.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::error::Error;

/// What is waited for, and until when it is as wanted.
pub(crate) type Source<'s> = (BorrowedFd<'s>, PollFlags);

/// A descriptor, until there is something to read.
pub(crate) fn readable(source: &impl AsFd) -> Source<'_> {
    (source.as_fd(), PollFlags::POLLIN)
}

/// Waits until one of `sources` is as wanted, or `patience` is at its end, or a signal was handled; which of them are.
///
/// # Errors
/// [`Error::System`] where memory is short.
pub(crate) fn wait_for_any<const N: usize>(
    sources: [Option<Source<'_>>; N],
    patience: Option<Duration>,
) -> Result<[bool; N], Error> {
    let mut polled: Vec<PollFd<'_>> =
        sources.iter().flatten().map(|(source, wanted)| PollFd::new(*source, *wanted)).collect();
    // Rounded up: what is left of a millisecond would otherwise be waited for in turns.
    let milliseconds = patience.map(|patience| patience.as_micros().div_ceil(1000));
    let timeout =
        milliseconds.map_or(PollTimeout::NONE, |time| PollTimeout::try_from(time).unwrap_or(PollTimeout::MAX));
    match poll(&mut polled, timeout) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(Error::system("wait for a program", errno)),
    }
    let mut answers = polled.iter().map(|entry| entry.any().unwrap_or(false));
    Ok(sources.map(|source| source.is_some() && answers.next().unwrap_or(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_stands_where_its_source_does() {
        let (quiet, _writer) = nix::unistd::pipe().unwrap();
        let (ready, writer) = nix::unistd::pipe().unwrap();
        nix::unistd::write(writer, b"x").unwrap();
        let sources = [None, Some(readable(&quiet)), Some(readable(&ready))];
        assert_eq!(wait_for_any(sources, None).unwrap(), [false, false, true]);
        assert_eq!(wait_for_any([Some(readable(&quiet))], Some(Duration::from_micros(1))).unwrap(), [false]);
    }
}
