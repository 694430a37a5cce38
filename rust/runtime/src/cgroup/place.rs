//! A cgroup that is there: its folder in each hierarchy. As a container's state keeps it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Manager;
use super::path::CgroupsPath;
use super::systemd;
use crate::error::Error;

/// The name under which [`Place::paths`] has the folder of version 2.
pub const UNIFIED: &str = "";

/// Where a container's cgroup is.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Who made it.
    pub manager: Manager,
    /// Its folders by controller; [`UNIFIED`]: that of version 2.
    pub paths: BTreeMap<String, PathBuf>,
    /// Systemd's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Place {
    /// The folder of version 2.
    #[must_use]
    pub fn unified(&self) -> Option<&Path> {
        self.paths.get(UNIFIED).map(PathBuf::as_path)
    }

    /// The folder of systemd's scope around one of its folders, where there is one for it.
    #[must_use]
    pub fn scope_of<'f>(&self, folder: Option<&'f Path>) -> Option<&'f Path> {
        self.unit.as_ref().and(folder?.parent())
    }

    /// The folders of the scope around it that systemd has no use for: they are ours.
    #[must_use]
    pub fn scopes_of_ours(&self) -> Vec<PathBuf> {
        let ours = self.paths.iter().filter(|(key, _)| !systemd::KEPT.contains(&key.as_str()));
        ours.filter_map(|(_, path)| path.parent().map(PathBuf::from)).collect()
    }

    /// The folder of a version 1 controller.
    #[must_use]
    pub fn legacy(&self, controller: &str) -> Option<&Path> {
        self.paths.get(controller).filter(|_| controller != UNIFIED).map(PathBuf::as_path)
    }

    /// The file that counts how many of its processes were killed because no memory was left: `memory.events` of version
    /// 2, `memory.oom_control` of version 1.
    pub(super) fn memory_events(&self) -> Option<PathBuf> {
        let legacy = self.legacy("memory").map(|folder| folder.join("memory.oom_control"));
        legacy.or_else(|| self.unified().map(|folder| folder.join("memory.events")))
    }

    /// A cgroup below it, by a relative path.
    ///
    /// # Errors
    /// [`Error::Spec`] for a path that leads elsewhere.
    pub fn below(mut self, path: Option<&str>) -> Result<Self, Error> {
        let Some(path) = path else { return Ok(self) };
        let CgroupsPath::Relative(path) = CgroupsPath::parse(path, "minicontainer.container.below")? else {
            return Err(Error::spec("minicontainer.container.below", format!("must be relative; it is {path:?}")));
        };
        self.paths.values_mut().for_each(|folder| folder.push(&path));
        Ok(self)
    }

    /// All folders, each once: controllers may share a hierarchy.
    #[must_use]
    pub fn folders(&self) -> Vec<&Path> {
        let mut folders: Vec<_> = self.paths.values().map(PathBuf::as_path).collect();
        folders.sort_unstable();
        folders.dedup();
        folders
    }
}
