//! What of the host's cgroups matters for a new one: read before planning, which is pure.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::libc;

use super::Manager;
use super::arrange;
use super::file::{read, read_at_once};
use super::layout::Layout;
use super::path::PREFIX;
use super::resources::DeviceRule;
use super::systemd::{self, Systemd};
use crate::error::Error;
use crate::launch::{features, probe};
use crate::spec::Spec;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The hierarchies.
    pub layout: Layout,
    /// Which of the version 1 hierarchies a cgroup may be made in.
    pub writable: Vec<bool>,
    /// Version 2: our own cgroup, and those above it, as far up as was of interest.
    pub levels: Vec<Level>,
    /// A name that no other cgroup of this host has.
    pub name: String,
    /// Whether a process can be cloned into a cgroup.
    pub has_clone_into: bool,
    /// Whether this process may say which devices a cgroup's processes may use.
    pub may_restrict_devices: bool,
    /// Systemd, where it is to make the cgroup: then nothing else is looked at.
    pub systemd: Option<Systemd>,
    /// The numbers of the devices that the spec's `ioMax` names, each at its place.
    pub devices: Vec<(u64, u64)>,
    /// Rules for the host's devices that the spec gives its program, where it has rules about others.
    pub host_devices: Vec<DeviceRule>,
}

/// A cgroup of version 2, below which another could be made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Its folder.
    pub folder: PathBuf,
    /// The controllers that it has.
    pub available: Vec<String>,
    /// Those that what is below it has.
    pub enabled: Vec<String>,
    /// Whether a cgroup may be made and entered below it.
    pub is_writable: bool,
    /// Whether it is the root of all: it alone may have processes and hand controllers down.
    pub is_root: bool,
    /// Whether this process is in it, and no other is, so that what is wanted can be handed down once it has left.
    pub holds_only_us: bool,
}

impl Survey {
    /// Looks around for what a spec asks for.
    ///
    /// # Errors
    /// [`Error::Spec`] with a device that is none.
    pub fn take(spec: &Spec) -> Result<Self, Error> {
        let (mut wanted, from_root) = (arrange::controllers(spec), arrange::is_given(spec));
        if wanted.is_empty() {
            // Not asked for, but it tells of use.
            wanted.push("memory".into());
        }
        let limits = spec.minicontainer.cgroup.iter().flat_map(|cgroup| &cgroup.io_max).enumerate();
        let devices = limits.map(|(index, limit)| device(&limit.device, index)).collect::<Result<_, _>>()?;
        let layout = own_layout();
        let writable = layout.legacy.iter().map(|hierarchy| probe::is_writable(&hierarchy.own)).collect();
        let systemd = match arrange::manager(spec) {
            Manager::Systemd => Some(systemd::survey(&layout)?),
            Manager::Auto if arrange::names_unit(spec) => {
                systemd::is_booted().then(|| systemd::survey(&layout)).transpose()?
            }
            Manager::Auto => systemd::offered(&layout),
            Manager::Files | Manager::Disabled => None,
        };
        let levels = if systemd.is_some() { Vec::new() } else { levels(&layout, &wanted, from_root) };
        let has_clone_into = layout.unified.is_some() && features::has_clone_into_cgroup();
        let may_restrict_devices = may_restrict_devices();
        let has_rules = spec.linux.resources.as_ref().is_some_and(|resources| !resources.devices.is_empty());
        let given = spec.minicontainer.host_devices.iter().filter(|_| has_rules);
        let host_devices = given.filter_map(|path| rule_for(path)).collect();
        Ok(Self {
            systemd,
            may_restrict_devices,
            layout,
            writable,
            levels,
            name: unique_name(),
            has_clone_into,
            devices,
            host_devices,
        })
    }
}

/// The hierarchies as this process sees them.
pub(super) fn own_layout() -> Layout {
    let text = |path: &str| read(Path::new(path)).unwrap_or_default();
    Layout::read(&text("/proc/self/mountinfo"), &text("/proc/self/cgroup"))
}

/// Both versions ask for `CAP_SYS_ADMIN`, capabilities(7), in the first user namespace: the one that numbers all ids.
fn may_restrict_devices() -> bool {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    static IS_FIRST: OnceLock<bool> = OnceLock::new();
    // Who has several threads leaves its user namespace no more.
    let is_first = || {
        *IS_FIRST.get_or_init(|| {
            let map = read(Path::new("/proc/self/uid_map")).unwrap_or_default();
            map.split_whitespace().eq(["0", "0", "4294967295"])
        })
    };
    features::permitted_capabilities() & CAP_SYS_ADMIN != 0 && is_first()
}

