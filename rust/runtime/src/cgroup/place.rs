//! A cgroup that is there: its folder in each hierarchy. As a container's state keeps it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Manager;

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

    /// The folder of a version 1 controller.
    #[must_use]
    pub fn legacy(&self, controller: &str) -> Option<&Path> {
        self.paths.get(controller).filter(|_| controller != UNIFIED).map(PathBuf::as_path)
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
