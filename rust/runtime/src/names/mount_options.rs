//! Mount options, as OCI's `mounts[].options`, `mount(8)` and runc have them, in both of the kernel's languages.
//!
//! An attribute belongs to one mount and is set by `mount_setattr(2)`; with an `r` before its name, to the mounts below
//! it too. A superblock's flag belongs to the filesystem, wherever it is mounted. `mount(2)` has `MS_*` for both. Of
//! options that contradict each other the last one counts.

use nix::libc::{self, c_ulong};

use super::mount_attributes::{Attributes, MOUNT_ATTR_RDONLY, NAMES as ATTRIBUTES};

/// How mounts and unmounts spread, `mount_namespaces(7)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Propagation {
    /// `MS_PRIVATE`, `MS_SHARED`, `MS_SLAVE` or `MS_UNBINDABLE`.
    pub flag: c_ulong,
    /// Whether for the mounts below, too: `MS_REC`.
    pub recursive: bool,
}

/// What a list of options asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches of a list, not the states of a machine")]
pub struct MountOptions {
    /// `bind` or `rbind`.
    pub bind: bool,
    /// `rbind`: with the mounts below; a `bind` beside it takes nothing back.
    pub recursive_bind: bool,
    /// `remount`.
    pub remount: bool,
    /// `tmpcopyup`: a tmpfs begins with a copy of what it hides.
    pub tmpcopyup: bool,
    /// `idmap`, or `ridmap`, which is true: with the mounts below.
    pub idmap: Option<bool>,
    /// Attributes of the mount itself.
    pub attributes: Attributes,
    /// Attributes of the mount and those below it: `rro`.
    pub recursive_attributes: Attributes,
    /// The filesystem's own `MS_*` flags, but for `ro`: see [`MountOptions::superblock_flags`].
    pub superblock: c_ulong,
    /// `shared` and its like.
    pub propagation: Option<Propagation>,
    /// All that is unknown here, in order: the filesystem's own options, `size=64m`.
    pub data: Vec<String>,
}

impl MountOptions {
    /// The flags that `mount(2)` takes for all but the propagation, which is a call of its own, and what is recursive.
    /// For a bind they count in the second call, with `MS_REMOUNT`.
    #[must_use]
    pub fn classic_flags(&self) -> c_ulong {
        let switches = [
            (self.bind, libc::MS_BIND),
            (self.recursive_bind, libc::MS_REC),
            (self.remount, libc::MS_REMOUNT),
            (true, self.superblock),
        ];
        let switches = switches.iter().filter(|(on, _)| *on).fold(0, |flags, (_, flag)| flags | flag);
        switches | self.attributes.classic_flags()
    }

    /// The flags of the filesystem itself, where one is mounted anew: `ro` of a bind is the mount's alone.
    #[must_use]
    pub fn superblock_flags(&self) -> c_ulong {
        let read_only = !self.bind && self.attributes.set & MOUNT_ATTR_RDONLY != 0;
        self.superblock | if read_only { libc::MS_RDONLY } else { 0 }
    }
}

/// The name, its flag, and whether it sets it.
const SUPERBLOCK: [(&str, c_ulong, bool); 11] = [
    ("sync", libc::MS_SYNCHRONOUS, true),
    ("async", libc::MS_SYNCHRONOUS, false),
    ("dirsync", libc::MS_DIRSYNC, true),
    ("mand", libc::MS_MANDLOCK, true),
    ("nomand", libc::MS_MANDLOCK, false),
    ("lazytime", libc::MS_LAZYTIME, true),
    ("nolazytime", libc::MS_LAZYTIME, false),
    ("iversion", libc::MS_I_VERSION, true),
    ("noiversion", libc::MS_I_VERSION, false),
    ("silent", libc::MS_SILENT, true),
    ("loud", libc::MS_SILENT, false),
];

/// Each is known with an `r` before it, too.
const PROPAGATIONS: [(&str, c_ulong); 4] = [
    ("private", libc::MS_PRIVATE),
    ("shared", libc::MS_SHARED),
    ("slave", libc::MS_SLAVE),
    ("unbindable", libc::MS_UNBINDABLE),
];

/// What is neither an attribute nor a flag nor a propagation.
const OTHERS: [&str; 7] = ["bind", "rbind", "remount", "defaults", "tmpcopyup", "idmap", "ridmap"];

/// Reads a list of options. Nothing is refused: what is unknown is the filesystem's to judge.
#[must_use]
pub fn parse(options: &[String]) -> MountOptions {
    let mut parsed = MountOptions::default();
    for option in options {
        parsed.add(option);
    }
    parsed
}

/// The propagation that `name` stands for; also OCI's `linux.rootfsPropagation`.
#[must_use]
pub fn propagation(name: &str) -> Option<Propagation> {
    let find = |name: &str| PROPAGATIONS.iter().find(|(known, _)| *known == name).map(|(_, flag)| *flag);
    match find(name) {
        Some(flag) => Some(Propagation { flag, recursive: false }),
        None => Some(Propagation { flag: find(name.strip_prefix('r')?)?, recursive: true }),
    }
}

/// All names that are known here, in order of the alphabet: for `features`.
#[must_use]
pub fn names() -> Vec<String> {
    let twice = |name: &str| [name.to_string(), format!("r{name}")];
    let mut names: Vec<String> = OTHERS.map(String::from).to_vec();
    names.extend(SUPERBLOCK.map(|(name, ..)| name.to_string()));
    names.extend(PROPAGATIONS.iter().flat_map(|(name, _)| twice(name)));
    names.extend(ATTRIBUTES.iter().flat_map(|(name, ..)| twice(name)));
    names.sort_unstable();
    names
}

