//! Cgroups that systemd makes: a transient scope for each container, asked for over D-Bus. systemd.scope(5),
//! org.freedesktop.systemd1(5), and systemd's CGROUP_DELEGATION.
//!
//! Under systemd the tree is its own, but for the cgroups that it delegates. So the scope is delegated (`Delegate=yes`),
//! and below it are two cgroups of ours: one for the container, with its limits as files, and one for a keeper: a scope
//! must have a process, and is gone when the last one is, with what the container has used. The limits are the scope's
//! properties too, where systemd has a word for them: whoever looks at the unit sees them, and it does not undo them.
//!
//! [`name`], [`property`] and [`arrange`] are pure; `bus` speaks D-Bus; [`scope`] starts and stops.

pub mod arrange;
mod bus;
mod keeper;
pub mod name;
pub mod property;
pub mod scope;

use std::fs;
use std::path::Path;

use super::layout::{Kind, Layout};
use crate::error::Error;

pub use arrange::Systemd;
pub use scope::{Scope, Wanted};

/// Whether this process asks its user's own manager, not the system's: that is root's.
#[must_use]
pub fn is_users() -> bool {
    !nix::unistd::geteuid().is_root()
}

/// Looks whether systemd can make a scope here.
///
/// # Errors
/// [`Error::Unsupported`] where it is not PID 1 or the host is not of version 2 alone; [`Error::System`] where this user
/// has no manager.
pub fn survey(layout: &Layout) -> Result<Systemd, Error> {
    // As sd_booted(3) has it.
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(missing(NOT_THERE));
    }
    let unified = layout.unified.as_ref().filter(|_| layout.kind() == Kind::V2);
    let unified = unified.ok_or_else(|| missing("a host of cgroup version 2 alone"))?;
    let mount = &unified.mount;
    let is_user = is_users();
    let root = if is_user { mount.join(scope::users_cgroup()?.trim_start_matches('/')) } else { mount.clone() };
    if is_user && !unified.own.starts_with(&root) {
        // A process is moved by who may write to the nearest cgroup that has both places in it.
        let own = unified.own.display();
        return Err(missing(&format!(
            "to be started by this user's systemd, as by systemd-run --user --scope …; from {own} \
            nobody but root leads to its cgroups"
        )));
    }
    let controllers = fs::read_to_string(root.join("cgroup.controllers")).unwrap_or_default();
    Ok(Systemd { is_user, root, controllers: controllers.split_whitespace().map(String::from).collect() })
}

const NOT_THERE: &str = "a host on which it is PID 1";

fn missing(what: &str) -> Error {
    Error::Unsupported {
        feature: "systemd as the cgroup manager".into(),
        needs: format!("{what}; --cgroup-manager cgroupfs does without it"),
    }
}
