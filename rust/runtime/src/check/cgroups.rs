//! Cgroups: which layout is mounted, which controllers there are, and whether this process may make one.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::errno::Errno;

use super::host::{Host, text};
use super::trial::Refused;
use super::{Group, Probe, mountinfo};
use crate::error::{code, reason};
use crate::launch::probe::{clone3, is_writable};

const GROUP: Group = Group::Cgroups;

/// What a container's limits need.
const WANTED: [&str; 3] = ["cpu", "memory", "pids"];

const DELEGATE: &str = "run as root, or in a delegated cgroup: systemd-run --user --scope -p Delegate=yes …";

/// The cgroups that this process is in.
#[derive(Debug, Default, PartialEq, Eq)]
struct Own {
    /// Version 1: a controller and the folder.
    v1: Vec<(String, PathBuf)>,
    /// Version 2: the folder.
    v2: Option<PathBuf>,
}

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    let own = Own::read(&host.mountinfo, &text("/proc/self/cgroup"), &text("/proc/cgroups"));
    vec![layout(&own), controllers(&own), delegation(&own), clone_into(host, &own), systemd()]
}

impl Own {
    fn read(mountinfo: &str, cgroup: &str, known: &str) -> Self {
        let known: Vec<_> = known.lines().filter_map(|line| line.split('\t').next()).collect();
        let mut own = Self::default();
        for mount in mountinfo::mounts(mountinfo) {
            match mount.kind {
                "cgroup2" if own.v2.is_none() => own.v2 = Some(folder(mount, path_in(cgroup, ""))),
                "cgroup" => {
                    for controller in mount.options.split(',').filter(|option| known.contains(option)) {
                        own.v1.push((controller.into(), folder(mount, path_in(cgroup, controller))));
                    }
                }
                _ => {}
            }
        }
        own
    }

    /// The folders in which a container's cgroups would be made.
    fn folders(&self) -> Vec<&Path> {
        let v1 = self.v1.iter().filter(|(controller, _)| WANTED.contains(&controller.as_str()));
        let mut folders: Vec<_> = v1.map(|(_, folder)| folder.as_path()).collect();
        folders.dedup();
        if folders.is_empty() { self.v2.as_deref().into_iter().collect() } else { folders }
    }

    fn v2_controllers(&self) -> Vec<String> {
        let file = self.v2.as_ref().map(|folder| text(&folder.join("cgroup.controllers").to_string_lossy()));
        file.unwrap_or_default().split_whitespace().map(String::from).collect()
    }
}

/// This process's path in a hierarchy: cgroups(7), `4:cpu,cpuacct:/path`; version 2 has no controller's name.
fn path_in<'t>(cgroup: &'t str, controller: &str) -> &'t str {
    let path = cgroup.lines().find_map(|line| {
        let (_, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        controllers.split(',').any(|name| name == controller).then_some(path)
    });
    path.unwrap_or("/")
}

/// Where that path is seen, as far as the mount shows it.
fn folder(mount: mountinfo::Mount<'_>, path: &str) -> PathBuf {
    let below = Path::new(path).strip_prefix(mount.root).unwrap_or(Path::new(""));
    // Taken by components: joined with an empty path, it would end with a slash.
    Path::new(mount.point).components().chain(below.components().filter(|part| *part != Component::RootDir)).collect()
}

fn layout(own: &Own) -> Probe {
    let name = "cgroupLayout";
    match (own.v1.is_empty(), own.v2.is_some()) {
        (true, true) => Probe::works(name, GROUP, "v2"),
        (false, true) => Probe::works(name, GROUP, "hybrid: v1, and v2 beside it"),
        (false, false) => Probe::works(name, GROUP, "v1"),
        (true, false) => {
            let remedy = "mount -t cgroup2 cgroup2 /sys/fs/cgroup as root".to_string();
            Probe::fails(name, GROUP, "none is mounted", Some(remedy))
        }
    }
}

