//! Has the kernel ask a program about the devices of a cgroup's processes.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;

use super::Policy;
use super::program::{Instruction, program};
use crate::error::Error;
use crate::launch::bpf;

/// Attaches a policy's program to a folder of version 2, in the place of those that are there. What is asked meanwhile
/// must be allowed by both. The programs of the cgroups above stay, and must allow it too.
///
/// # Errors
/// [`Error::System`]: `EPERM` without `CAP_BPF` and `CAP_NET_ADMIN`, or `CAP_SYS_ADMIN`, of the first user namespace.
pub fn attach(folder: BorrowedFd<'_>, policy: &Policy) -> Result<(), Error> {
    let failed = |errno| Error::system("restrict the cgroup's devices by a BPF program", errno);
    let old = match bpf::attached(folder) {
        // Of a kernel without any.
        Err(Errno::EINVAL) if policy.allows_everything() => return Ok(()),
        old => old.map_err(failed)?,
    };
    if !policy.allows_everything() {
        let program = program(policy);
        // The same one can't be there twice, even for as long as it takes to remove the old one.
        let program = if old.is_empty() { loaded(program) } else { bpf::load(&program).map(Arc::new) };
        program.and_then(|program| bpf::attach(folder, &program)).map_err(failed)?;
    }
    for program in old {
        match bpf::detach(folder, &program) {
            // Another did.
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    Ok(())
}

/// The program that was loaded last. Loading it takes 0.13 ms, 0.3 where the processor had slept; attaching it 0.01. And
/// the next container mostly has the same rules.
static LAST: Mutex<Option<(Vec<Instruction>, Arc<OwnedFd>)>> = Mutex::new(None);

fn loaded(instructions: Vec<Instruction>) -> Result<Arc<OwnedFd>, Errno> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    match last.as_ref() {
        Some((known, program)) if *known == instructions => Ok(Arc::clone(program)),
        _ => {
            let program = Arc::new(bpf::load(&instructions)?);
            *last = Some((instructions, Arc::clone(&program)));
            Ok(program)
        }
    }
}
