//! From a spec to its scope, and the host as it is once that is there. Pure.

use std::path::PathBuf;

use super::name::Unit;
use super::scope::Wanted;
use crate::cgroup::layout::{Hierarchy, Layout, SYSTEMD};
use crate::cgroup::place::UNIFIED;
use crate::cgroup::survey::{Level, Survey};
use crate::error::Error;
use crate::spec::Spec;

/// What there is of systemd.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Systemd {
    /// Whether it is this user's own manager.
    pub is_user: bool,
    /// Whether it has version 1's controllers; then it is the system's.
    pub is_legacy: bool,
    /// The manager's cgroup, of those that it keeps units in.
    pub root: PathBuf,
    /// Version 2: the controllers that it has.
    pub controllers: Vec<String>,
    /// What it would make a scope for.
    pub purpose: Purpose,
}

/// Whom a scope is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// A container, whose limits are its properties.
    #[default]
    Container,
    /// This process: all of its containers are below it, and a keeper.
    Owner,
    /// The same, and this process moves there: who is outside leads nobody to it.
    OwnerInside,
}

/// The container's cgroup in its scope.
const CONTAINER: &str = "container";

/// The scope, its properties aside, and what a survey would find in it.
///
/// # Errors
/// [`Error::Spec`] with what is no unit.
pub fn arrange(spec: &Spec, survey: &Survey) -> Result<(Wanted, Survey), Error> {
    let systemd = survey.systemd.as_ref().ok_or_else(|| super::missing(super::NOT_THERE))?;
    let is_user = systemd.is_user;
    let parent = spec.minicontainer.cgroup.as_ref().and_then(|cgroup| cgroup.parent.as_deref());
    let purpose = systemd.purpose;
    let unit = match &spec.linux.cgroups_path {
        _ if purpose != Purpose::Container => Unit::of_owner(&survey.name, is_user)?,
        Some(path) => Unit::parse(path, is_user, "linux.cgroupsPath")?,
        None => Unit::new(parent.unwrap_or_default(), &survey.name, is_user, "minicontainer.cgroup.parent")?,
    };
    let folder = systemd.root.join(unit.folder());
    let wanted = Wanted { unit, systemd: systemd.clone(), folder, properties: Vec::new() };
    if systemd.is_legacy {
        let inside = inside_of_legacy(&wanted, survey);
        return Ok((wanted, inside));
    }
    let folder = wanted.folder.clone();
    let own = Hierarchy { own: folder.clone(), ..survey.layout.unified.clone().unwrap_or_default() };
    let level = Level {
        folder,
        available: systemd.controllers.clone(),
        enabled: if purpose == Purpose::OwnerInside { Vec::new() } else { systemd.controllers.clone() },
        holds_only_us: purpose == Purpose::OwnerInside,
        is_writable: true,
        ..Level::default()
    };
    let inside = Survey {
        layout: Layout { unified: Some(own), ..Layout::default() },
        levels: vec![level],
        name: name_in(&wanted, survey),
        ..survey.clone()
    };
    Ok((wanted, inside))
}

/// The scope in each hierarchy of version 1, that of systemd's among them, and in version 2 where systemd has that beside
/// them, without controllers.
fn inside_of_legacy(wanted: &Wanted, survey: &Survey) -> Survey {
    let (layout, folder) = (&survey.layout, wanted.unit.folder());
    let at = |hierarchy: &Hierarchy| Hierarchy { own: hierarchy.mount.join(&folder), ..hierarchy.clone() };
    let unified = layout.unified.as_ref().filter(|unified| unified.mount == wanted.systemd.root).map(at);
    let level = |own: &Hierarchy| Level { folder: own.own.clone(), is_writable: true, ..Level::default() };
    Survey {
        levels: unified.iter().map(level).collect(),
        writable: layout.systemd.iter().map(|_| true).chain(survey.writable.iter().copied()).collect(),
        layout: Layout {
            legacy: layout.systemd.iter().chain(&layout.legacy).map(at).collect(),
            unified,
            systemd: None,
        },
        name: name_in(wanted, survey),
        ..survey.clone()
    }
}

/// What a cgroup of ours is called in the scope.
fn name_in(wanted: &Wanted, survey: &Survey) -> String {
    if wanted.systemd.purpose == Purpose::Container { CONTAINER.into() } else { survey.name.clone() }
}

/// The hierarchies in which systemd makes a unit's folders and removes them: version 2, its own, and of version 1
/// `CGROUP_MASK_V1` of its basic/cgroup-util.h.
pub const KEPT: [&str; 8] = [UNIFIED, SYSTEMD, "cpu", "cpuacct", "blkio", "memory", "devices", "pids"];
