//! Cgroups: where they are, what a container's may use, and what it has used. cgroups(7); Linux's
//! Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
//!
//! [`layout`] tells what is mounted, [`path`] where a container's cgroup goes, and [`resources`] what is written there:
//! these are pure. [`place`] is a cgroup that is there, whoever made it.

pub mod layout;
pub mod path;
pub mod place;
pub mod resources;

use serde::{Deserialize, Serialize};

pub use layout::Layout;
pub use place::Place;
pub use resources::Resources;

/// Who makes a container's cgroup.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Manager {
    /// We do, as folders.
    #[default]
    Files,
    /// Systemd does, as a transient scope; what is in it we write as with [`Manager::Files`].
    Systemd,
    /// Nobody: the program stays in our own.
    Disabled,
}
