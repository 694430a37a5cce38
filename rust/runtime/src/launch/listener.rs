//! The listener of a seccomp filter: it tells of calls that wait for an answer, seccomp_unotify(2).

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// The descriptor that seccomp(2) gave who installed the filter. Once it is closed, every call that waits or would wait
/// fails with `ENOSYS`.
#[derive(Debug)]
pub struct Listener(OwnedFd);

/// A call that waits.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Names it, for as long as it waits.
    pub id: u64,
    /// The thread that makes it, as this process numbers it.
    pub thread: i32,
    /// `seccomp_data.nr`
    pub number: u32,
    /// `seccomp_data.arch`
    pub token: u32,
    /// Where in the program it is made.
    pub instruction_pointer: u64,
    /// Its arguments; which of them it takes is the call's own.
    pub args: [u64; 6],
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The kernel makes it.
    Continue,
    /// It fails with this error number, above 0.
    Fail(i32),
    /// It is not made, and returns this.
    Return(i64),
}

impl Listener {
    pub(super) fn new(descriptor: OwnedFd) -> Self {
        Self(descriptor)
    }

    /// The next call that waits; `None` where no process is left that the filter is on.
    ///
    /// # Errors
    /// `EAGAIN` where none waits now.
    pub fn receive(&self) -> Result<Option<Call>, Errno> {
        loop {
            // The ioctl itself would sleep. Where poll(2) has seen a call, it does not, though that call may be gone by
            // then: the kernel counts what has come, not what waits.
            let mut polled = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
            poll(&mut polled, PollTimeout::ZERO)?;
            let found = polled[0].revents().unwrap_or(PollFlags::empty());
            if !found.contains(PollFlags::POLLIN) {
                return if found.contains(PollFlags::POLLHUP) { Ok(None) } else { Err(Errno::EAGAIN) };
            }
            match self.receive_one() {
                Err(Errno::ENOENT | Errno::EINTR) => {}
                result => return result.map(Some),
            }
        }
    }

    /// `int ioctl(int fd, SECCOMP_IOCTL_NOTIF_RECV, struct seccomp_notif *req)`
    fn receive_one(&self) -> Result<Call, Errno> {
        // As long as this kernel has it, which may be longer than we know it; it must be empty.
        let mut buffer = Structure::<libc::seccomp_notif>::empty(sizes()?.seccomp_notif);
        // SAFETY: the buffer is of the kernel's size.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, buffer.as_mut_ptr()) };
        Errno::result(result)?;
        // SAFETY: the buffer is not smaller than the structure, which is numbers only.
        let libc::seccomp_notif { id, pid, data, .. } = unsafe { buffer.as_mut_ptr().read() };
        Ok(Call {
            id,
            thread: i32::try_from(pid).unwrap_or(-1),
            number: u32::from_ne_bytes(data.nr.to_ne_bytes()),
            token: data.arch,
            instruction_pointer: data.instruction_pointer,
            args: data.args,
        })
    }

    /// `int ioctl(int fd, SECCOMP_IOCTL_NOTIF_SEND, struct seccomp_notif_resp *resp)`
    ///
    /// # Errors
    /// `ENOENT` where the call does not wait any more: the thread was ended or interrupted.
    pub fn answer(&self, id: u64, answer: Answer) -> Result<(), Errno> {
        let (val, error, flags) = match answer {
            Answer::Continue => (0, 0, CONTINUE),
            Answer::Fail(errno) => (0, -errno, 0),
            Answer::Return(value) => (value, 0, 0),
        };
        let mut buffer = Structure::<libc::seccomp_notif_resp>::empty(sizes()?.seccomp_notif_resp);
        // SAFETY: the buffer is not smaller than the structure.
        unsafe { buffer.as_mut_ptr().write(libc::seccomp_notif_resp { id, val, error, flags }) };
        // SAFETY: the buffer is of the kernel's size.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, buffer.as_mut_ptr()) };
        Errno::result(result).map(drop)
    }

    /// `int ioctl(int fd, SECCOMP_IOCTL_NOTIF_ID_VALID, uint64_t *id)`: fails with `ENOENT` where the call does not wait
    /// any more, and its thread's number may be another's.
    ///
    /// # Errors
    /// `ENOENT`.
    pub fn check_waits(&self, id: u64) -> Result<(), Errno> {
        // SAFETY: a number of this frame, which the kernel only reads.
        let result = unsafe { libc::ioctl(self.0.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &raw const id) };
        Errno::result(result).map(drop)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// `SECCOMP_USER_NOTIF_FLAG_CONTINUE` as the structure has it, since Linux 5.5.
const CONTINUE: u32 = 1;

/// Zeroes where a structure of numbers begins, which the kernel may have made longer since.
struct Structure<T> {
    words: Vec<u64>,
    kind: std::marker::PhantomData<T>,
}

impl<T> Structure<T> {
    fn empty(bytes: u16) -> Self {
        let bytes = usize::from(bytes).max(size_of::<T>());
        Self { words: vec![0; bytes.div_ceil(size_of::<u64>())], kind: std::marker::PhantomData }
    }

    fn as_mut_ptr(&mut self) -> *mut T {
        self.words.as_mut_ptr().cast()
    }
}

/// `int seccomp(SECCOMP_GET_NOTIF_SIZES, 0, struct seccomp_notif_sizes *sizes)`, seccomp(2).
fn sizes() -> Result<libc::seccomp_notif_sizes, Errno> {
    static SIZES: OnceLock<libc::seccomp_notif_sizes> = OnceLock::new();
    if let Some(sizes) = SIZES.get() {
        return Ok(*sizes);
    }
    let mut sizes = libc::seccomp_notif_sizes { seccomp_notif: 0, seccomp_notif_resp: 0, seccomp_data: 0 };
    // SAFETY: the structure is of this frame.
    Errno::result(unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_GET_NOTIF_SIZES, 0, &raw mut sizes) })?;
    Ok(*SIZES.get_or_init(|| sizes))
}
