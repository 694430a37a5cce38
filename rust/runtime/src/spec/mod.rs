//! The spec: OCI's `config.json`, and beside it the few things that OCI lacks.
//!
//! Unknown properties are ignored, as the runtime-spec asks; a value of the wrong type is an error that names its path.

mod extras;
mod hooks;
mod linux;
mod mounts;
mod process;

use serde::Deserialize;

use crate::error::Error;

pub use extras::{
    Extras, InContainer, Landlock, MapIds, MemoryFile, MountApi, NodeSet, Overlay, SeccompProfile, Stdio, Tty,
};
pub use hooks::{Hook, Hooks};
pub use linux::{
    CLONE_NEWTIME, Device, IntelRdt, Linux, MemoryPolicy, Namespace, NamespaceKind, NetDevice, Personality, TimeOffset,
};
pub use mounts::{Mount, Root};
pub use process::{Capabilities, ConsoleSize, CpuAffinity, IoPriority, Process, Rlimit, Scheduler, User};

/// OCI runtime-spec `config.json`, with [`Extras`] under the property `minicontainer`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Version of the runtime-spec that the object follows.
    pub oci_version: String,
    /// What runs.
    #[serde(default = "Process::absent")]
    pub process: Process,
    /// The container's files; absent: the host's.
    pub root: Option<Root>,
    /// What is mounted, in this order.
    #[serde(default)]
    pub mounts: Vec<Mount>,
    /// The name in a UTS namespace.
    pub hostname: Option<String>,
    /// The NIS domain's name in a UTS namespace.
    pub domainname: Option<String>,
    /// Linux's own part.
    #[serde(default)]
    pub linux: Linux,
    /// What is executed on the way, for a container that is created.
    #[serde(default)]
    pub hooks: Hooks,
    /// What OCI has no word for.
    #[serde(default)]
    pub minicontainer: Extras,
}

impl Spec {
    /// Reads the JSON text of a spec.
    ///
    /// # Errors
    /// [`Error::Spec`] with the path of what is missing or of the wrong type.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        if let Ok(spec) = serde_json::from_slice(json) {
            return Ok(spec);
        }
        // Once more, for the path: keeping track of it costs as much as the reading.
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let cause = error.into_inner();
            // Text that is no JSON is so as a whole.
            Error::spec(if path == "." || !cause.is_data() { String::new() } else { path }, cause.to_string())
        })
    }
}
