//! The door for Deno: parse, call, return. `src/native/symbols.ts` declares the same functions.
//!
//! Every buffer is the caller's. Every function that can fail in words takes a record for them ([`crate::record`]) and
//! returns the bytes written to it, or [`TOO_SMALL`]; none unwinds.

pub mod calls;
pub mod cgroup;
pub mod life;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::libc;

use crate::check::check;
use crate::error::Error;
use crate::plan::{Plan, explain};
use crate::planned::planned;
use crate::reactor::Reactor;
use crate::record::{self, Event, Started};
use crate::resolve::resolve;
use crate::run::run;

/// Renamed with every change of a signature or of the record: a caller that was written for another one does not find
/// its name, and builds the library anew.
#[unsafe(no_mangle)]
pub static minicontainer_abi_6: u8 = 6;

/// The record's buffer cannot hold the answer: call again with a larger one.
pub const TOO_SMALL: i32 = -1;

static REACTORS: Mutex<Option<HashMap<u32, Arc<Reactor>>>> = Mutex::new(None);

/// `int32_t minicontainer_run(const uint8_t *spec, uint32_t spec_len, uint8_t *record, uint32_t record_len)`:
/// runs a program to its end.
///
/// # Safety
/// Both buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_run(spec: *const u8, spec_len: u32, record: *mut u8, record_len: u32) -> i32 {
    // SAFETY: the caller vouches for both buffers.
    unsafe { with_plan(spec, spec_len, record, record_len, false, |plan| run(&plan).map(Event::Ended)) }
}

/// `int32_t minicontainer_explain(…)`, as [`minicontainer_run`]: the plan's lines as JSON.
///
/// # Safety
/// Both buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_explain(
    spec: *const u8,
    spec_len: u32,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    // SAFETY: the caller vouches for both buffers.
    unsafe { with_plan(spec, spec_len, record, record_len, true, |plan| text(&explain(&plan))) }
}

/// `int32_t minicontainer_resolve(…)`, as [`minicontainer_run`]: what would be executed, as the JSON of [`crate::resolve::Resolved`].
///
/// # Safety
/// Both buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_resolve(
    spec: *const u8,
    spec_len: u32,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    // SAFETY: the caller vouches for both buffers.
    unsafe { with_plan(spec, spec_len, record, record_len, true, |plan| text(&resolve(&plan))) }
}

/// `int32_t minicontainer_check(uint8_t *record, uint32_t record_len)`: what works on this host, as the JSON of
/// [`crate::check::Report`].
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_check(record: *mut u8, record_len: u32) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let record = unsafe { bytes_mut(record, record_len) };
    answer(record, || text(&check()))
}

/// `int32_t minicontainer_open(uint8_t *record, uint32_t record_len)`: makes a reactor; its number,
/// by which the other calls name it, as JSON.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_open(record: *mut u8, record_len: u32) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let record = unsafe { bytes_mut(record, record_len) };
    answer(record, || {
        let reactor = Arc::new(Reactor::new()?);
        let mut reactors = REACTORS.lock().unwrap_or_else(PoisonError::into_inner);
        let reactors = reactors.get_or_insert_default();
        let number = u32::try_from(reactors.len()).unwrap_or(u32::MAX);
        reactors.insert(number, reactor);
        text(&number)
    })
}

/// `int32_t minicontainer_start(uint32_t reactor, uint32_t token, bool answers, const uint8_t *spec, uint32_t spec_len,
/// uint8_t *record, uint32_t record_len)`: starts a program that the reactor's events tell of; its PID is in the record.
/// The caller `answers` the calls that its filter asks about, or the filter may not ask.
///
/// # Safety
/// Both buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_start(
    reactor: u32,
    token: u32,
    answers: bool,
    spec: *const u8,
    spec_len: u32,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    let start = |plan| known(reactor)?.spawn(token, plan).map(Event::Started);
    // SAFETY: the caller vouches for both buffers.
    unsafe { with_plan(spec, spec_len, record, record_len, answers, start) }
}

