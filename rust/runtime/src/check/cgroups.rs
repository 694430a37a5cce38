//! Cgroups: which layout is mounted, which controllers there are, and whether this process may make one.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;

use super::host::{Host, text};
use super::trial::Refused;
use super::{Group, Probe};
use crate::cgroup::layout::Kind;
use crate::cgroup::{Layout, Manager, systemd};
use crate::error::{code, reason};
use crate::launch::probe::{clone3, is_writable};

const GROUP: Group = Group::Cgroups;

/// What a container's limits need.
const WANTED: [&str; 3] = ["cpu", "memory", "pids"];

const DELEGATE: &str = "run as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes …";

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    let own = Layout::read(&host.mountinfo, &text("/proc/self/cgroup"));
    vec![layout(&own), controllers(&own), delegation(&own), clone_into(host, &own), systemd()]
}

/// The folders in which a container's cgroups would be made.
fn folders(layout: &Layout) -> Vec<&Path> {
    let v1 = WANTED.iter().filter_map(|controller| layout.legacy(controller));
    let mut folders: Vec<_> = v1.map(|hierarchy| hierarchy.own.as_path()).collect();
    folders.dedup();
    if folders.is_empty() { layout.unified.iter().map(|hierarchy| hierarchy.own.as_path()).collect() } else { folders }
}

fn v2_controllers(layout: &Layout) -> Vec<String> {
    let own = layout.unified.as_ref().map(|hierarchy| hierarchy.own.join("cgroup.controllers"));
    let file = own.map(|path| text(&path.to_string_lossy()));
    file.unwrap_or_default().split_whitespace().map(String::from).collect()
}

fn layout(own: &Layout) -> Probe {
    let name = "cgroupLayout";
    match own.kind() {
        Kind::V2 => Probe::works(name, GROUP, "v2"),
        Kind::Hybrid => Probe::works(name, GROUP, "hybrid: v1, and v2 beside it"),
        Kind::V1 => Probe::works(name, GROUP, "v1"),
        Kind::None => {
            let remedy = "mount -t cgroup2 cgroup2 /sys/fs/cgroup as root".to_string();
            Probe::fails(name, GROUP, "none is mounted", Some(remedy))
        }
    }
}

fn controllers(own: &Layout) -> Probe {
    let name = "cgroupControllers";
    let v1: Vec<_> = own.legacy.iter().flat_map(|hierarchy| hierarchy.controllers.clone()).collect();
    let v2 = v2_controllers(own);
    let told = [("v1", &v1), ("v2", &v2)].into_iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<_> = told.map(|(version, names)| format!("{version}: {}", names.join(" "))).collect();
    let detail = if told.is_empty() { "none".into() } else { told.join("; ") };
    let missing: Vec<_> =
        WANTED.into_iter().filter(|wanted| !v1.iter().chain(&v2).any(|controller| controller == wanted)).collect();
    if missing.is_empty() {
        return Probe::works(name, GROUP, detail);
    }
    let remedy = if own.kind() == Kind::V2 {
        "hand them down: cgroup.subtree_control of the cgroups above, with systemd Delegate=cpu memory pids"
    } else {
        "a kernel with them, not switched off by cgroup_disable= at boot"
    };
    Probe::fails(name, GROUP, format!("{detail}; no {}", missing.join(", ")), Some(remedy.into()))
}

fn delegation(own: &Layout) -> Probe {
    let name = "cgroupCreation";
    let folders = folders(own);
    if folders.is_empty() {
        return Probe::fails(name, GROUP, "no cgroup is mounted", Some("see cgroupLayout".into()));
    }
    for folder in &folders {
        if let Err(error) = Made::below(folder) {
            return Probe::fails(name, GROUP, refused(folder, &error), Some(way_out(&error)));
        }
    }
    let v2 = own.unified.as_ref().map(|hierarchy| hierarchy.own.as_path());
    let v2_control = v2.filter(|v2| folders == [*v2]).map(|v2| v2.join("cgroup.subtree_control"));
    if let Some(control) = v2_control.filter(|control| control.exists() && !is_writable(control)) {
        let detail = format!("cannot hand controllers down: {} is not writable", control.display());
        return Probe::fails(name, GROUP, detail, Some(DELEGATE.into()));
    }
    let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    Probe::works(name, GROUP, format!("in {}", folders.join(", ")))
}

fn clone_into(host: &Host, own: &Layout) -> Probe {
    let name = "cloneIntoCgroup";
    let Some(folder) = own.unified.as_ref().map(|hierarchy| hierarchy.own.as_path()) else {
        return Probe::fails(name, GROUP, "no cgroup v2 is mounted", Some("see cgroupLayout".into()));
    };
    let made = match Made::below(folder) {
        Ok(made) => made,
        Err(error) => return Probe::fails(name, GROUP, refused(folder, &error), Some(way_out(&error))),
    };
    let cloned = File::open(&made.0).map_err(|error| errno(&error)).and_then(|folder| clone3(Some(folder.as_raw_fd())));
    match cloned {
        Ok(()) => Probe::works(name, GROUP, "a process was started in a new cgroup"),
        Err(Errno::E2BIG) => {
            Probe::fails(name, GROUP, "clone3 does not know it (E2BIG)", Some("needs Linux 5.7".into()))
        }
        Err(errno) => {
            let refused = Refused::Kernel { what: Some("start a process in a new cgroup"), errno };
            Probe::fails(name, GROUP, refused.detail(""), refused.remedy(host, "Linux 5.7"))
        }
    }
}

fn systemd() -> Probe {
    let init = text("/proc/1/comm");
    if !systemd::is_booted() {
        return Probe::fails("systemd", GROUP, format!("PID 1 is {init:?}; cgroups are made as folders"), None);
    }
    match systemd::chosen(Manager::Auto) {
        Manager::Systemd => Probe::works("systemd", GROUP, "is PID 1 and answers; it is asked for cgroups"),
        _ => Probe::works("systemd", GROUP, "is PID 1; cgroups are made as folders all the same"),
    }
}

/// A cgroup of the probe's own, which is removed with it.
struct Made(PathBuf);

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Made {
    fn below(folder: &Path) -> io::Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("minicontainer-check-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

fn refused(folder: &Path, error: &io::Error) -> String {
    let errno = errno(error);
    format!("cannot make a cgroup in {}: {} ({})", folder.display(), reason(errno), code(errno))
}

fn way_out(error: &io::Error) -> String {
    match errno(error) {
        Errno::EROFS => "it is mounted read-only, as in Docker: start the outer container with --privileged".into(),
        _ => DELEGATE.into(),
    }
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_and_so_is_where_a_cgroup_would_be_made() {
        let v1 = "1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
2 0 0:2 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
";
        let own = Layout::read(v1, "2:memory:/y\n1:cpu,cpuacct:/a\n");
        let probe = controllers(&own);
        assert!(!probe.works && probe.detail == "v1: cpu cpuacct memory; no pids", "{probe:?}");
        assert_eq!(folders(&own), [Path::new("/sys/fs/cgroup/cpu/a"), Path::new("/sys/fs/cgroup/memory/y")]);
    }
}
