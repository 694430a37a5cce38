//! What the parent opens for the child, and keeps of it.

use std::ffi::CStr;
use std::fs::{Metadata, OpenOptions};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, socketpair};
use nix::sys::stat::Mode;

use super::{passing, spare_network, tree, userns, wait};
use crate::error::{Error, reason};
use crate::plan::{Descriptor, Passed, Plan};

/// The lowest number that stands for no standard stream.
const ABOVE_STDERR: i32 = 3;

/// The plan's descriptors, open; dropping it closes them.
pub(super) struct Opened {
    childs: Vec<Option<OwnedFd>>,
    streams: [Option<OwnedFd>; 3],
    /// Our ends of the sockets that the child sends something through.
    sockets: Vec<(Passed, OwnedFd)>,
}

impl Opened {
    /// Opens everything that the plan names, all of it above stderr and close-on-exec.
    pub(super) fn open(plan: &Plan) -> Result<Self, Error> {
        let childs = Vec::with_capacity(plan.descriptors.len());
        let mut opened = Self { childs, streams: [None, None, None], sockets: Vec::new() };
        for source in &plan.descriptors {
            let descriptor = match source {
                Descriptor::SpareNetwork => spare_network::take(),
                Descriptor::Door => None,
                Descriptor::Owner => own_pidfd().map(|_| None)?,
                source => Some(opened.open_one(source)?),
            };
            opened.childs.push(descriptor);
        }
        Ok(opened)
    }

    fn open_one(&mut self, source: &Descriptor) -> Result<OwnedFd, Error> {
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
                self.keep(*stream, read)?;
                Ok(write)
            }
            Descriptor::Given { number, stream } => {
                // SAFETY: the number is only handed to fcntl, which answers EBADF where nothing is open there.
                let given = unsafe { BorrowedFd::borrow_raw(*number) };
                copy_above_stderr(given).map_err(|errno| match errno {
                    Errno::EBADF => Error::spec(
                        format!("minicontainer.stdio[{stream}]"),
                        format!("must be an open descriptor; {number} is not open"),
                    ),
                    errno => Error::system(format!("copy descriptor {number}"), errno),
                })
            }
            Descriptor::CgroupEntrance(path) | Descriptor::ClassEntrance(path) => OpenOptions::new()
                .write(true)
                .open(path)
                .map_err(|error| Error::system(format!("open {}", path.display()), errno_of(&error)))
                .and_then(|file| above_stderr(file.into())),
            Descriptor::SpareNetwork | Descriptor::Door | Descriptor::Owner => {
                Err(Error::Internal { message: "a spare network is taken, a door given, and we are there".into() })
            }
            Descriptor::Namespace { path, kind, field } => open_namespace(path, *kind, field).and_then(above_stderr),
            Descriptor::IdsOfMount { uid_map, gid_map } => userns::make(uid_map, gid_map).and_then(above_stderr),
            Descriptor::Tree(plan) => {
                let ids = plan.ids.and_then(|fd| self.childs.get(fd.0 as usize)?.as_ref());
                tree::make(plan, ids.map(AsFd::as_fd)).and_then(above_stderr)
            }
            Descriptor::Socket(passed) => {
                let flags = SockFlag::SOCK_CLOEXEC;
                let (ours, childs) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, flags)
                    .map_err(|errno| Error::system("create a pair of sockets", errno))?;
                self.sockets.push((*passed, ours));
                above_stderr(childs)
            }
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

    /// The numbers that the child finds them at; -1: there is none. It waits at `door`, where it waits.
    pub(super) fn numbers(&self, plan: &Plan, door: Option<BorrowedFd<'_>>) -> Vec<i32> {
        let number = |(child, source): (&Option<OwnedFd>, &Descriptor)| match (child, source) {
            (Some(child), _) => child.as_raw_fd(),
            (None, Descriptor::Door) => door.map_or(-1, |door| door.as_raw_fd()),
            (None, Descriptor::Owner) => own_pidfd().unwrap_or(-1),
            _ => -1,
        };
        self.childs.iter().zip(&plan.descriptors).map(number).collect()
    }

    /// Our end of the socket that something comes through, where the plan has the child send that.
    pub(super) fn socket(&self, what: Passed) -> Option<&OwnedFd> {
        self.sockets.iter().find(|(passed, _)| *passed == what).map(|(_, socket)| socket)
    }

    /// The numbers of our ends: stdin, stdout, stderr, and the socket that a terminal comes through; -1: there is none.
    pub(super) fn ours(&self) -> [i32; 4] {
        let number = |end: &Option<OwnedFd>| end.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let [stdin, stdout, stderr] = &self.streams;
        let terminal = self.socket(Passed::Terminal).map_or(-1, AsRawFd::as_raw_fd);
        [number(stdin), number(stdout), number(stderr), terminal]
    }

    /// Closes what was opened for the child alone, so that the end of a pipe is seen when the program closes it.
    pub(super) fn close_the_childs(&mut self) {
        self.childs.clear();
    }

    /// What the child has sent, where the plan has it send that.
    pub(super) fn receive(&self, what: Passed) -> Result<Option<OwnedFd>, Error> {
        let received = self.socket(what).map(|socket| receive(socket, what)).transpose()?;
        if let (Some(terminal), Passed::Terminal) = (&received, what) {
            fcntl(terminal, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                .map_err(|errno| Error::system("set up the program's terminal", errno))?;
        }
        Ok(received)
    }

    /// Our ends of the pipes.
    pub(super) fn into_streams(self) -> [Option<OwnedFd>; 3] {
        self.streams
    }
}