/// `MAJOR:MINOR`, or those of a device's file; a partition is limited with its whole disk, which sysfs(5) names.
fn device(text: &str, index: usize) -> Result<(u64, u64), Error> {
    let refuse = |why: &str| {
        let field = format!("minicontainer.cgroup.ioMax[{index}].device");
        Err(Error::spec(field, format!("{why}; it is {text:?}")))
    };
    if !text.starts_with('/') {
        return numbers(text).map_or_else(|| refuse("must be MAJOR:MINOR or a path"), Ok);
    }
    let Ok(status) = fs::metadata(text) else { return refuse("must be there") };
    if !status.file_type().is_block_device() {
        return refuse("must be a block device");
    }
    let (major, minor) = (libc::major(status.rdev()), libc::minor(status.rdev()));
    let folder = PathBuf::from(format!("/sys/dev/block/{major}:{minor}"));
    let disk = folder.join("partition").exists().then(|| fs::read_to_string(folder.join("../dev")).ok()).flatten();
    Ok(disk.and_then(|disk| numbers(disk.trim())).unwrap_or((major.into(), minor.into())))
}

/// All may be done with a device of the host's; one that is none is refused elsewhere.
fn rule_for(path: &str) -> Option<DeviceRule> {
    let status = fs::metadata(path).ok()?;
    let kind = if status.file_type().is_block_device() { "b" } else { "c" };
    Some(DeviceRule {
        allow: true,
        kind: Some(kind.into()),
        major: Some(libc::major(status.rdev()).into()),
        minor: Some(libc::minor(status.rdev()).into()),
        access: None,
    })
}

fn numbers(text: &str) -> Option<(u64, u64)> {
    let (major, minor) = text.split_once(':')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// From our own cgroup upwards, until there is one that has what is wanted.
fn levels(layout: &Layout, wanted: &[String], from_root: bool) -> Vec<Level> {
    let Some(unified) = &layout.unified else { return Vec::new() };
    let mut levels = Vec::new();
    for folder in unified.own.ancestors().take_while(|folder| folder.starts_with(&unified.mount)) {
        let level = level(folder, wanted, folder == unified.own);
        let suffices = level.is_writable && wanted.iter().all(|name| level.enabled.contains(name));
        levels.push(level);
        if suffices && !from_root {
            break;
        }
    }
    levels
}

fn level(folder: &Path, wanted: &[String], is_own: bool) -> Level {
    let names = |file: &str| -> Vec<String> {
        let text = read_at_once(&folder.join(file)).unwrap_or_default();
        text.split_whitespace().map(String::from).collect()
    };
    let holds_only_us =
        || read(&folder.join("cgroup.procs")).is_ok_and(|text| text.trim() == std::process::id().to_string());
    let enabled = names("cgroup.subtree_control");
    let is_root = !folder.join("cgroup.type").exists();
    // The list may be long, and is of no interest where nothing has to be changed.
    let could_be_in_the_way = is_own && !is_root && !wanted.iter().all(|name| enabled.contains(name));
    Level {
        available: names("cgroup.controllers"),
        is_writable: probe::is_writable(folder) && probe::is_writable(&folder.join("cgroup.procs")),
        is_root,
        holds_only_us: could_be_in_the_way && holds_only_us(),
        enabled,
        folder: folder.to_path_buf(),
    }
}

static COUNT: AtomicU32 = AtomicU32::new(0);

/// The owner is in it, by its number and when it started: who finds it later can tell whether that one is gone.
pub(super) fn unique_name() -> String {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{PREFIX}{}-{}-{number}", std::process::id(), own_start_time())
}

fn own_start_time() -> u64 {
    static OWN: OnceLock<u64> = OnceLock::new();
    *OWN.get_or_init(|| start_time("self").unwrap_or(0))
}

/// When a process started, in ticks since boot: field 22 of proc_pid_stat(5), behind a name that may have anything in it.
pub(crate) fn start_time(pid: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_have_their_owner_in_them() {
        let (first, second) = (unique_name(), unique_name());
        assert_ne!(first, second);
        let owner = format!("{PREFIX}{}-{}-", std::process::id(), start_time("self").unwrap());
        assert!(first.starts_with(&owner) && second.starts_with(&owner), "{first} {second}");
    }
}
