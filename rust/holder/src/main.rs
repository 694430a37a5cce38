//! What a created container waits in until it is started.
//!
//! It has taken the place of the process that set the container up, so that this keeps nothing of the memory of the one
//! that started it; once it is told to, it walks over the rest of the plan, whose last step puts the program in its
//! place. It is executed from sealed memory: what runs here no container can write to (CVE-2019-5736).

#![no_std]
#![no_main]

use core::ffi::{CStr, c_char};

use minicontainer_child::monitor::{MONITOR_ARGUMENTS, monitor};
use minicontainer_child::{CStrArray, end, hold};

minicontainer_holder::begin_with!(begin);

/// # Safety
/// `stack` is where the kernel has put `argc`, and behind it the `argv` that [`minicontainer_child::hold`] asks for.
unsafe extern "C" fn begin(stack: *const usize) -> ! {
    // SAFETY: as the kernel lays the stack out, execve(2).
    let (count, texts) = unsafe { (stack.read(), stack.add(1).cast::<*const c_char>()) };
    let argument = |place: usize| {
        // SAFETY: there are as many as `argc` says, and each is a C string.
        (place < count).then(|| unsafe { CStr::from_ptr(texts.add(place).read()) })
    };
    if count < MONITOR_ARGUMENTS {
        end(hold([argument(1), argument(2)]))
    }
    // SAFETY: a NULL stands behind the last argument.
    let command = unsafe { CStrArray::from_stack(texts.add(MONITOR_ARGUMENTS), count - MONITOR_ARGUMENTS) };
    end(monitor(core::array::from_fn(|place| argument(place + 1)), command))
}
