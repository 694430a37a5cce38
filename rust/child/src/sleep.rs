//! A process that does nothing: it keeps a namespace until it is killed.

use core::ffi::{c_int, c_void};

use crate::sys::{self, Polls};

/// Sleeps until it is killed, or the thread that cloned it ends; what clone(2) calls on the child's stack.
///
/// The child shares the memory of a parent that goes on, so nothing that a frame of the parent's holds may be read:
/// `parent` is no pointer but the parent's PID.
pub extern "C" fn sleep(parent: *mut c_void) -> c_int {
    let is_set = sys::set_parent_death_signal(libc::SIGKILL).is_ok();
    // A parent that ended before this sends no signal any more.
    if is_set && usize::try_from(sys::getppid()) == Ok(parent.addr()) {
        while Polls::new().wait().is_ok() {}
    }
    1
}
