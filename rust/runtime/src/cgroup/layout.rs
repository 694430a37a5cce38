//! Which hierarchies are mounted, and where this process is in each: from `/proc/self/mountinfo` and
//! `/proc/self/cgroup`. Pure.

use std::path::{Component, Path, PathBuf};

use crate::check::mountinfo;

/// A hierarchy as this process sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchy {
    /// Its controllers; none for version 2, whose cgroups each have some of them.
    pub controllers: Vec<String>,
    /// Where it is mounted.
    pub mount: PathBuf,
    /// This process's cgroup, as a folder.
    pub own: PathBuf,
}

/// What is mounted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layout {
    /// Version 2.
    pub unified: Option<Hierarchy>,
    /// Version 1, in the order of their mounts.
    pub legacy: Vec<Hierarchy>,
    /// Version 1's without a controller, in which systemd keeps its units where it has version 1.
    pub systemd: Option<Hierarchy>,
}

/// What `/proc/self/cgroup` has in place of a controller for [`Layout::systemd`].
pub const SYSTEMD: &str = "name=systemd";

/// What a layout is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing is mounted.
    None,
    /// Version 1 alone.
    V1,
    /// Version 1, and version 2 beside it.
    Hybrid,
    /// Version 2 alone.
    V2,
}

/// Options of a version 1 mount that are no controllers; `name=…` is none either.
const OPTIONS: [&str; 9] =
    ["rw", "ro", "all", "none", "xattr", "noprefix", "clone_children", "cpuset_v2_mode", "favordynmods"];

impl Layout {
    /// Reads the two files' texts.
    #[must_use]
    pub fn read(mountinfo: &str, cgroup: &str) -> Self {
        let mut layout = Self::default();
        for mount in mountinfo::mounts(mountinfo) {
            match mount.kind {
                "cgroup2" if layout.unified.is_none() => {
                    layout.unified = Some(hierarchy(mount, Vec::new(), path_in(cgroup, "")));
                }
                "cgroup" => {
                    let is_controller =
                        |option: &&str| !OPTIONS.contains(option) && !option.contains('=') && !option.is_empty();
                    let controllers: Vec<_> =
                        mount.options.split(',').filter(is_controller).map(String::from).collect();
                    // A hierarchy can be mounted more than once.
                    if let Some(first) = controllers.first() {
                        if layout.legacy(first).is_none() {
                            let path = path_in(cgroup, first);
                            layout.legacy.push(hierarchy(mount, controllers, path));
                        }
                    } else if layout.systemd.is_none() && mount.options.split(',').any(|option| option == SYSTEMD) {
                        layout.systemd = Some(hierarchy(mount, vec![SYSTEMD.into()], path_in(cgroup, SYSTEMD)));
                    }
                }
                _ => {}
            }
        }
        layout
    }

    /// What it is called.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match (self.legacy.is_empty(), self.unified.is_some()) {
            (true, true) => Kind::V2,
            (false, true) => Kind::Hybrid,
            (false, false) => Kind::V1,
            (true, false) => Kind::None,
        }
    }

    /// The version 1 hierarchy that has a controller.
    #[must_use]
    pub fn legacy(&self, controller: &str) -> Option<&Hierarchy> {
        self.legacy.iter().find(|hierarchy| hierarchy.controllers.iter().any(|name| name == controller))
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

fn hierarchy(mount: mountinfo::Mount<'_>, controllers: Vec<String>, path: &str) -> Hierarchy {
    // The mount may show a part of the hierarchy only; what is outside of it can't be reached.
    let below = Path::new(path).strip_prefix(mount.root).unwrap_or(Path::new(""));
    // Taken by components: joined with an empty path, it would end with a slash; and a cgroup namespace shows what is
    // above its root as `/..`.
    let own = Path::new(mount.point)
        .components()
        .chain(below.components().filter(|part| matches!(part, Component::Normal(_))))
        .collect();
    Hierarchy { controllers, mount: PathBuf::from(mount.point), own }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1: &str = "1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
2 0 0:2 /docker/x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
3 0 0:3 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd
4 0 0:2 /docker/x /mnt/again rw - cgroup cgroup rw,memory
";
    const V2: &str = "5 0 0:4 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate\n";
    const PATHS: &str = "3:name=systemd:/s\n2:memory:/docker/x/y\n1:cpu,cpuacct:/a\n0::/user.slice\n";

    #[test]
    fn the_layouts_are_told_apart() {
        let kind = |mountinfo: &str| Layout::read(mountinfo, PATHS).kind();
        assert_eq!(kind(""), Kind::None);
        assert_eq!(kind(V1), Kind::V1);
        assert_eq!(kind(V2), Kind::V2);
        assert_eq!(kind(&format!("{V1}{V2}")), Kind::Hybrid);
    }

    #[test]
    fn each_hierarchy_has_the_folder_that_its_mount_shows() {
        let layout = Layout::read(&format!("{V1}{V2}"), PATHS);
        let legacy = layout.legacy.iter().map(|found| (found.controllers.join(","), found.own.to_str().unwrap()));
        let wanted = [("cpu,cpuacct", "/sys/fs/cgroup/cpu/a"), ("memory", "/sys/fs/cgroup/memory/y")];
        assert_eq!(legacy.collect::<Vec<_>>(), wanted.map(|(names, folder)| (names.to_string(), folder)));
        assert_eq!(layout.unified.unwrap().own, Path::new("/sys/fs/cgroup/unified/user.slice"));
        assert_eq!(layout.systemd.unwrap().own, Path::new("/sys/fs/cgroup/systemd/s"));
    }

    #[test]
    fn a_cgroup_namespace_shows_its_root_as_ours() {
        let layout = Layout::read("5 0 0:4 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/\n");
        assert_eq!(layout.unified.unwrap().own, Path::new("/sys/fs/cgroup"));
        let above = Layout::read("5 0 0:4 /.. /sys/fs/cgroup rw - cgroup2 cgroup rw\n", "0::/../x\n");
        assert_eq!(above.unified.unwrap().own, Path::new("/sys/fs/cgroup/x"));
    }
}
