//! Where the kernel begins: the arguments stand on the stack, and no C library is there to fetch them.

use core::arch::global_asm;
use core::ffi::{CStr, c_char};

use minicontainer_child::monitor::{MONITOR_ARGUMENTS, monitor};
use minicontainer_child::{CStrArray, end, hold};

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16", "call {begin}", "ud2",
    begin = sym begin);

#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x29, 0", "mov x30, 0", "mov x0, sp", "bl {begin}", "brk 0",
    begin = sym begin);

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
