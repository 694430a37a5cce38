//! Where a container's cgroup goes: `linux.cgroupsPath`, or below our own. Pure.

use std::path::{Component, Path, PathBuf};

use super::layout::Hierarchy;
use crate::error::Error;

/// `linux.cgroupsPath` of the file manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CgroupsPath {
    /// From where the hierarchy is mounted, as OCI has it.
    Absolute(PathBuf),
    /// Below this process's own.
    Relative(PathBuf),
}

/// What comes before the owner in the names that we make.
pub const PREFIX: &str = "minicontainer-";

impl CgroupsPath {
    /// Reads a path; `..` and an empty one are refused, for they lead elsewhere.
    ///
    /// # Errors
    /// [`Error::Spec`] with `field`.
    pub fn parse(text: &str, field: &str) -> Result<Self, Error> {
        let mut path = PathBuf::new();
        for part in Path::new(text).components() {
            match part {
                Component::Normal(name) => path.push(name),
                Component::ParentDir => {
                    return Err(Error::spec(field, format!("must not have \"..\"; it is {text:?}")));
                }
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            }
        }
        if path.as_os_str().is_empty() || text.contains('\0') {
            return Err(Error::spec(field, format!("must name a cgroup; it is {text:?}")));
        }
        Ok(if text.starts_with('/') { Self::Absolute(path) } else { Self::Relative(path) })
    }

    /// The folder in a hierarchy.
    #[must_use]
    pub fn folder(&self, hierarchy: &Hierarchy) -> PathBuf {
        match self {
            Self::Absolute(path) => hierarchy.mount.join(path),
            Self::Relative(path) => hierarchy.own.join(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_path_starts_at_the_mount_and_a_relative_one_at_our_own() {
        let hierarchy =
            Hierarchy { controllers: vec![], mount: "/sys/fs/cgroup".into(), own: "/sys/fs/cgroup/me".into() };
        let folder = |text| CgroupsPath::parse(text, "").map(|path| path.folder(&hierarchy)).unwrap();
        assert_eq!(folder("/pods//x/"), Path::new("/sys/fs/cgroup/pods/x"));
        assert_eq!(folder("./x"), Path::new("/sys/fs/cgroup/me/x"));
    }

    #[test]
    fn what_leads_out_or_nowhere_is_refused() {
        for text in ["", "/", ".", "a/../../b", "/..", "a\0b"] {
            assert!(CgroupsPath::parse(text, "linux.cgroupsPath").is_err(), "{text:?}");
        }
    }
}