/// This process's own pidfd, by which a child sees whether it is gone; it stays open.
fn own_pidfd() -> Result<RawFd, Error> {
    static OWN: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(own) = OWN.get() {
        return Ok(own.as_raw_fd());
    }
    let own = wait::open_pidfd(nix::unistd::getpid().as_raw()).and_then(above_stderr)?;
    Ok(OWN.get_or_init(|| own).as_raw_fd())
}

/// `ioctl(NS_GET_NSTYPE)`, ioctl_ns(2).
const NS_GET_NSTYPE: libc::c_ulong = 0xb703;

/// Opens a namespace's file, which must be of the kind that the spec says.
fn open_namespace(path: &CStr, kind: i32, field: &str) -> Result<OwnedFd, Error> {
    let named = path.to_string_lossy();
    let refuse = |why: String| Error::spec(field, format!("{named:?} {why}"));
    let file = nix::fcntl::open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|errno| refuse(format!("cannot be opened: {}", reason(errno))))?;
    // SAFETY: the call takes no argument beside the descriptor.
    let found = unsafe { libc::ioctl(file.as_raw_fd(), NS_GET_NSTYPE) };
    if found == kind { Ok(file) } else { Err(refuse("is no namespace of that type".into())) }
}

/// One descriptor from a socket.
fn receive(socket: &OwnedFd, what: Passed) -> Result<OwnedFd, Error> {
    let what = match what {
        Passed::Terminal => "receive the program's terminal",
        Passed::Layers => "receive the layers of the overlay",
        Passed::Listener => "receive the listener of the program's filter",
    };
    let failed = |errno| Error::system(what, errno);
    let message = passing::receive(socket, &mut [0], MsgFlags::MSG_DONTWAIT).map_err(failed)?;
    above_stderr(message.descriptor.ok_or_else(|| failed(Errno::EBADMSG))?)
}

fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    let (read, write) = nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|errno| Error::system("create a pipe", errno))?;
    Ok((above_stderr(read)?, above_stderr(write)?))
}

/// A descriptor can be 0, 1 or 2 where our own were closed; a stream set up before it would then overwrite it.
pub(super) fn above_stderr(descriptor: OwnedFd) -> Result<OwnedFd, Error> {
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
