//! The system calls, each by its own instruction: nothing of glibc runs in the child.
//!
//! glibc's wrappers store `errno` in the calling thread's control block, which the child shares with the thread that
//! cloned; `set*id` and `setgroups` even signal the process's other threads. A bare instruction does neither.

mod clone;
mod file;
mod landlock;
mod memory;
mod message;
mod mount;
mod namespace;
mod privilege;
mod process;
mod schedule;
mod terminal;
mod text;
mod wait;

use core::arch::asm;

pub(crate) use clone::*;
pub(crate) use file::*;
pub(crate) use landlock::*;
pub(crate) use memory::*;
pub(crate) use message::*;
pub(crate) use mount::*;
pub(crate) use namespace::*;
pub(crate) use privilege::*;
pub(crate) use process::*;
pub(crate) use schedule::*;
pub(crate) use terminal::*;
pub(crate) use wait::*;

/// The kernel's error number, above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Errno(pub i32);

/// One system call with up to six arguments; what the kernel returns, errors as -4095..-1.
///
/// # Safety
/// The arguments must be what call `number` takes; a pointer among them must be valid for what the kernel does with it.
unsafe fn syscall<const N: usize>(number: i64, arguments: [usize; N]) -> i64 {
    let mut registers = [0; 6];
    for (register, argument) in registers.iter_mut().zip(arguments) {
        *register = argument;
    }
    // SAFETY: as the caller vouches; the registers that a call does not take it does not read.
    unsafe { instruction(number, registers) }
}

/// # Safety
/// As [`syscall`].
#[cfg(target_arch = "x86_64")]
unsafe fn instruction(number: i64, [first, second, third, fourth, fifth, sixth]: [usize; 6]) -> i64 {
    let result: i64;
    // SAFETY: the caller vouches for the call; the kernel changes rax, rcx, r11 and what the pointers name.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") first, in("rsi") second, in("rdx") third,
            in("r10") fourth, in("r8") fifth, in("r9") sixth, lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// # Safety
/// As [`syscall`].
#[cfg(target_arch = "aarch64")]
unsafe fn instruction(number: i64, [first, second, third, fourth, fifth, sixth]: [usize; 6]) -> i64 {
    let result: i64;
    // SAFETY: the caller vouches for the call; the kernel changes x0 and what the pointers name.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") first => result, in("x1") second, in("x2") third,
            in("x3") fourth, in("x4") fifth, in("x5") sixth, options(nostack));
    }
    result
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("minicontainer knows the system call instruction of x86_64 and aarch64 only");

#[allow(clippy::cast_possible_truncation, reason = "an error number is below 4096, a descriptor below 2^31")]
fn check(result: i64) -> Result<i32, Errno> {
    if result < 0 { Err(Errno((result as i32).saturating_neg())) } else { Ok(result as i32) }
}

/// As [`check`], where only success is of interest.
fn done(result: i64) -> Result<(), Errno> {
    check(result).map(|_| ())
}

/// A signed number as the register holds it.
#[allow(clippy::cast_sign_loss, reason = "the kernel reads the low 32 bits as signed")]
const fn word(number: i32) -> usize {
    number as usize
}

/// A number that is not negative, as the register holds it.
const fn number_of(number: u32) -> usize {
    number as usize
}

/// The address of something that lives until the call is over.
fn address<T>(of: &T) -> usize {
    core::ptr::from_ref(of).expose_provenance()
}
