//! The words for what failed, and what can be done about it.

use std::fs::Metadata;

use minicontainer_child::{Failure, Step};
use nix::errno::Errno;
use nix::sched::CloneFlags;

use super::descriptors;
use crate::advice::{UsernsFacts, userns_advice};
use crate::check::mountinfo;
use crate::error::Error;
use crate::plan::{IdMaps, Plan, namespace_names, operation};

/// Why the clone did not come about.
pub(super) fn of_clone(namespaces: CloneFlags, errno: Errno) -> Error {
    let operation = match namespace_names(namespaces.bits()) {
        names if names.is_empty() => "create a process".into(),
        names => format!("create {names} namespace{}", if namespaces.iter().count() > 1 { "s" } else { "" }),
    };
    let error = Error::system(operation, errno);
    let is_user = namespaces.contains(CloneFlags::CLONE_NEWUSER);
    let advice = if is_user { userns_advice(&UsernsFacts::gather(), errno) } else { None };
    match (errno, advice) {
        (_, Some(advice)) => error.with_advice(&advice),
        (Errno::EPERM, None) if !is_user => error.with_advice("run as root or with CAP_SYS_ADMIN, or add --user"),
        (Errno::EAGAIN, None) => error.with_advice(TOO_MANY_PROCESSES),
        (Errno::ENOSPC, None) => error.with_advice("too many namespaces: see /proc/sys/user/max_*_namespaces"),
        _ => error,
    }
}

/// Why a thread did not come about.
pub(crate) fn of_thread(error: &std::io::Error) -> Error {
    let errno = Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EAGAIN));
    let error = Error::system("start a thread", errno);
    if errno == Errno::EAGAIN { error.with_advice(TOO_MANY_PROCESSES) } else { error }
}

const TOO_MANY_PROCESSES: &str = "too many processes: see ulimit -u and the cgroup's pids.max";

/// The words for what the child could only number.
pub(crate) fn words(plan: &Plan, failure: Failure) -> Error {
    let errno = Errno::from_raw(failure.errno);
    let Some(step) = plan.steps.get(failure.step as usize) else {
        return Error::Internal { message: format!("the plan has no step {}", failure.step) };
    };
    if let (Step::Monitor { namespaces }, Errno::EPERM | Errno::EAGAIN | Errno::ENOSPC | Errno::EUSERS) = (*step, errno)
    {
        // The clone, which is the monitor's here.
        return of_clone(CloneFlags::from_bits_retain(namespaces), errno);
    }
    let is_exec = matches!(step, Step::Exec { .. } | Step::FindProgram { .. });
    let mut error = Error::system(operation(plan, *step), errno);
    let found = if is_exec { descriptors::find_program(plan) } else { None };
    let lacks_interpreter = errno == Errno::ENOENT && found.as_ref().is_some_and(Metadata::is_file);
    let is_folder = errno == Errno::EACCES && found.as_ref().is_some_and(Metadata::is_dir);
    if let Error::System { step, exit_code, .. } = &mut error {
        *step = Some((failure.step + 1, u32::try_from(plan.steps.len()).unwrap_or(u32::MAX)));
        if is_exec {
            *exit_code = Some(if errno == Errno::ENOENT && !lacks_interpreter { 127 } else { 126 });
        }
    }
    let was_searched = is_exec && !plan.program.contains('/');
    match errno {
        Errno::ENOENT if was_searched && found.is_none() => error.with_advice("it is in no folder of PATH"),
        _ if lacks_interpreter => error.with_advice("it is there, but the interpreter or loader that it names is not"),
        _ if is_folder => error.with_advice("it is a folder"),
        Errno::EPERM | Errno::EACCES if needs_no_new_privileges(plan, *step, errno) => {
            error.with_advice("run as root, or add --no-new-privs")
        }
        Errno::EPERM | Errno::EACCES if !is_exec && plan.namespaces.contains(CloneFlags::CLONE_NEWUSER) => {
            match userns_advice(&UsernsFacts::gather(), errno) {
                Some(advice) => error.with_advice(&advice),
                None => error,
            }
        }
        Errno::EPERM
            if matches!(step, Step::SetIds { .. } | Step::SetGroups { .. } | Step::LimitCapabilities { .. }) =>
        {
            error.with_advice("run as root, or add --user")
        }
        Errno::EINVAL if matches!(step, Step::SetIds { .. } | Step::SetGroups { .. }) => match plan.id_maps {
            IdMaps::None => error,
            IdMaps::ByChild => error.with_advice(
                "only one id is mapped: more needs entries of /etc/subuid and /etc/subgid, and newuidmap (Debian's uidmap)",
            ),
            IdMaps::ByParent { .. } => error.with_advice("the user namespace has no such id: see its mappings"),
        },
        Errno::EINVAL if matches!(step, Step::OverlayRoot { .. }) && has_locked_mounts(plan) => error.with_advice(
            "there are mounts below it, which a user namespace keeps where they are, for they hide what is below: leave \
             the user namespace away, or take a folder without mounts",
        ),
        Errno::EBUSY if matches!(step, Step::InstallFilter { listener: Some(_), .. }) => {
            error.with_advice("a filter of this process's own has a listener, and there can be one only")
        }
        Errno::EOWNERDEAD => Error::Internal { message: "the owner ended while the program was being started".into() },
        _ => error,
    }
}

/// Whether the kernel refuses a restriction to who could gain privileges: seccomp(2) and landlock_restrict_self(2) have a
/// number of their own for it.
fn needs_no_new_privileges(plan: &Plan, step: Step, errno: Errno) -> bool {
    let refusal = match step {
        Step::InstallFilter { .. } => Errno::EACCES,
        Step::RestrictFiles { .. } => Errno::EPERM,
        _ => return false,
    };
    errno == refusal && !plan.steps.contains(&Step::ForbidNewPrivileges)
}

/// Whether the root has mounts below it that the child got from another user namespace.
fn has_locked_mounts(plan: &Plan) -> bool {
    if !plan.namespaces.contains(CloneFlags::CLONE_NEWUSER) {
        return false;
    }
    let path = |step: &Step| match step {
        Step::OpenRoot { path } => plan.strings.get(path.0 as usize).map(|path| path.to_string_lossy()),
        _ => None,
    };
    let Some(root) = plan.steps.iter().find_map(path) else { return false };
    let below = format!("{}/", root.trim_end_matches('/'));
    let text = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    mountinfo::mounts(&text).any(|mount| mount.point.len() > 1 && mount.point.starts_with(&below))
}
