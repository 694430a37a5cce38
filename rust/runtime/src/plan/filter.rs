//! The seccomp filter, and who answers the calls that it asks about.

use std::sync::Arc;

use minicontainer_child::Step;

use super::{Descriptor, Passed, Plan};
use crate::error::Error;
use crate::facts::Facts;
use crate::names::capability;
use crate::seccomp::spec::{Action, Seccomp};
use crate::seccomp::{self, Filter};
use crate::spec::{SeccompProfile, Spec};

/// The spec's filter; `None` where every call is let through.
pub(super) fn chosen(spec: &Spec, facts: &Facts) -> Result<Option<Arc<Filter>>, Error> {
    let Some(seccomp) = spec.linux.seccomp.as_ref().or(facts.seccomp.as_ref()) else {
        return match spec.minicontainer.seccomp_profile {
            SeccompProfile::Unconfined => Ok(None),
            SeccompProfile::Default => {
                let bounding = spec.process.capabilities.as_ref().map(|sets| capability::mask(&sets.bounding).bits);
                seccomp::compiled_default(bounding.unwrap_or(u64::MAX)).map(Some)
            }
        };
    };
    let filter = seccomp::compiled(seccomp)?;
    if filter.notifies {
        check_answers(seccomp, spec, facts)?;
    }
    Ok(Some(filter))
}

/// The step that installs it. A listener goes to the parent, or to who starts a container that waits.
pub(super) fn install(plan: &mut Plan, filter: Arc<Filter>) {
    let (flags, notifies) = (filter.flags, filter.notifies);
    let filter = plan.filter(filter);
    let socket = if plan.hold().is_some() { Descriptor::Door } else { Descriptor::Socket(Passed::Listener) };
    let listener = notifies.then(|| plan.descriptor(socket));
    plan.steps.push(Step::InstallFilter { filter, flags, listener });
}

/// What the child still does once the filter is there, and what for. The thread that cloned it sleeps meanwhile, and it
/// may be the one that answers: a call that waited for it would wait for ever. The first is so whoever answers.
const CALLS_AFTER_FILTER: [(&str, &str); 4] = [
    ("sendmsg", "hands the calls on to who answers them"),
    ("execve", "becomes the program"),
    ("close", "tidies up where that fails"),
    ("exit", "ends where that fails"),
];

/// Refuses a filter that asks where nobody would answer.
fn check_answers(seccomp: &Seccomp, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    let has_agent = spec.linux.seccomp.is_some() && (facts.holds || spec.minicontainer.state.is_some());
    if seccomp.listener_path.is_some() && has_agent {
        // Another process answers, and who sends it the listener does not wait for the child.
        return check_asked(seccomp, &CALLS_AFTER_FILTER[..1]);
    }
    if seccomp.listener_path.is_some() {
        let message = "is for containers that are made by create or run; without it, the calls are answered by who started the program";
        return Err(Error::spec("linux.seccomp.listenerPath", message));
    }
    if !facts.answers_calls {
        let message = "SCMP_ACT_NOTIFY needs somebody who answers: a listenerPath, or namespaceSpawn, which gives its caller the calls";
        return Err(Error::spec("linux.seccomp", message));
    }
    if !spec.process.no_new_privileges {
        let message = "must be true with SCMP_ACT_NOTIFY: else the filter would be there before the ids are, and nobody to answer";
        return Err(Error::spec("process.noNewPrivileges", message));
    }
    check_asked(seccomp, &CALLS_AFTER_FILTER)
}

/// Refuses a filter that asks about what the child does by `calls` before anybody could answer.
fn check_asked(seccomp: &Seccomp, calls: &[(&str, &str)]) -> Result<(), Error> {
    for (place, rule) in seccomp.syscalls.iter().enumerate().filter(|(_, rule)| rule.action == Action::Notify) {
        for (index, name) in rule.names.iter().enumerate() {
            if let Some((_, what)) = calls.iter().find(|(call, _)| call == name) {
                let path = format!("linux.seccomp.syscalls[{place}].names[{index}]");
                let message = format!(
                    "cannot have the action SCMP_ACT_NOTIFY: the process {what} by it, before anybody could answer"
                );
                return Err(Error::spec(path, message));
            }
        }
    }
    Ok(())
}
