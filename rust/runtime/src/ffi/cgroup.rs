//! A running program's cgroup.

use super::{answer, bytes, bytes_mut, known};
use crate::error::Error;
use crate::record::Event;

/// `int32_t minicontainer_cgroup(uint32_t reactor, uint32_t token, const uint8_t *request, uint32_t request_len, uint8_t
/// *record, uint32_t record_len)`: asks something of a program's cgroup, in JSON, and answers in JSON.
///
/// # Safety
/// Both buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_cgroup(
    reactor: u32,
    token: u32,
    request: *const u8,
    request_len: u32,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    // SAFETY: the caller vouches for both buffers.
    let (request, record) = unsafe { (bytes(request, request_len), bytes_mut(record, record_len)) };
    answer(record, || {
        let asked = serde_json::from_slice(request).map_err(|error| Error::spec("limits", error.to_string()))?;
        known(reactor)?.ask_cgroup(token, &asked).map(Event::Text)
    })
}
