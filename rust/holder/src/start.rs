//! Where the kernel begins: the arguments stand on the stack, and no C library is there to fetch them.

use core::arch::global_asm;

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
    let arguments = unsafe { (stack.read(), stack.add(1).cast::<*const core::ffi::c_char>()) };
    let numbers = [1, 2].map(|place| {
        // SAFETY: there are as many as `argc` says, and each is a C string.
        (place < arguments.0).then(|| unsafe { core::ffi::CStr::from_ptr(arguments.1.add(place).read()) })
    });
    minicontainer_child::end(minicontainer_child::hold(numbers))
}
