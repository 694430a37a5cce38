//! Recorded trees, for tests of what is planned in them.

use super::layout::Layout;
use super::survey::{Level, Survey};
use super::systemd::Systemd;

const V1: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
33 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
34 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
35 31 0:34 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer
36 31 0:35 / /sys/fs/cgroup/blkio rw,relatime - cgroup cgroup rw,blkio
37 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
38 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
";
const V1_PATHS: &str = "8:pids:/me\n7:blkio:/\n6:freezer:/\n4:memory:/me\n3:cpuset:/\n1:cpu,cpuacct:/\n0::/\n";
const UNIFIED: &str = "39 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
const V2: &str = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";
const V2_PATHS: &str = "0::/user.slice/user-1000.slice/session-1.scope\n";

/// Version 1 alone.
pub(crate) fn v1() -> Survey {
    survey(V1, V1_PATHS, Vec::new())
}

/// Version 1, and version 2 beside it with what is left.
pub(crate) fn hybrid() -> Survey {
    let root = level("/sys/fs/cgroup/unified", "hugetlb", "");
    survey(&format!("{V1}{UNIFIED}"), V1_PATHS, vec![Level { is_root: true, ..root }])
}

/// Version 2, from a session of root's under systemd.
pub(crate) fn v2() -> Survey {
    let session = "/sys/fs/cgroup/user.slice/user-1000.slice/session-1.scope";
    let levels = vec![
        level(session, "cpu io memory pids", ""),
        level("/sys/fs/cgroup/user.slice/user-1000.slice", "cpu io memory pids", "cpu io memory pids"),
    ];
    survey(V2, V2_PATHS, levels)
}

/// The same, where systemd is to make the cgroup.
pub(crate) fn systemd() -> Survey {
    let controllers = ["cpuset", "cpu", "io", "memory", "pids"].map(String::from).into();
    let systemd = Systemd { root: "/sys/fs/cgroup".into(), controllers, ..Systemd::default() };
    Survey { systemd: Some(systemd), ..v2() }
}

/// The same with version 1, and where `is_hybrid` version 2 beside it.
pub(crate) fn systemd_v1(is_hybrid: bool) -> Survey {
    let survey = if is_hybrid { hybrid() } else { v1() };
    let root = if is_hybrid { "/sys/fs/cgroup/unified" } else { "/sys/fs/cgroup/systemd" };
    let systemd = Systemd { is_legacy: true, root: root.into(), ..Systemd::default() };
    Survey { systemd: Some(systemd), levels: Vec::new(), ..survey }
}

pub(super) fn level(folder: &str, available: &str, enabled: &str) -> Level {
    let names = |text: &str| text.split_whitespace().map(String::from).collect();
    Level {
        folder: folder.into(),
        available: names(available),
        enabled: names(enabled),
        is_writable: true,
        ..Level::default()
    }
}

fn survey(mountinfo: &str, cgroup: &str, levels: Vec<Level>) -> Survey {
    let layout = Layout::read(mountinfo, cgroup);
    Survey {
        writable: vec![true; layout.legacy.len()],
        has_clone_into: layout.unified.is_some(),
        layout,
        levels,
        may_restrict_devices: true,
        systemd: None,
        name: "minicontainer-7-1234-0".into(),
        devices: vec![(8, 0)],
        host_devices: Vec::new(),
    }
}