fn controllers(own: &Own) -> Probe {
    let name = "cgroupControllers";
    let v1: Vec<_> = own.v1.iter().map(|(controller, _)| controller.clone()).collect();
    let v2 = own.v2_controllers();
    let told = [("v1", &v1), ("v2", &v2)].into_iter().filter(|(_, names)| !names.is_empty());
    let told: Vec<_> = told.map(|(version, names)| format!("{version}: {}", names.join(" "))).collect();
    let detail = if told.is_empty() { "none".into() } else { told.join("; ") };
    let missing: Vec<_> =
        WANTED.into_iter().filter(|wanted| !v1.iter().chain(&v2).any(|controller| controller == wanted)).collect();
    if missing.is_empty() {
        return Probe::works(name, GROUP, detail);
    }
    let remedy = if v1.is_empty() && own.v2.is_some() {
        "hand them down: cgroup.subtree_control of the cgroups above, with systemd Delegate=cpu memory pids"
    } else {
        "a kernel with them, not switched off by cgroup_disable= at boot"
    };
    Probe::fails(name, GROUP, format!("{detail}; no {}", missing.join(", ")), Some(remedy.into()))
}

fn delegation(own: &Own) -> Probe {
    let name = "cgroupCreation";
    let folders = own.folders();
    if folders.is_empty() {
        return Probe::fails(name, GROUP, "no cgroup is mounted", Some("see cgroupLayout".into()));
    }
    for folder in &folders {
        if let Err(error) = Made::below(folder) {
            return Probe::fails(name, GROUP, refused(folder, &error), Some(way_out(&error)));
        }
    }
    let v2_control = own.v2.as_ref().filter(|v2| folders == [v2.as_path()]).map(|v2| v2.join("cgroup.subtree_control"));
    if let Some(control) = v2_control.filter(|control| control.exists() && !is_writable(control)) {
        let detail = format!("cannot hand controllers down: {} is not writable", control.display());
        return Probe::fails(name, GROUP, detail, Some(DELEGATE.into()));
    }
    let folders: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
    Probe::works(name, GROUP, format!("in {}", folders.join(", ")))
}

fn clone_into(host: &Host, own: &Own) -> Probe {
    let name = "cloneIntoCgroup";
    let Some(folder) = &own.v2 else {
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
    if Path::new("/run/systemd/system").is_dir() {
        Probe::works("systemd", GROUP, "runs this system, and can make cgroups for us")
    } else {
        Probe::fails("systemd", GROUP, format!("PID 1 is {init:?}; cgroups are made as folders"), None)
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

    const KNOWN: &str = "#subsys_name\thierarchy\ncpu\t1\ncpuacct\t1\nmemory\t2\n";
    const V1: &str = "1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
2 0 0:2 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
3 0 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
";
    const V2: &str = "4 0 0:4 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    const PATHS: &str = "2:memory:/docker/x/y\n1:cpu,cpuacct:/a\n0::/user.slice\n";

    #[test]
    fn the_layouts_are_told_apart() {
        let told = |mountinfo: &str| layout(&Own::read(mountinfo, PATHS, KNOWN)).detail;
        assert_eq!(told(""), "none is mounted");
        assert_eq!(told(V1), "v1");
        assert_eq!(told(V2), "v2");
        assert_eq!(told(&format!("{V1}{V2}")), "hybrid: v1, and v2 beside it");
    }

    #[test]
    fn each_controller_has_the_folder_that_its_mount_shows() {
        let own = Own::read(&format!("{V1}{V2}"), PATHS, KNOWN);
        let folders = [
            ("cpu", "/sys/fs/cgroup/cpu/a"),
            ("cpuacct", "/sys/fs/cgroup/cpu/a"),
            ("memory", "/sys/fs/cgroup/memory/y"),
        ];
        assert_eq!(own.v1, folders.map(|(name, folder)| (name.to_string(), PathBuf::from(folder))));
        assert_eq!(own.v2, Some(PathBuf::from("/sys/fs/cgroup/unified/user.slice")));
        assert_eq!(own.folders(), [Path::new("/sys/fs/cgroup/cpu/a"), Path::new("/sys/fs/cgroup/memory/y")]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let probe = controllers(&Own::read(V1, PATHS, KNOWN));
        assert!(!probe.works && probe.detail == "v1: cpu cpuacct memory; no pids", "{probe:?}");
    }
}
