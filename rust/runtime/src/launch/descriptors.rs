//! What the parent opens for the child, and keeps of it.

use std::fs::{Metadata, OpenOptions};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

use super::wait;
use crate::error::Error;
use crate::plan::{Descriptor, Plan};

/// The lowest number that stands for no standard stream.
const ABOVE_STDERR: i32 = 3;

/// The plan's descriptors, open; dropping it closes them.
pub(super) struct Opened {
    childs: Vec<OwnedFd>,
    streams: [Option<OwnedFd>; 3],
}

impl Opened {
    /// Opens everything that the plan names, all of it above stderr and close-on-exec.
    pub(super) fn open(plan: &Plan) -> Result<Self, Error> {
        let mut opened = Self { childs: Vec::with_capacity(plan.descriptors.len()), streams: [None, None, None] };
        for source in &plan.descriptors {
            let descriptor = opened.open_one(*source)?;
            opened.childs.push(descriptor);
        }
        Ok(opened)
    }

    fn open_one(&mut self, source: Descriptor) -> Result<OwnedFd, Error> {
        match source {
            Descriptor::Null => OpenOptions::new()
                .read(true)
                .write(true)
                .custom_flags(libc::O_CLOEXEC)
                .open("/dev/null")
                .map_err(|error| Error::system("open \"/dev/null\"", errno_of(&error)))
                .and_then(|file| above_stderr(file.into())),
            Descriptor::PipeIn => {
                let (read, write) = pipe()?;
                self.keep(0, write)?;
                Ok(read)
            }
            Descriptor::PipeOut(stream) => {
                let (read, write) = pipe()?;
                self.keep(stream, read)?;
                Ok(write)
            }
            Descriptor::Given { number, stream } => {
                // SAFETY: the number is only handed to fcntl, which answers EBADF where nothing is open there.
                let given = unsafe { BorrowedFd::borrow_raw(number) };
                copy_above_stderr(given).map_err(|errno| match errno {
                    Errno::EBADF => Error::spec(
                        format!("minicontainer.stdio[{stream}]"),
                        format!("must be an open descriptor; {number} is not open"),
                    ),
                    errno => Error::system(format!("copy descriptor {number}"), errno),
                })
            }
            Descriptor::Owner => wait::open_pidfd(nix::unistd::getpid().as_raw()).and_then(above_stderr),
        }
    }

    /// Keeps our end of a pipe; it never blocks, for the event loop waits for it.
    fn keep(&mut self, stream: usize, end: OwnedFd) -> Result<(), Error> {
        fcntl(&end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|errno| Error::system("set up a pipe", errno))?;
        if let Some(place) = self.streams.get_mut(stream) {
            *place = Some(end);
        }
        Ok(())
    }

    /// The numbers that the child finds them at.
    pub(super) fn numbers(&self) -> Vec<i32> {
        self.childs.iter().map(AsRawFd::as_raw_fd).collect()
    }

    /// Closes what was opened for the child alone, so that the end of a pipe is seen when the program closes it.
    pub(super) fn close_the_childs(&mut self) {
        self.childs.clear();
    }

    /// Our ends of the pipes.
    pub(super) fn into_streams(self) -> [Option<OwnedFd>; 3] {
        self.streams
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::system("create a pipe", errno))?;
    Ok((above_stderr(read)?, above_stderr(write)?))
}

/// A descriptor can be 0, 1 or 2 where our own were closed; a stream set up before it would then overwrite it.
fn above_stderr(descriptor: OwnedFd) -> Result<OwnedFd, Error> {
    if descriptor.as_raw_fd() >= ABOVE_STDERR {
        return Ok(descriptor);
    }
    copy_above_stderr(&descriptor).map_err(|errno| Error::system("copy a descriptor", errno))
}

fn copy_above_stderr(descriptor: impl std::os::fd::AsFd) -> Result<OwnedFd, Errno> {
    let number = fcntl(descriptor, FcntlArg::F_DUPFD_CLOEXEC(ABOVE_STDERR))?;
    // SAFETY: fcntl just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

/// The program's file, if one of its paths leads to any. It is asked only to word an error.
pub(super) fn find_program(plan: &Plan) -> Option<Metadata> {
    plan.program_paths(Path::new("")).find_map(|path| path.metadata().ok())
}
