//! What works on this host and what does not, with the way out; found by trying, not by the kernel's version.
//!
//! Each file asks about one group. What can be tried is tried in a child with namespaces of its own ([`trial`]), which
//! vanish with it; the host is left as it was.

mod capabilities;
mod cgroups;
mod host;
mod idmapped;
mod ids;
mod kernel;
pub(crate) mod mountinfo;
mod mounts;
mod namespaces;
mod privileges;
mod tools;
mod trial;

use serde::Serialize;

use host::Host;

/// What a probe belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Single system calls.
    Kernel,
    /// Each kind of namespace.
    Namespaces,
    /// Filesystems, and what is done with mounts.
    Mounts,
    /// Ranges of ids, and the programs that hand them out.
    Ids,
    /// What this process may do, and what can be taken from a program.
    Privileges,
    /// Limits on resources.
    Cgroups,
    /// Programs that parts of the work can be left to.
    Tools,
}

/// One thing that works or does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// A name that stays the same: `pidNamespace`.
    pub name: &'static str,
    /// What it belongs to.
    pub group: Group,
    /// Whether it works.
    pub works: bool,
    /// What was seen.
    pub detail: String,
    /// What to do where it does not work, if anything can be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Probe {
    fn works(name: &'static str, group: Group, detail: impl Into<String>) -> Self {
        Self { name, group, works: true, detail: detail.into(), remedy: None }
    }

    fn fails(name: &'static str, group: Group, detail: impl Into<String>, remedy: Option<String>) -> Self {
        Self { name, group, works: false, detail: detail.into(), remedy }
    }
}

/// What was found out about this host.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The kernel's release: `6.18.44`.
    pub kernel: String,
    /// `x86_64` or `aarch64`.
    pub architecture: &'static str,
    /// The effective user.
    pub uid: u32,
    /// Whether this user can make a plain container here: see [`needed`].
    pub works: bool,
    /// The single answers, group by group.
    pub probes: Vec<Probe>,
}

/// Looks around and tries.
#[must_use]
pub fn check() -> Report {
    let host = Host::look();
    let probes = [
        kernel::probe(&host),
        namespaces::probe(&host),
        mounts::probe(&host),
        ids::probe(&host),
        privileges::probe(&host),
        cgroups::probe(&host),
        tools::probe(),
    ]
    .concat();
    Report {
        kernel: host.kernel.clone(),
        architecture: std::env::consts::ARCH,
        uid: host.status.uid,
        works: probes.iter().all(|probe| probe.works || !needed(&host, probe.name)),
        probes,
    }
}

/// What a plain container cannot do without; a user namespace only where no other can be had without one.
fn needed(host: &Host, name: &str) -> bool {
    match name {
        "closeRange" | "pidfdOpen" | "pidNamespace" | "mountNamespace" | "procMount" | "pivotRoot" => true,
        "userNamespace" => !host.status.has_admin(),
        _ => false,
    }
}
