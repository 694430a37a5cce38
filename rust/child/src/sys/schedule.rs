//! How the process is scheduled, and what else it carries over exec.

use super::{Errno, done, syscall, word};

/// `IOPRIO_WHO_PROCESS`, ioprio_set(2).
const IOPRIO_WHO_PROCESS: usize = 1;
/// `KEYCTL_JOIN_SESSION_KEYRING`, keyctl(2).
const KEYCTL_JOIN_SESSION_KEYRING: usize = 1;

/// `int sched_setattr(pid_t pid, struct sched_attr *attr, unsigned int flags)`, sched_setattr(2).
pub(crate) fn sched_setattr(attributes: &[u8]) -> Result<(), Errno> {
    // SAFETY: a sched_attr that the parent made, which begins with its size.
    done(unsafe { syscall(libc::SYS_sched_setattr, [0, attributes.as_ptr().expose_provenance(), 0]) })
}

/// `int sched_setaffinity(pid_t pid, size_t cpusetsize, const cpu_set_t *mask)`, sched_setaffinity(2).
pub(crate) fn sched_setaffinity(set: &[u8]) -> Result<(), Errno> {
    // SAFETY: a mask with its length.
    done(unsafe { syscall(libc::SYS_sched_setaffinity, [0, set.len(), set.as_ptr().expose_provenance()]) })
}

/// `int set_mempolicy(int mode, const unsigned long *nodemask, unsigned long maxnode)`, set_mempolicy(2).
pub(crate) fn set_mempolicy(mode: i32, nodes: &[u8]) -> Result<(), Errno> {
    // The kernel takes one less than it is told; no node is no mask.
    let bits = nodes.len().saturating_mul(8).saturating_add(1);
    let mask = if nodes.is_empty() { 0 } else { nodes.as_ptr().expose_provenance() };
    // SAFETY: a mask with its length in bits, or NULL.
    done(unsafe { syscall(libc::SYS_set_mempolicy, [word(mode), mask, bits]) })
}

/// `int ioprio_set(int which, int who, int ioprio)`, ioprio_set(2).
pub(crate) fn ioprio_set(priority: i32) -> Result<(), Errno> {
    // SAFETY: numbers only.
    done(unsafe { syscall(libc::SYS_ioprio_set, [IOPRIO_WHO_PROCESS, 0, word(priority)]) })
}

/// `int personality(unsigned long persona)`, personality(2).
pub(crate) fn personality(domain: u32) -> Result<(), Errno> {
    // SAFETY: a number.
    done(unsafe { syscall(libc::SYS_personality, [domain as usize]) })
}

/// `key_serial_t keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)`, keyctl(2): an anonymous keyring of its own.
pub(crate) fn join_session_keyring() -> Result<(), Errno> {
    // SAFETY: no name.
    done(unsafe { syscall(libc::SYS_keyctl, [KEYCTL_JOIN_SESSION_KEYRING, 0]) })
}
