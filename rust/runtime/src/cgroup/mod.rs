//! Cgroups: where they are, what a container's may use, and what it has used. cgroups(7); Linux's
//! Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
//!
//! [`survey`] looks around, [`arrange`] decides where a container's cgroup goes and what is written there; [`layout`],
//! [`path`], [`resources`] and [`arrange`] are pure. [`place`] is a cgroup that is there, whoever made it.

pub mod arrange;
pub mod devices;
pub mod events;
mod file;
pub mod layout;
mod make;
mod members;
pub mod path;
pub mod place;
pub mod resources;
#[cfg(test)]
pub(crate) mod samples;
pub mod stats;
pub mod survey;
mod sweep;
pub mod systemd;
mod update;

use serde::{Deserialize, Serialize};

pub use arrange::Arrangement;
pub use layout::Layout;
pub use make::{Cgroup, make, set};
pub use place::Place;
pub use resources::Resources;
pub use stats::Stats;
pub use survey::Survey;

/// Who makes a container's cgroup.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// Systemd, where it is there and has not handed us a cgroup: one scope for all containers of a process. Else we do.
    #[default]
    Auto,
    /// We do, as folders.
    #[serde(alias = "cgroupfs")]
    Files,
    /// Systemd does, as a transient scope; what is in it we write as with [`Manager::Files`].
    Systemd,
    /// Nobody: the program stays in our own.
    Disabled,
}

/// How a program gets into its cgroup.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// It is cloned into it, where the kernel can.
    #[default]
    Auto,
    /// It enters by itself, before anything else.
    Descriptor,
}

/// What OCI has no word for.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Extras {
    /// Who makes the cgroup.
    pub manager: Manager,
    /// Below which cgroup, where `linux.cgroupsPath` says nothing: absolute, or below our own.
    pub parent: Option<String>,
    /// A controller that is missing is told of, and its limits are left away.
    pub best_effort: bool,
    /// How the program gets there.
    pub entry: Entry,
    /// After so many milliseconds on processors all of it is killed.
    pub cpu_time_ms: Option<f64>,
    /// Limits by device, beside `linux.resources.blockIO`.
    pub io_max: Vec<IoMax>,
}

/// What is read from and written to a device at most, per second.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct IoMax {
    /// `MAJOR:MINOR`, or a path of the host's.
    pub device: String,
    /// Bytes.
    pub read_bps: Option<u64>,
    /// Bytes.
    pub write_bps: Option<u64>,
    /// Operations.
    pub read_iops: Option<u64>,
    /// Operations.
    pub write_iops: Option<u64>,
}
