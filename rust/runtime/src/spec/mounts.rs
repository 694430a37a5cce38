//! OCI `root` and `mounts`.

use serde::Deserialize;

use crate::id_ranges::IdMapping;

/// OCI `root`.
#[derive(Debug, Deserialize)]
pub struct Root {
    /// The folder.
    pub path: String,
    /// Whether it is read-only.
    #[serde(default)]
    pub readonly: bool,
}

/// OCI `mounts[]`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Mount {
    /// Where, in the container.
    pub destination: String,
    /// The filesystem's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What is mounted.
    pub source: String,
    /// As mount(8) has them.
    pub options: Vec<String>,
    /// The ids that a bind mount shows.
    pub uid_mappings: Vec<IdMapping>,
    /// The ids that a bind mount shows.
    pub gid_mappings: Vec<IdMapping>,
}