impl MountOptions {
    fn add(&mut self, option: &str) {
        let attribute = |name: &str| ATTRIBUTES.iter().find(|(known, ..)| *known == name);
        match option {
            "defaults" => {}
            "bind" => self.bind = true,
            "rbind" => (self.bind, self.recursive_bind) = (true, true),
            "remount" => self.remount = true,
            "tmpcopyup" => self.tmpcopyup = true,
            "idmap" => self.idmap = Some(false),
            "ridmap" => self.idmap = Some(true),
            _ => {
                if let Some((_, bits, sets)) = attribute(option) {
                    self.attributes.change(*bits, *sets);
                } else if let Some((_, bits, sets)) = option.strip_prefix('r').and_then(attribute) {
                    self.recursive_attributes.change(*bits, *sets);
                } else if let Some((_, flag, sets)) = SUPERBLOCK.iter().find(|(known, ..)| *known == option) {
                    self.superblock = self.superblock & !flag | if *sets { *flag } else { 0 };
                } else if let Some(propagation) = propagation(option) {
                    self.propagation = Some(propagation);
                } else {
                    self.data.push(option.to_string());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::mount_attributes::{MOUNT_ATTR__ATIME, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NOSUID};

    fn parsed(options: &[&str]) -> MountOptions {
        parse(&options.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn a_bind_is_plain_or_recursive() {
        let bind = MountOptions { bind: true, ..MountOptions::default() };
        let recursive = MountOptions { recursive_bind: true, ..bind.clone() };
        assert_eq!((parsed(&["bind"]), bind.classic_flags()), (bind, libc::MS_BIND));
        for options in [&["rbind"][..], &["bind", "rbind"], &["rbind", "bind"]] {
            assert_eq!(parsed(options), recursive, "{options:?}");
        }
        assert_eq!(recursive.classic_flags(), libc::MS_BIND | libc::MS_REC);
    }

    #[test]
    fn an_r_before_an_attribute_is_for_the_mounts_below_too() {
        let options = parsed(&["rro", "rsuid", "rnoatime", "nosuid", "rrw", "rro"]);
        let clear = MOUNT_ATTR_NOSUID | MOUNT_ATTR__ATIME;
        let recursive_attributes = Attributes { set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME, clear };
        let attributes = Attributes { set: MOUNT_ATTR_NOSUID, clear: 0 };
        assert_eq!(options, MountOptions { attributes, recursive_attributes, ..MountOptions::default() });
        assert_eq!(options.classic_flags(), libc::MS_NOSUID);
    }

    #[test]
    fn flags_of_the_filesystem_are_kept_apart() {
        let options =
            parsed(&["sync", "dirsync", "mand", "lazytime", "iversion", "silent", "nomand", "async", "nodev"]);
        let flags = libc::MS_DIRSYNC | libc::MS_LAZYTIME | libc::MS_I_VERSION | libc::MS_SILENT;
        assert_eq!((options.superblock, options.superblock_flags()), (flags, flags));
        assert_eq!(options.classic_flags(), flags | libc::MS_NODEV);
        assert_eq!(parsed(&["silent", "loud", "lazytime", "nolazytime", "noiversion"]), MountOptions::default());
    }

    #[test]
    fn ro_is_the_filesystems_too_unless_it_is_bound() {
        assert_eq!(parsed(&["ro"]).superblock_flags(), libc::MS_RDONLY);
        assert_eq!(parsed(&["ro", "rw"]).superblock_flags(), 0);
        assert_eq!(parsed(&["bind", "ro"]).superblock_flags(), 0);
        assert_eq!(parsed(&["bind", "ro", "remount"]).classic_flags(), {
            libc::MS_BIND | libc::MS_RDONLY | libc::MS_REMOUNT
        });
    }

    #[test]
    fn the_last_propagation_counts() {
        let private = Propagation { flag: libc::MS_PRIVATE, recursive: false };
        let slave = Propagation { flag: libc::MS_SLAVE, recursive: true };
        assert_eq!(parsed(&["rslave"]).propagation, Some(slave));
        assert_eq!(parsed(&["rslave", "private"]).propagation, Some(private));
        assert_eq!(parsed(&["rslave", "private"]).classic_flags(), 0);
        assert_eq!([propagation("rshared").unwrap().flag, propagation("runbindable").unwrap().flag], {
            [libc::MS_SHARED, libc::MS_UNBINDABLE]
        });
        assert_eq!(["", "r", "rrshared", "Shared"].map(propagation), [None; 4]);
    }

    #[test]
    fn what_only_a_runtime_knows() {
        assert_eq!(parsed(&["idmap"]).idmap, Some(false));
        assert_eq!(parsed(&["idmap", "ridmap"]).idmap, Some(true));
        assert!(parsed(&["tmpcopyup"]).tmpcopyup);
        assert_eq!(parsed(&["defaults"]), MountOptions::default());
    }

    #[test]
    fn what_is_unknown_is_data_in_its_order() {
        let unknown = ["size=64m", "mode=755", "", "RO", "acl", "rr", "rdefaults", "ro=1", " ro"];
        let options = parsed(&[&["nosuid"][..], &unknown, &["noexec"]].concat());
        assert_eq!(options.data, unknown);
        assert_eq!(options.classic_flags(), libc::MS_NOSUID | libc::MS_NOEXEC);
    }

    #[test]
    fn every_name_is_known_and_stands_there_once() {
        let names = names();
        assert!(names.iter().all(|name| parse(std::slice::from_ref(name)).data.is_empty()));
        assert!(names.is_sorted() && names.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(names.len(), 7 + 11 + 2 * 4 + 2 * 18);
    }
}
