//! Calls that wait for an answer: a program's listener.

use nix::errno::Errno;

use super::{answer, bytes, bytes_mut, known, negative, text};
use crate::error::number;
use crate::launch::listener::Answer;

/// `int32_t minicontainer_receive(uint32_t reactor, uint32_t token, uint8_t *record, uint32_t record_len)`: a call that
/// waits, as JSON: bytes of the record, 0 where none will come, or a negative error number, `-EAGAIN` where an event will
/// tell when to come again.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_receive(reactor: u32, token: u32, record: *mut u8, record_len: u32) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let record = unsafe { bytes_mut(record, record_len) };
    negative(reactor, |reactor| reactor.receive(token, record))
}

/// `int32_t minicontainer_continue(uint32_t reactor, uint32_t token, uint64_t id)`: has the kernel make the call; 0, or a
/// negative error number, `-ENOENT` where it does not wait any more.
#[unsafe(no_mangle)]
pub extern "C" fn minicontainer_continue(reactor: u32, token: u32, id: u64) -> i32 {
    negative(reactor, |reactor| reactor.answer(token, id, Answer::Continue).map(|()| 0))
}

/// `int32_t minicontainer_fail(uint32_t reactor, uint32_t token, uint64_t id, int32_t errno)`, as
/// [`minicontainer_continue`]: the call fails.
#[unsafe(no_mangle)]
pub extern "C" fn minicontainer_fail(reactor: u32, token: u32, id: u64, errno: i32) -> i32 {
    negative(reactor, |reactor| reactor.answer(token, id, Answer::Fail(errno)).map(|()| 0))
}

/// `int32_t minicontainer_return(uint32_t reactor, uint32_t token, uint64_t id, int64_t value)`, as
/// [`minicontainer_continue`]: the call returns a value without being made.
#[unsafe(no_mangle)]
pub extern "C" fn minicontainer_return(reactor: u32, token: u32, id: u64, value: i64) -> i32 {
    negative(reactor, |reactor| reactor.answer(token, id, Answer::Return(value)).map(|()| 0))
}

/// `int32_t minicontainer_read_string(uint32_t reactor, uint32_t token, uint64_t id, int32_t thread, uint64_t address,
/// uint8_t *record, uint32_t record_len)`: the string at an address of the thread that makes a call, as JSON.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_read_string(
    reactor: u32,
    token: u32,
    id: u64,
    thread: i32,
    address: u64,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let record = unsafe { bytes_mut(record, record_len) };
    answer(record, || text(&known(reactor)?.read_string(token, id, thread, address)?))
}

/// `int32_t minicontainer_errno(const uint8_t *name, uint32_t name_len)`: the number of an error's name, as in `EPERM`;
/// 0 where there is none.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_errno(name: *const u8, name_len: u32) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let name = unsafe { bytes(name, name_len) };
    number(name).map_or(0, |errno: Errno| errno as i32)
}