/// `int32_t minicontainer_start_elsewhere(…)`, as [`minicontainer_start`]: has another thread start the program; the
/// reactor's events tell that it was, too.
///
/// # Safety
/// Both buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_start_elsewhere(
    reactor: u32,
    token: u32,
    answers: bool,
    spec: *const u8,
    spec_len: u32,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    let started = |()| Event::Started(Started::default());
    let start = |plan| known(reactor)?.spawn_elsewhere(token, plan).map(started);
    // SAFETY: the caller vouches for both buffers.
    unsafe { with_plan(spec, spec_len, record, record_len, answers, start) }
}

/// `int32_t minicontainer_adopt(uint32_t reactor, uint32_t token, int32_t pid, uint8_t *record, uint32_t record_len)`:
/// has the reactor's events tell of the end of a container that this process has made.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_adopt(
    reactor: u32,
    token: u32,
    pid: i32,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let record = unsafe { bytes_mut(record, record_len) };
    answer(record, || match known(reactor)?.adopt(token, pid)? {
        Some(started) => Ok(Event::Started(started)),
        None => Err(Error::system(format!("wait for process {pid}"), Errno::ECHILD)),
    })
}

/// `int32_t minicontainer_wait(uint32_t reactor, uint32_t sources, int32_t timeout_ms, uint8_t *records, uint32_t
/// records_len)`: waits until something is to be told of ends (1) or pipes (2), or both (3); -1 ms: for ever. Records
/// stand one behind the other.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_wait(
    reactor: u32,
    sources: u32,
    timeout_ms: i32,
    records: *mut u8,
    records_len: u32,
) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let records = unsafe { bytes_mut(records, records_len) };
    let waited = guarded(|| known(reactor)?.wait(sources, records, timeout_ms));
    match waited {
        Ok(length) => length_of(length),
        Err(error) => record::write(records, 0, &Event::Failed(error)).map_or(TOO_SMALL, length_of),
    }
}

/// `void minicontainer_wake(uint32_t reactor)`: makes a wait come back.
#[unsafe(no_mangle)]
pub extern "C" fn minicontainer_wake(reactor: u32) {
    let _ = guarded(|| known(reactor).map(|reactor| reactor.wake()));
}

/// `int32_t minicontainer_signal(uint32_t reactor, uint32_t token, int32_t signal)`: 0, or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn minicontainer_signal(reactor: u32, token: u32, signal: i32) -> i32 {
    negative(reactor, |reactor| reactor.signal(token, signal).map(|()| 0))
}

/// `int32_t minicontainer_resize(uint32_t reactor, uint32_t token, uint32_t rows, uint32_t columns)`: sets the size of
/// the program's terminal; 0, or a negative error number.
#[unsafe(no_mangle)]
pub extern "C" fn minicontainer_resize(reactor: u32, token: u32, rows: u32, columns: u32) -> i32 {
    negative(reactor, |reactor| {
        let size = |number| u16::try_from(number).map_err(|_| Errno::EINVAL);
        reactor.resize(token, (size(rows)?, size(columns)?)).map(|()| 0)
    })
}

/// `int32_t minicontainer_read(uint32_t reactor, uint32_t token, uint32_t stream, uint8_t *buffer, uint32_t len)`: bytes
/// read, 0 at the end, or a negative error number, `-EAGAIN` where an event will tell when to come again.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_read(reactor: u32, token: u32, stream: u32, buffer: *mut u8, len: u32) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let buffer = unsafe { bytes_mut(buffer, len) };
    negative(reactor, |reactor| reactor.read(token, stream as usize, buffer))
}

/// `int32_t minicontainer_write(uint32_t reactor, uint32_t token, const uint8_t *buffer, uint32_t len)`: bytes taken, or
/// a negative error number, `-EAGAIN` where an event will tell when to come again.
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_write(reactor: u32, token: u32, buffer: *const u8, len: u32) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let buffer = unsafe { bytes(buffer, len) };
    negative(reactor, |reactor| reactor.write(token, buffer))
}

