//! OCI's `linux.seccomp`, compiled to the program that seccomp(2) takes: in the parent and before the clone, so that the
//! child only hands it on.
//!
//! [`spec`] is the object, `rules` checks it, `segments` finds for each number what is done with it, and `program` makes
//! a binary search of that, with the `condition`s on arguments, by the assembler in `code`.
//!
//! What the OCI leaves open is as in runc and libseccomp:
//! - This machine's own architecture is always filtered; listed ones that share its kernel are too. One of another
//!   machine is skipped: no process of it can run here. A call by an architecture that isn't filtered, and by x32 where
//!   that isn't listed, ends the process.
//! - Of a call's rules an unconditional one wins; else the first whose conditions are true. A rule that does what the
//!   default does is left away, and so is a name that no kernel of ours has.
//! - All conditions of a rule must be true; but where two are about the same argument, any.

mod abi;
mod bitmap;
mod cache;
mod code;
mod condition;
mod default;
mod multiplexer;
mod program;
mod rules;
mod segments;
pub mod spec;
mod table;

use nix::libc;

use crate::error::Error;
use abi::Abi;
use program::{Calls, program};
use segments::{resolve, segments};
use spec::{Action, Flag, Seccomp};

pub use cache::{compiled, compiled_default};
pub use default::default_profile;

/// What seccomp(2) takes.
#[derive(Clone, Debug)]
pub struct Filter {
    /// The program, of at most 4096 instructions.
    pub program: Vec<libc::sock_filter>,
    /// The flags, with `SECCOMP_FILTER_FLAG_NEW_LISTENER` where it [`notifies`](Self::notifies).
    pub flags: u32,
    /// Whether another process decides about some of the calls: seccomp(2) then returns the listener's descriptor.
    pub notifies: bool,
}

/// The architectures whose calls are filtered on this machine, by OCI's names, its own first.
#[must_use]
pub fn supported_architectures() -> Vec<&'static str> {
    let Some(native) = Abi::NATIVE else { return Vec::new() };
    let shares_kernel = |abi: &Abi| {
        *abi != native && abi.architecture().is_some_and(|architecture| Abi::on(native, architecture) == Some(*abi))
    };
    let others = Abi::ALL.into_iter().filter(shares_kernel).map(Abi::name);
    [native.name()].into_iter().chain(others).collect()
}

/// Compiles `seccomp` for this machine.
///
/// # Errors
/// [`Error::Spec`] with the path of what cannot be.
pub fn compile(seccomp: &Seccomp) -> Result<Filter, Error> {
    let unsupported = || Error::spec("linux.seccomp", "has no table of system calls for this machine");
    compile_for(Abi::NATIVE.ok_or_else(unsupported)?, seccomp)
}

fn compile_for(native: Abi, seccomp: &Seccomp) -> Result<Filter, Error> {
    if seccomp.listener_metadata.is_some() && seccomp.listener_path.is_none() {
        return Err(Error::spec("linux.seccomp.listenerMetadata", "must not be set without a listenerPath"));
    }
    let default = rules::default_verdict(seccomp)?;
    let rules = rules::rules(seccomp, default)?;
    let resolved = resolve(&rules);
    let calls: Vec<Calls<'_>> = abis(native, seccomp)
        .chunk_by(|one, other| one.token() == other.token())
        .filter_map(|abis| {
            let first = abis.first()?;
            let segments = segments(&resolved, abis, default);
            let has_x32 = abis.contains(&Abi::X32);
            Some(Calls { token: first.token(), wide: first.is_wide(), has_x32, segments, default })
        })
        .collect();
    let program = program(&calls);
    if program.len() > MOST_INSTRUCTIONS {
        let length = program.len();
        let message = format!("make {length} instructions; the kernel takes {MOST_INSTRUCTIONS}");
        return Err(Error::spec("linux.seccomp.syscalls", message));
    }
    let notifies = rules.iter().any(|rule| rule.syscall.action == Action::Notify);
    Ok(Filter { program, flags: flags(seccomp, notifies), notifies })
}

/// The call's name and the architecture's, in OCI's words, of what `seccomp_data` names by a token and a number.
#[must_use]
pub fn name_of(token: u32, number: u32) -> Option<(&'static str, &'static str)> {
    let named = |abi: Abi| {
        let row = table::SYSCALLS.iter().find(|row| abi.number(row) == Some(number))?;
        Some((row.0, abi.name()))
    };
    Abi::ALL.into_iter().filter(|abi| abi.token() == token).find_map(named)
}

/// `BPF_MAXINSNS`
const MOST_INSTRUCTIONS: usize = 4096;

/// The ABIs that are filtered, this machine's first, and those of one token side by side.
fn abis(native: Abi, seccomp: &Seccomp) -> Vec<Abi> {
    let mut abis = vec![native];
    for abi in seccomp.architectures.iter().filter_map(|listed| Abi::on(native, *listed)) {
        if abis.contains(&abi) {
            continue;
        }
        let place = abis.iter().rposition(|other| other.token() == abi.token());
        abis.insert(place.map_or(abis.len(), |place| place + 1), abi);
    }
    abis
}

/// The flags, as seccomp(2) takes them together: who installs the filter has one thread, so there is none to
/// synchronize with, and without a listener nobody waits for one.
fn flags(seccomp: &Seccomp, notifies: bool) -> u32 {
    let listener = if notifies { NEW_LISTENER } else { 0 };
    seccomp.flags.iter().fold(listener, |flags, flag| {
        flags
            | match flag {
                Flag::Log => FLAG_LOG,
                Flag::SpecAllow => SPEC_ALLOW,
                Flag::WaitKillableRecv if notifies => WAIT_KILLABLE_RECV,
                Flag::Tsync | Flag::WaitKillableRecv => 0,
            }
    })
}

// `SECCOMP_FILTER_FLAG_*` of linux/seccomp.h, which libc declares as longer than the call takes them.
const FLAG_LOG: u32 = 1 << 1;
const SPEC_ALLOW: u32 = 1 << 2;
const NEW_LISTENER: u32 = 1 << 3;
const WAIT_KILLABLE_RECV: u32 = 1 << 5;

#[cfg(test)]
mod machine;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
