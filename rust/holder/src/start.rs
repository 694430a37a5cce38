//! Where the kernel begins: the arguments stand on the stack, and no C library is there to fetch them.

/// Has a program begin with a function of `unsafe extern "C" fn(stack: *const usize) -> !`: `stack` is where the kernel
/// has put `argc`, and behind it the arguments, a NULL, the entries of the environment, and a NULL, execve(2).
#[macro_export]
macro_rules! begin_with {
    ($begin:path) => {
        #[cfg(target_arch = "x86_64")]
        core::arch::global_asm!(".globl _start", "_start:", "xor ebp, ebp", "mov rdi, rsp", "and rsp, -16",
            "call {begin}", "ud2", begin = sym $begin);

        #[cfg(target_arch = "aarch64")]
        core::arch::global_asm!(".globl _start", "_start:", "mov x29, 0", "mov x30, 0", "mov x0, sp", "bl {begin}",
            "brk 0", begin = sym $begin);
    };
}