/// `int32_t minicontainer_changes(uint32_t reactor, uint32_t token, uint8_t *record, uint32_t record_len)`: what was
/// changed in a program's overlay, as the JSON of [`crate::layers::Changes`]; once that is read, the caller closes its
/// layers (7).
///
/// # Safety
/// The buffer must be valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_changes(reactor: u32, token: u32, record: *mut u8, record_len: u32) -> i32 {
    // SAFETY: the caller vouches for the buffer.
    let record = unsafe { bytes_mut(record, record_len) };
    answer(record, || text(&known(reactor)?.changes(token)?))
}

/// `void minicontainer_close(uint32_t reactor, uint32_t token, uint32_t stream)`: closes our end of a stream,
/// its listener (5), what tells of its cgroup (6) or its layers (7).
#[unsafe(no_mangle)]
pub extern "C" fn minicontainer_close(reactor: u32, token: u32, stream: u32) {
    let _ = guarded(|| known(reactor).map(|reactor| reactor.close(token, stream as usize)));
}

/// Plans what stands in the one buffer, for somebody who `answers` its calls or not, and writes what `call` makes of it
/// to the other.
///
/// # Safety
/// Both buffers must be valid for their lengths.
unsafe fn with_plan(
    spec: *const u8,
    spec_len: u32,
    record: *mut u8,
    record_len: u32,
    answers: bool,
    call: impl FnOnce(Arc<Plan>) -> Result<Event, Error>,
) -> i32 {
    // SAFETY: the caller vouches for both buffers.
    let (spec, record) = unsafe { (bytes(spec, spec_len), bytes_mut(record, record_len)) };
    answer(record, || call(planned(spec, answers)?))
}

fn text(value: &(impl serde::Serialize + ?Sized)) -> Result<Event, Error> {
    serde_json::to_vec(value).map(Event::Text).map_err(|error| Error::Internal { message: error.to_string() })
}

fn known(reactor: u32) -> Result<Arc<Reactor>, Error> {
    let reactors = REACTORS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = reactors.as_ref().and_then(|reactors| reactors.get(&reactor)).map(Arc::clone);
    found.ok_or_else(|| Error::Internal { message: format!("there is no reactor {reactor}") })
}

/// Puts what `call` gives into the record; a panic becomes an error like any other.
fn answer(record: &mut [u8], call: impl FnOnce() -> Result<Event, Error>) -> i32 {
    let event = guarded(call).unwrap_or_else(Event::Failed);
    record::write(record, 0, &event).map_or(TOO_SMALL, length_of)
}

fn guarded<T>(call: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| {
        let message = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("a panic without words");
        Err(Error::Internal { message: message.to_string() })
    })
}

fn negative(reactor: u32, call: impl FnOnce(&Reactor) -> Result<usize, Errno>) -> i32 {
    let result = guarded(|| known(reactor).map(|reactor| call(&reactor)));
    match result {
        Ok(Ok(length)) => length_of(length),
        Ok(Err(errno)) => -(errno as i32),
        Err(_) => -libc::EINVAL,
    }
}

fn length_of(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

/// # Safety
/// `start` must be valid for `length` bytes, or `length` 0.
unsafe fn bytes<'b>(start: *const u8, length: u32) -> &'b [u8] {
    if length == 0 {
        return &[];
    }
    // SAFETY: as the caller vouches.
    unsafe { slice::from_raw_parts(start, length as usize) }
}

/// # Safety
/// `start` must be valid for `length` bytes and nobody else's, or `length` 0.
unsafe fn bytes_mut<'b>(start: *mut u8, length: u32) -> &'b mut [u8] {
    if length == 0 {
        return &mut [];
    }
    // SAFETY: as the caller vouches.
    unsafe { slice::from_raw_parts_mut(start, length as usize) }
}
