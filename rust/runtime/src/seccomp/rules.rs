//! From the spec to rules with everything checked: what the filter returns, and on which conditions.

use nix::libc;

use super::spec::{Action, Arg, Operator, Seccomp, Syscall};
use crate::error::Error;

/// One rule, of which each alternative is enough.
#[derive(Debug)]
pub(super) struct Rule<'a> {
    /// The calls that it is about.
    pub syscall: &'a Syscall,
    /// What the filter returns.
    pub verdict: u32,
    /// Each a list of conditions that must all be true; an empty list is always true.
    pub alternatives: Vec<Vec<Condition>>,
}

/// A condition on one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// Which argument, 0 to 5.
    pub index: u32,
    /// How it is compared.
    pub operator: Operator,
    /// With what; or the mask.
    pub value: u64,
    /// What is left under the mask.
    pub value_two: u64,
}

/// What the filter returns for the default action.
pub(super) fn default_verdict(seccomp: &Seccomp) -> Result<u32, Error> {
    if seccomp.default_action == Action::Notify {
        // The calls between the filter's installation and the program's start would wait for a listener that nobody has.
        return Err(Error::spec("linux.seccomp.defaultAction", "cannot be SCMP_ACT_NOTIFY"));
    }
    verdict(seccomp.default_action, seccomp.default_errno_ret, || "linux.seccomp.defaultErrnoRet".into())
}

/// The rules, in their order, without those that do what the default does.
pub(super) fn rules(seccomp: &Seccomp, default: u32) -> Result<Vec<Rule<'_>>, Error> {
    let mut rules = Vec::with_capacity(seccomp.syscalls.len());
    for (place, syscall) in seccomp.syscalls.iter().enumerate() {
        let path = |field: &str| format!("linux.seccomp.syscalls[{place}].{field}");
        check_names(syscall, path)?;
        let verdict = verdict(syscall.action, syscall.errno_ret, || path("errnoRet"))?;
        if let Some(wrong) = syscall.args.iter().position(|arg| arg.index > LAST_ARGUMENT) {
            return Err(Error::spec(path(&format!("args[{wrong}].index")), "must be 0 to 5: a call has six arguments"));
        }
        if verdict != default {
            rules.push(Rule { syscall, verdict, alternatives: alternatives(&syscall.args) });
        }
    }
    Ok(rules)
}

const LAST_ARGUMENT: u32 = 5;

fn check_names(syscall: &Syscall, path: impl Fn(&str) -> String) -> Result<(), Error> {
    if syscall.names.is_empty() {
        return Err(Error::spec(path("names"), "must name at least one system call"));
    }
    if let Some(wrong) = syscall.names.iter().position(|name| name.is_empty()) {
        return Err(Error::spec(path(&format!("names[{wrong}]")), "must name a system call; it is empty"));
    }
    if syscall.action != Action::Notify {
        return Ok(());
    }
    // Other runtimes write the listener's number through a pipe after the installation, and refuse it for that reason.
    // A profile is to mean the same everywhere; and what fails after the installation must still be told.
    if let Some(wrong) = syscall.names.iter().position(|name| name == "write") {
        return Err(Error::spec(path(&format!("names[{wrong}]")), "cannot have the action SCMP_ACT_NOTIFY"));
    }
    Ok(())
}

/// The largest error number that the kernel lets a filter return: `MAX_ERRNO`.
const LARGEST_ERRNO: u32 = 4095;

fn verdict(action: Action, errno: Option<u32>, path: impl Fn() -> String) -> Result<u32, Error> {
    let largest = match action {
        Action::Errno => LARGEST_ERRNO,
        Action::Trace => libc::SECCOMP_RET_DATA,
        _ if errno.is_some() => {
            return Err(Error::spec(path(), "must not be set: only SCMP_ACT_ERRNO and SCMP_ACT_TRACE have a number"));
        }
        _ => 0,
    };
    let data = if largest == 0 { 0 } else { errno.unwrap_or(EPERM) };
    if data > largest {
        return Err(Error::spec(path(), format!("must be at most {largest}; it is {data}")));
    }
    Ok(data
        | match action {
            Action::KillThread => libc::SECCOMP_RET_KILL_THREAD,
            Action::KillProcess => libc::SECCOMP_RET_KILL_PROCESS,
            Action::Trap => libc::SECCOMP_RET_TRAP,
            Action::Errno => libc::SECCOMP_RET_ERRNO,
            Action::Trace => libc::SECCOMP_RET_TRACE,
            Action::Allow => libc::SECCOMP_RET_ALLOW,
            Action::Log => libc::SECCOMP_RET_LOG,
            Action::Notify => libc::SECCOMP_RET_USER_NOTIF,
        })
}

const EPERM: u32 = libc::EPERM.unsigned_abs();

/// All conditions together; or, where two are about the same argument, each for itself, as runc has done since a time
/// when it could not do otherwise.
fn alternatives(args: &[Arg]) -> Vec<Vec<Condition>> {
    let conditions = args.iter().map(|arg| Condition {
        index: arg.index,
        operator: arg.op,
        value: arg.value,
        value_two: arg.value_two,
    });
    let is_repeated = |(place, arg): (usize, &Arg)| args.iter().take(place).any(|earlier| earlier.index == arg.index);
    if args.iter().enumerate().any(is_repeated) {
        conditions.map(|condition| vec![condition]).collect()
    } else {
        vec![conditions.collect()]
    }
}
