//! The calls of a program that wait for an answer.

use std::ffi::CStr;
use std::io::IoSliceMut;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use serde::Serialize;

use super::{LISTENER, Reactor, State, event};
use crate::error::Error;
use crate::launch::listener::{Answer, Call, Listener};
use crate::record::{self, Event};
use crate::seccomp;

/// A call as TypeScript reads it: what may be above 2^53 is text.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    id: String,
    pid: i32,
    syscall: &'static str,
    number: u32,
    architecture: &'static str,
    instruction_pointer: String,
    args: [String; 6],
}

impl Told {
    fn new(call: &Call) -> Self {
        let (syscall, architecture) = seccomp::name_of(call.token, call.number).unwrap_or(("unknown", "unknown"));
        Self {
            id: call.id.to_string(),
            pid: call.thread,
            syscall,
            number: call.number,
            architecture,
            instruction_pointer: call.instruction_pointer.to_string(),
            args: call.args.map(|value| value.to_string()),
        }
    }
}

/// What `PATH_MAX` lets a path have, its NUL included.
const LONGEST_STRING: usize = 4096;

/// The smallest that pages are: memory ends where one does, and of each part all is read or nothing.
const PAGE_BYTES: usize = 4096;

impl Reactor {
    /// Takes the next call that waits, and writes it to `buffer` as a record: the bytes written, 0 where no process is
    /// left that the filter is on, `EAGAIN` where no call waits, after which an event tells when one does.
    ///
    /// # Errors
    /// `EAGAIN`; `EBADF` where the program has no listener, or it is closed; `ENOBUFS` where the buffer is too small.
    pub fn receive(&self, token: u32, buffer: &mut [u8]) -> Result<usize, Errno> {
        let state = self.lock();
        let listener = state.listener(token)?;
        let result = listener.receive().and_then(|call| {
            let Some(call) = call else { return Ok(0) };
            let text = serde_json::to_vec(&Told::new(&call)).map_err(|_| Errno::EINVAL)?;
            record::write(buffer, token, &Event::Text(text)).ok_or(Errno::ENOBUFS)
        });
        self.arm_if_again(result, listener, event(token, LISTENER, EpollFlags::EPOLLIN | EpollFlags::EPOLLONESHOT))
    }

    /// Answers a call.
    ///
    /// # Errors
    /// `ENOENT` where it does not wait any more; `EBADF` as [`Reactor::receive`].
    pub fn answer(&self, token: u32, id: u64, answer: Answer) -> Result<(), Errno> {
        self.lock().listener(token)?.answer(id, answer)
    }

    /// Reads the string at an address of the thread that makes a call; what is no UTF-8 becomes U+FFFD.
    ///
    /// # Errors
    /// [`Error::System`]: `ENOENT` where the call does not wait any more; `EFAULT` where nothing is there;
    /// `ENAMETOOLONG` where it has no end; `EPERM` where we may not look; `EBADF` as [`Reactor::receive`].
    pub fn read_string(&self, token: u32, id: u64, thread: i32, address: u64) -> Result<String, Error> {
        let failed = |errno| Error::system(format!("read the string at {address:#x} of thread {thread}"), errno);
        let mut buffer = [0; LONGEST_STRING];
        let length = self.read_memory(token, id, thread, address, &mut buffer).map_err(failed)?;
        let text = CStr::from_bytes_until_nul(&buffer[..length]).map_err(|_| failed(Errno::ENAMETOOLONG))?;
        Ok(text.to_string_lossy().into_owned())
    }

    fn read_memory(&self, token: u32, id: u64, thread: i32, address: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        let state = self.lock();
        let listener = state.listener(token)?;
        listener.check_waits(id)?;
        let read = read_memory(thread, address, buffer);
        // Only now it is sure whose memory that was.
        listener.check_waits(id)?;
        read
    }
}

/// Reads as far as there is something.
fn read_memory(thread: i32, address: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
    let start = usize::try_from(address).map_err(|_| Errno::EFAULT)?;
    let in_first_page = (PAGE_BYTES - start % PAGE_BYTES).min(buffer.len());
    let rest = buffer.len() - in_first_page;
    let parts = [
        RemoteIoVec { base: start, len: in_first_page },
        RemoteIoVec { base: start.wrapping_add(in_first_page), len: rest },
    ];
    process_vm_readv(Pid::from_raw(thread), &mut [IoSliceMut::new(buffer)], &parts)
}

impl State {
    fn listener(&self, token: u32) -> Result<&Listener, Errno> {
        self.programs.get(&token).and_then(|program| program.listener.as_ref()).ok_or(Errno::EBADF)
    }
}
