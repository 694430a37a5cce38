//! A second clone, for a PID namespace that was joined: it holds the children of who joins it, not the one itself.

use core::arch::asm;
use core::sync::atomic::AtomicI32;

use super::Errno;

/// With `CLONE_PARENT` the new process is the parent's child, as this one is; it has this one's memory, or a copy of it,
/// and, because of `CLONE_VFORK`, this one's stack, for this one never runs again: it ends where it is.
const fn flags(copies: bool) -> i32 {
    libc::CLONE_PARENT | libc::CLONE_VFORK | if copies { 0 } else { libc::CLONE_VM }
}

/// `long clone(unsigned long flags, NULL, …)`, clone(2): goes on in the new process, whose number is stored for the
/// parent; the old process waits until the new one has executed the program or ended, and ends too.
#[cfg(target_arch = "x86_64")]
pub(crate) fn clone_again(pid: &AtomicI32, copies: bool) -> Result<(), Errno> {
    let result: i64;
    // SAFETY: the new process goes on below the asm with this stack, on which the old one never writes again: it stores
    // the number in memory that both see, and makes the call that ends it, without a return to Rust.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jle 2f",
            "mov dword ptr [{pid}], eax",
            "xor edi, edi",
            "mov eax, {exit}",
            "syscall",
            "2:",
            pid = in(reg) pid.as_ptr(),
            exit = const libc::SYS_exit_group,
            inlateout("rax") libc::SYS_clone => result,
            inlateout("rdi") super::word(flags(copies)) => _,
            in("rsi") 0, in("rdx") 0, in("r10") 0, in("r8") 0,
            // Not `lateout`: `pid` might stand in one of these, and is needed after the call that overwrites them.
            out("rcx") _, out("r11") _,
        );
    }
    super::done(result)
}

/// `long clone(unsigned long flags, NULL, …)`, clone(2): goes on in the new process, whose number is stored for the
/// parent; the old process waits until the new one has executed the program or ended, and ends too.
#[cfg(target_arch = "aarch64")]
pub(crate) fn clone_again(pid: &AtomicI32, copies: bool) -> Result<(), Errno> {
    let result: i64;
    // SAFETY: the new process goes on below the asm with this stack, on which the old one never writes again: it stores
    // the number in memory that both see, and makes the call that ends it, without a return to Rust.
    unsafe {
        asm!(
            "svc 0",
            "cmp x0, 0",
            "b.le 2f",
            "str w0, [{pid}]",
            "mov x0, 0",
            "mov x8, {exit}",
            "svc 0",
            "2:",
            pid = in(reg) pid.as_ptr(),
            exit = const libc::SYS_exit_group,
            inlateout("x8") libc::SYS_clone => _,
            inlateout("x0") super::word(flags(copies)) => result,
            in("x1") 0, in("x2") 0, in("x3") 0, in("x4") 0,
        );
    }
    super::done(result)
}

/// `long clone(unsigned long flags, void *stack, NULL, int *pidfd, …)`, clone(2), with `CLONE_PIDFD`: a child that runs
/// `work` on the stack that ends at `top`, and its pidfd; with `CLONE_VFORK` this one waits until it has executed
/// another program or ended.
pub(crate) fn clone_child<W: Fn()>(flags: i32, top: usize, work: &W) -> Result<(i32, i32), Errno> {
    let mut pidfd = -1_i32;
    let flags = super::word(flags | libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD);
    let pidfd_address = (&raw mut pidfd).expose_provenance();
    let work = super::address(work);
    let result: i64;
    // SAFETY: the child begins on a stack of its own, calls `enter` and never comes back; `work` outlives it, for this
    // process waits. What the child leaves of the registers is not ours.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") libc::SYS_clone => result,
            in("rdi") flags, in("rsi") top & !15, in("rdx") pidfd_address, in("r10") 0, in("r8") 0,
            in("r12") work, in("r13") enter::<W> as *const (),
            out("rcx") _, out("r11") _,
        );
    }
    // SAFETY: as above.
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, 0",
            "mov x30, 0",
            "mov x0, x20",
            "blr x21",
            "brk 0",
            "2:",
            in("x8") libc::SYS_clone,
            inlateout("x0") flags => result,
            in("x1") top & !15, in("x2") pidfd_address, in("x3") 0, in("x4") 0,
            in("x20") work, in("x21") enter::<W> as *const (),
        );
    }
    Ok((super::check(result)?, pidfd))
}

/// Where such a child begins.
///
/// # Safety
/// `work` must be valid.
unsafe extern "C" fn enter<W: Fn()>(work: *const W) -> ! {
    // SAFETY: as the caller vouches.
    unsafe { (*work)() };
    super::exit(127)
}
