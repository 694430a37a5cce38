//! The call that serves a container's life, by name.

use super::{answer, bytes, bytes_mut};
use crate::life;
use crate::record::Event;

/// `int32_t minicontainer_call(const uint8_t *request, uint32_t request_len, uint8_t *record, uint32_t record_len)`: makes
/// the call that a JSON object names; its answer is JSON.
///
/// # Safety
/// Both buffers must be valid for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn minicontainer_call(
    request: *const u8,
    request_len: u32,
    record: *mut u8,
    record_len: u32,
) -> i32 {
    // SAFETY: the caller vouches for both buffers.
    let (request, record) = unsafe { (bytes(request, request_len), bytes_mut(record, record_len)) };
    answer(record, || life::call(request).map(Event::Text))
}
