//! The clone: by nix, or by clone3 where the child is born into a cgroup, for which nix has no way.

use std::arch::asm;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

use minicontainer_child::{Program, run};
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;

use super::stack::Stack;
use super::{failure, signals};
use crate::error::Error;

/// `CLONE_INTO_CGROUP` of linux/sched.h; libc's own overflows.
pub(super) const CLONE_INTO_CGROUP: u64 = 1 << 33;

/// `pid_t clone(int (*fn)(void *), void *stack, int flags, void *arg)`, clone(2), with `CLONE_VM | CLONE_VFORK`: the
/// child runs in this process's memory while this thread sleeps, so nothing is copied and nothing can change below it.
/// With a cgroup's folder it is born there; with `CLONE_FILES` nothing is copied of the table of descriptors either.
pub(super) fn clone(
    namespaces: CloneFlags,
    stack: &mut Stack,
    program: &Program<'_>,
    cgroup: Option<BorrowedFd<'_>>,
) -> Result<i32, Error> {
    let files = if program.shares_files { CloneFlags::CLONE_FILES } else { CloneFlags::empty() };
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK | files | namespaces;
    let _blocked = signals::block_all()?;
    let cloned = if let Some(cgroup) = cgroup {
        clone_into(flags, stack, program, cgroup.as_raw_fd())
    } else {
        let child = Box::new(|| {
            let failure = run(program);
            program.report.fail(failure);
            127
        });
        // SAFETY: the child runs `run` alone, which neither allocates, locks, panics nor calls glibc; its stack and
        // all that `program` borrows outlive it, for this thread sleeps until it has executed the program or ended.
        unsafe { nix::sched::clone(child, stack.memory(), flags, Some(libc::SIGCHLD)) }.map(nix::unistd::Pid::as_raw)
    };
    cloned.map_err(|errno| failure::of_clone(namespaces, errno))
}

/// What the child calls on its own stack; its answer is the exit status.
extern "C" fn walk(program: *const Program<'_>) -> i32 {
    // SAFETY: the caller of `clone_into` borrows it for as long as the child runs in this memory.
    let program = unsafe { &*program };
    let failure = run(program);
    program.report.fail(failure);
    127
}

fn clone_into(flags: CloneFlags, stack: &mut Stack, program: &Program<'_>, cgroup: RawFd) -> Result<i32, Errno> {
    let memory = stack.memory();
    let mut arguments = arguments(CLONE_INTO_CGROUP | u64::from(flags.bits().unsigned_abs()), cgroup);
    arguments.stack = memory.as_mut_ptr().expose_provenance() as u64;
    // The ABIs want a stack that is aligned to 16 bytes.
    arguments.stack_size = (memory.len() - memory.len() % 16) as u64;
    // SAFETY: the structure is of this frame; the child runs `walk` alone, on a stack of its own, with what outlives it,
    // for this thread sleeps until it has executed the program or ended (CLONE_VFORK).
    unsafe { clone3(&arguments, program) }
}

fn arguments(flags: u64, cgroup: RawFd) -> libc::clone_args {
    // SAFETY: all zeroes is valid: no flag, no pointer.
    let mut arguments: libc::clone_args = unsafe { std::mem::zeroed() };
    arguments.flags = flags;
    arguments.exit_signal = u64::from(libc::SIGCHLD.unsigned_abs());
    arguments.cgroup = cgroup.unsigned_abs().into();
    arguments
}

/// Asks by a cgroup that cannot be: the answer is `EBADF` where the kernel looks for it.
pub(super) fn into_cgroup_is_known() -> bool {
    // No descriptor has this number: the limit of them is 2^30.
    let arguments = arguments(CLONE_INTO_CGROUP | u64::from(CloneFlags::CLONE_VM.bits().unsigned_abs()), i32::MAX);
    // SAFETY: the structure is of this frame; there is no such cgroup, so no process comes of it.
    let result = unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size_of_val(&arguments)) };
    Errno::result(result) == Err(Errno::EBADF)
}

/// `long clone3(struct clone_args *cl_args, size_t size)`, clone(2), since Linux 5.3, and what the child does after it.
///
/// # Safety
/// The arguments must have a stack of the child's own and `CLONE_VM | CLONE_VFORK`; `program` must outlive the child.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3(arguments: &libc::clone_args, program: &Program<'_>) -> Result<i32, Errno> {
    let result: i64;
    // SAFETY: as the caller vouches. The kernel leaves all registers but rax, rcx and r11 as they are, in the child too,
    // which calls `walk` and ends: it never leaves the asm, so what a call overwrites is of no concern to the parent.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, r8",
            "call r9",
            "mov edi, eax",
            "mov eax, {exit}",
            "syscall",
            "ud2",
            "2:",
            exit = const libc::SYS_exit_group,
            inlateout("rax") libc::SYS_clone3 => result,
            in("rdi") std::ptr::from_ref(arguments),
            in("rsi") size_of_val(arguments),
            in("r8") std::ptr::from_ref(program),
            in("r9") walk as extern "C" fn(*const Program<'static>) -> i32,
            out("rcx") _, out("r11") _,
        );
    }
    answer(result)
}

/// `long clone3(struct clone_args *cl_args, size_t size)`, clone(2), since Linux 5.3, and what the child does after it.
///
/// # Safety
/// The arguments must have a stack of the child's own and `CLONE_VM | CLONE_VFORK`; `program` must outlive the child.
#[cfg(target_arch = "aarch64")]
unsafe fn clone3(arguments: &libc::clone_args, program: &Program<'_>) -> Result<i32, Errno> {
    let result: i64;
    // SAFETY: as the caller vouches. The kernel leaves all registers but x0 as they are, in the child too, which calls
    // `walk` and ends: it never leaves the asm, so what a call overwrites is of no concern to the parent.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, 0",
            "mov x0, x2",
            "blr x3",
            "mov x8, {exit}",
            "svc 0",
            "brk 1",
            "2:",
            exit = const libc::SYS_exit_group,
            in("x8") libc::SYS_clone3,
            inlateout("x0") std::ptr::from_ref(arguments) => result,
            in("x1") size_of_val(arguments),
            in("x2") std::ptr::from_ref(program),
            in("x3") walk as extern "C" fn(*const Program<'static>) -> i32,
        );
    }
    answer(result)
}

/// An error is a small number below 0.
fn answer(result: i64) -> Result<i32, Errno> {
    let number = i32::try_from(result).map_err(|_| Errno::EIO)?;
    if number < 0 { Err(Errno::from_raw(number.saturating_neg())) } else { Ok(number) }
}
