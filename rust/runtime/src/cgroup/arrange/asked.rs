//! What a spec asks for: whether there is to be a cgroup, where, by whom, and with which controllers. Pure.

use crate::cgroup::Manager;
use crate::cgroup::resources::{Resources, Version, writes};
use crate::spec::Spec;

/// Whether a spec asks for a cgroup.
#[must_use]
pub fn is_wanted(spec: &Spec) -> bool {
    let asks = spec.linux.cgroups_path.is_some()
        || spec.linux.resources.as_ref().is_some_and(|resources| *resources != Resources::default())
        || spec.minicontainer.cgroup.is_some();
    asks && manager(spec) != Manager::Disabled
}

/// Whether it says where.
#[must_use]
pub fn is_given(spec: &Spec) -> bool {
    spec.linux.cgroups_path.is_some()
        || spec.minicontainer.cgroup.as_ref().is_some_and(|cgroup| cgroup.parent.is_some())
}

/// Who makes it, as far as the spec says: a place that is a folder's is for nobody else.
#[must_use]
pub fn manager(spec: &Spec) -> Manager {
    match spec.minicontainer.cgroup.as_ref().map(|cgroup| cgroup.manager).unwrap_or_default() {
        Manager::Auto if is_given(spec) && !names_unit(spec) => Manager::Files,
        manager => manager,
    }
}

/// Whether the place that it names is one of systemd's, where that is there: elsewhere it is a folder like any other.
#[must_use]
pub fn names_unit(spec: &Spec) -> bool {
    let parent = spec.minicontainer.cgroup.as_ref().and_then(|cgroup| cgroup.parent.as_deref());
    match (spec.linux.cgroups_path.as_deref(), parent) {
        (Some(path), _) => !path.contains('/') && path.matches(':').count() == 2,
        (None, Some(parent)) => !parent.contains('/') && parent.strip_suffix(".slice").is_some(),
        (None, None) => false,
    }
}

/// The controllers of version 2 that a spec's limits are by.
#[must_use]
pub fn controllers(spec: &Spec) -> Vec<String> {
    let writes = spec.linux.resources.as_ref().and_then(|resources| writes(resources, |_| Version::Two).ok());
    let mut names: Vec<String> = writes.unwrap_or_default().into_iter().map(|write| write.controller).collect();
    if spec.minicontainer.cgroup.as_ref().is_some_and(|cgroup| !cgroup.io_max.is_empty()) {
        names.push("io".into());
    }
    names.retain(|name| name != "cgroup");
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { figures() } else { names }
}

/// Who limits nothing wants to know what is used.
pub(super) fn figures() -> Vec<String> {
    vec!["memory".into(), "pids".into()]
}
