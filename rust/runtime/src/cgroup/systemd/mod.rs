//! Cgroups that systemd makes: a transient scope for each container, asked for over D-Bus. systemd.scope(5),
//! org.freedesktop.systemd1(5), and systemd's CGROUP_DELEGATION.
//!
//! Under systemd the tree is its own, but for the cgroups that it delegates. So the scope is delegated (`Delegate=yes`),
//! and below it are two cgroups of ours: one for the container, with its limits as files, and one for a keeper: a scope
//! must have a process, and is gone when the last one is, with what the container has used. The limits are the scope's
//! properties too, where systemd has a word for them: whoever looks at the unit sees them, and it does not undo them.
//! With version 1 that is so in each hierarchy, and the keeper is in the scope itself; the folders that systemd has no use
//! for we make and remove.
//!
//! [`name`], [`property`] and [`arrange`] are pure; `bus` speaks D-Bus; [`scope`] starts and stops.

pub mod arrange;
mod bus;
mod keeper;
pub mod name;
mod own;
pub mod property;
pub mod scope;

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use super::Manager;
use super::layout::{Hierarchy, Layout};
use super::survey::own_layout;
use crate::error::Error;
use crate::launch::features::attribute;

pub use arrange::{KEPT, Purpose, Systemd};
pub use own::{own_life, reach};
pub use scope::{Scope, Wanted};

/// Whether this process asks its user's own manager, not the system's: that is root's.
#[must_use]
pub fn is_users() -> bool {
    !nix::unistd::geteuid().is_root()
}

/// Looks whether systemd can make a scope for a container here.
///
/// # Errors
/// [`Error::Unsupported`] where it is not PID 1, where this user's would have to reach into what is not its own, or where
/// there is none for this user, as with version 1; [`Error::System`] where this user's does not answer.
pub fn survey(layout: &Layout) -> Result<Systemd, Error> {
    let systemd = look(layout)?;
    if let Some(Hierarchy { own, .. }) = kept(layout).filter(|kept| !kept.own.starts_with(&systemd.root)) {
        // A process is moved by who may write to the nearest cgroup that has both places in it.
        return Err(missing(&format!(
            "to be started by this user's systemd, as by systemd-run --user --scope …; from {} \
            nobody but root leads to its cgroups",
            own.display()
        )));
    }
    Ok(systemd)
}

/// What systemd is for where nobody says who makes a cgroup: a scope of this process's. Nothing where it is not there,
/// where nobody answers, or where it has handed us a cgroup, in which we need not ask.
#[must_use]
pub fn offered(layout: &Layout) -> Option<Systemd> {
    if !is_booted() {
        return None;
    }
    if let Some(systemd) = own::known() {
        return Some(systemd);
    }
    let unit = unit_of(kept(layout)?);
    if is_delegated(unit) {
        return None;
    }
    let systemd = look(layout).ok()?;
    let purpose = match unit.starts_with(&systemd.root) {
        true => Purpose::Owner,
        // A service's own process would be missed there.
        false if is_session(unit) => Purpose::OwnerInside,
        false => return None,
    };
    // A user's has answered already.
    let answers = systemd.is_user || scope::is_reachable(false);
    answers.then_some(Systemd { purpose, ..systemd })
}

/// Who makes the cgroup of a container that outlives us and says nothing about it.
#[must_use]
pub fn chosen(manager: Manager) -> Manager {
    match manager {
        Manager::Auto if is_booted() && offered(&own_layout()).is_some() => Manager::Systemd,
        Manager::Auto => Manager::Files,
        manager => manager,
    }
}

/// Whether it is PID 1, as sd_booted(3) has it.
#[must_use]
pub fn is_booted() -> bool {
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| Path::new("/run/systemd/system").is_dir())
}

/// Has the scope made that is asked for: that of a container, or this process's own, unless that is there.
///
/// # Errors
/// As [`Scope::start`].
pub fn make(wanted: &Wanted) -> Result<Option<Scope>, Error> {
    match wanted.systemd.purpose {
        Purpose::Container => Scope::start(wanted).map(Some),
        Purpose::Owner | Purpose::OwnerInside => own::ensure(wanted).map(|()| None),
    }
}

/// What there is of it where it has version 1's controllers: it hands none of them down to a user's.
fn legacy(layout: &Layout, is_user: bool) -> Result<Systemd, Error> {
    if is_user {
        return Err(missing("root, or a host of cgroup version 2 alone: of version 1 a user is handed no controller"));
    }
    let is_there = layout.systemd.as_ref().and(kept(layout));
    let kept = is_there.ok_or_else(|| missing("its own hierarchy to be mounted, name=systemd"))?;
    Ok(Systemd { is_legacy: true, root: kept.mount.clone(), ..Systemd::default() })
}

/// The hierarchy in which it keeps units.
fn kept(layout: &Layout) -> Option<&Hierarchy> {
    // Somebody else may have mounted version 2; where systemd has, PID 1 is in this scope.
    let is_its_own = |unified: &&Hierarchy| layout.legacy.is_empty() || unified.mount.join("init.scope").is_dir();
    layout.unified.as_ref().filter(is_its_own).or(layout.systemd.as_ref())
}

/// What there is of it.
fn look(layout: &Layout) -> Result<Systemd, Error> {
    if !is_booted() {
        return Err(missing(NOT_THERE));
    }
    let is_user = is_users();
    if !layout.legacy.is_empty() {
        return legacy(layout, is_user);
    }
    let Hierarchy { mount, .. } = kept(layout).ok_or_else(|| missing("cgroups to be mounted"))?;
    let root = if is_user { mount.join(scope::users_cgroup()?.trim_start_matches('/')) } else { mount.clone() };
    let controllers = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    let controllers = controllers.split_whitespace().map(String::from).collect();
    Ok(Systemd { is_user, root, controllers, ..Systemd::default() })
}

/// The cgroup of the unit that we are in: of a service or a scope.
fn unit_of(unified: &Hierarchy) -> &Path {
    let mut within = unified.own.ancestors().take_while(|folder| folder.starts_with(&unified.mount));
    let is_units = |folder: &&Path| folder.extension().is_some_and(|kind| kind == "service" || kind == "scope");
    within.find(is_units).unwrap_or(&unified.own)
}

/// What systemd notes down about a cgroup of which it leaves to others what is below (`Delegate=`), for all to read or,
/// before version 251, for root.
fn is_delegated(unit: &Path) -> bool {
    [c"user.delegate", c"trusted.delegate"]
        .into_iter()
        .any(|name| attribute(unit, name).is_some_and(|text| text == b"1"))
}

/// The cgroup of somebody who has logged in: pam_systemd(8).
fn is_session(unit: &Path) -> bool {
    let name = unit.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("session-") && name.ends_with(".scope")
}

const NOT_THERE: &str = "a host on which it is PID 1";

fn missing(what: &str) -> Error {
    Error::Unsupported {
        feature: "systemd as the cgroup manager".into(),
        needs: format!("{what}; --cgroup-manager cgroupfs does without it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::samples;

    #[test]
    fn version_1_is_for_root_where_systemd_has_its_hierarchy_mounted() {
        let layout = samples::v1().layout;
        assert_eq!(legacy(&layout, false).unwrap().root, Path::new("/sys/fs/cgroup/systemd"));
        let refused = |layout: &Layout, is_user| legacy(layout, is_user).unwrap_err().to_string();
        assert!(refused(&layout, true).contains("root, or a host"));
        assert!(refused(&Layout { systemd: None, ..layout }, false).contains("name=systemd"));
    }
}
