//! Programs that the kernel asks about a cgroup's devices: bpf(2), since Linux 4.15.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::errno::Errno;
use nix::libc;

use crate::cgroup::devices::program::Instruction;

// `enum bpf_cmd`, `enum bpf_prog_type`, `enum bpf_attach_type` of linux/bpf.h.
const PROG_LOAD: libc::c_int = 5;
const PROG_ATTACH: libc::c_int = 8;
const PROG_DETACH: libc::c_int = 9;
const PROG_GET_FD_BY_ID: libc::c_int = 13;
const PROG_QUERY: libc::c_int = 16;
const TYPE_CGROUP_DEVICE: u32 = 15;
const CGROUP_DEVICE: u32 = 6;
/// `BPF_F_ALLOW_MULTI`: those that are there stay, and so may those of the cgroups below.
const ALLOW_MULTI: u32 = 2;
/// `BPF_CGROUP_MAX_PROGS`: no cgroup has more.
const MOST_PROGRAMS: u32 = 64;

/// `union bpf_attr` of `BPF_PROG_LOAD`, as Linux 4.15 had it.
#[repr(C)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

/// That of `BPF_PROG_ATTACH` and `BPF_PROG_DETACH`.
#[repr(C)]
struct Attach {
    cgroup: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// That of `BPF_PROG_QUERY`.
#[repr(C)]
struct Query {
    cgroup: u32,
    kind: u32,
    flags: u32,
    attach_flags: u32,
    ids: u64,
    count: u32,
    padding: u32,
}

/// That of `BPF_PROG_GET_FD_BY_ID`.
#[repr(C)]
struct ById {
    id: u32,
    next_id: u32,
    open_flags: u32,
}

/// Loads a program of `BPF_PROG_TYPE_CGROUP_DEVICE`.
///
/// # Errors
/// `EPERM` without the right, `EINVAL` where the kernel's checker refuses it, `ENOSYS` without bpf(2).
pub fn load(instructions: &[Instruction]) -> Result<OwnedFd, Errno> {
    let mut name = [0; 16];
    name.iter_mut().zip(*b"minicontainer").for_each(|(place, letter)| *place = letter);
    let mut load = Load {
        kind: TYPE_CGROUP_DEVICE,
        count: instructions.len().try_into().map_err(|_| Errno::E2BIG)?,
        instructions: instructions.as_ptr().addr() as u64,
        license: c"GPL".as_ptr().addr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
        name,
    };
    // SAFETY: the instructions and the license outlive the call, which only reads them.
    let number = unsafe { bpf(PROG_LOAD, &mut load) }?;
    // SAFETY: the kernel just made it, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Attaches a program to a cgroup, beside those that are there.
///
/// # Errors
/// `EPERM` without the right, or where one is there that wants to be alone; `EINVAL` where this one is there.
pub fn attach(cgroup: BorrowedFd<'_>, program: &OwnedFd) -> Result<(), Errno> {
    attach_or_detach(PROG_ATTACH, cgroup, program, ALLOW_MULTI)
}

/// Takes a program off a cgroup.
///
/// # Errors
/// `ENOENT` where it is not there.
pub fn detach(cgroup: BorrowedFd<'_>, program: &OwnedFd) -> Result<(), Errno> {
    attach_or_detach(PROG_DETACH, cgroup, program, 0)
}

fn attach_or_detach(command: libc::c_int, cgroup: BorrowedFd<'_>, program: &OwnedFd, flags: u32) -> Result<(), Errno> {
    let program = word(program.as_fd());
    let mut attach = Attach { cgroup: word(cgroup), program, kind: CGROUP_DEVICE, flags };
    // SAFETY: numbers only.
    unsafe { bpf(command, &mut attach) }.map(drop)
}

/// The programs that are attached to a cgroup itself.
///
/// # Errors
/// `EPERM` without the right, `EINVAL` before Linux 4.15.
pub fn attached(cgroup: BorrowedFd<'_>) -> Result<Vec<OwnedFd>, Errno> {
    let mut ids = [0_u32; MOST_PROGRAMS as usize];
    let mut query = Query {
        cgroup: word(cgroup),
        kind: CGROUP_DEVICE,
        flags: 0,
        attach_flags: 0,
        ids: ids.as_mut_ptr().addr() as u64,
        count: MOST_PROGRAMS,
        padding: 0,
    };
    // SAFETY: the kernel writes `count` numbers at most to `ids`, which outlives the call.
    unsafe { bpf(PROG_QUERY, &mut query) }?;
    let mut programs = Vec::new();
    for id in ids.into_iter().take(query.count as usize) {
        let mut by_id = ById { id, next_id: 0, open_flags: 0 };
        // SAFETY: numbers only.
        match unsafe { bpf(PROG_GET_FD_BY_ID, &mut by_id) } {
            // SAFETY: the kernel just made it, and nobody else knows it.
            Ok(number) => programs.push(unsafe { OwnedFd::from_raw_fd(number) }),
            // It has gone meanwhile.
            Err(Errno::ENOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(programs)
}

fn word(descriptor: BorrowedFd<'_>) -> u32 {
    descriptor.as_raw_fd().unsigned_abs()
}

/// `int bpf(int cmd, union bpf_attr *attr, unsigned int size)`, bpf(2). A descriptor that it opens is close-on-exec.
///
/// # Safety
/// `attributes` are the command's, and what they point to is there and as large as they say.
unsafe fn bpf<T>(command: libc::c_int, attributes: &mut T) -> Result<RawFd, Errno> {
    let attributes: *mut T = attributes;
    // SAFETY: a structure with its size; the rest is the caller's promise.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size_of::<T>()) };
    Errno::result(result).map(|number| RawFd::try_from(number).unwrap_or(-1))
}
