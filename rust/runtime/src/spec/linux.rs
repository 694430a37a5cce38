//! OCI `linux`.

use std::collections::BTreeMap;

use nix::sched::CloneFlags;
use serde::Deserialize;

use crate::cgroup::Resources;
use crate::id_ranges::IdMapping;
use crate::seccomp::spec::Seccomp;

/// OCI `linux`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Linux {
    /// The namespaces that are made for the program, or joined.
    pub namespaces: Vec<Namespace>,
    /// User ids of a new user namespace.
    pub uid_mappings: Vec<IdMapping>,
    /// Group ids of a new user namespace.
    pub gid_mappings: Vec<IdMapping>,
    /// Clocks of a new time namespace: `monotonic`, `boottime`.
    pub time_offsets: BTreeMap<String, TimeOffset>,
    /// Devices beside the default ones.
    pub devices: Vec<Device>,
    /// Kernel parameters that belong to a namespace.
    pub sysctl: BTreeMap<String, String>,
    /// Paths that are covered.
    pub masked_paths: Vec<String>,
    /// Paths that are read-only.
    pub readonly_paths: Vec<String>,
    /// How mounts of the root spread: `private`, `shared`, `slave`, `unbindable`, with `r` for all below.
    pub rootfs_propagation: Option<String>,
    /// SELinux' label for mounts.
    pub mount_label: String,
    /// Which system calls may be made.
    pub seccomp: Option<Seccomp>,
    /// Which nodes memory is taken from.
    pub memory_policy: Option<MemoryPolicy>,
    /// Devices of the host's network, by their names there, that are moved into the container's.
    pub net_devices: BTreeMap<String, NetDevice>,
    /// Which part of caches and of memory's bandwidth it may use.
    pub intel_rdt: Option<IntelRdt>,
    /// The execution domain.
    pub personality: Option<Personality>,
    /// The container's cgroup: an absolute path, a relative one, or `slice:prefix:name` with systemd.
    pub cgroups_path: Option<String>,
    /// What the cgroup may use.
    pub resources: Option<Resources>,
}

/// OCI `linux.namespaces[]`.
#[derive(Debug, Deserialize)]
pub struct Namespace {
    /// Which one.
    #[serde(rename = "type")]
    pub kind: NamespaceKind,
    /// One that is there already.
    pub path: Option<String>,
}

/// OCI `linux.namespaces[].type`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// `pid_namespaces(7)`.
    Pid,
    /// `mount_namespaces(7)`.
    Mount,
    /// `network_namespaces(7)`.
    Network,
    /// `uts_namespaces(7)`.
    Uts,
    /// `ipc_namespaces(7)`.
    Ipc,
    /// `user_namespaces(7)`.
    User,
    /// `cgroup_namespaces(7)`.
    Cgroup,
    /// `time_namespaces(7)`.
    Time,
}

/// `CLONE_NEWTIME`, which nix does not know: clone(2) has no room for it, unshare(2) and setns(2) have.
pub const CLONE_NEWTIME: i32 = 0x80;

impl NamespaceKind {
    /// `CLONE_NEW…`.
    #[must_use]
    pub fn flag(self) -> i32 {
        match self {
            Self::Pid => CloneFlags::CLONE_NEWPID.bits(),
            Self::Mount => CloneFlags::CLONE_NEWNS.bits(),
            Self::Network => CloneFlags::CLONE_NEWNET.bits(),
            Self::Uts => CloneFlags::CLONE_NEWUTS.bits(),
            Self::Ipc => CloneFlags::CLONE_NEWIPC.bits(),
            Self::User => CloneFlags::CLONE_NEWUSER.bits(),
            Self::Cgroup => CloneFlags::CLONE_NEWCGROUP.bits(),
            Self::Time => CLONE_NEWTIME,
        }
    }

    /// Its file in a process's `/proc/PID/ns`, namespaces(7).
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::Pid => "pid",
            Self::Mount => "mnt",
            Self::Network => "net",
            Self::Uts => "uts",
            Self::Ipc => "ipc",
            Self::User => "user",
            Self::Cgroup => "cgroup",
            Self::Time => "time",
        }
    }

    /// What it is called in a sentence.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pid => "PID",
            Self::Mount => "mount",
            Self::Network => "network",
            Self::Uts => "UTS",
            Self::Ipc => "IPC",
            Self::User => "user",
            Self::Cgroup => "cgroup",
            Self::Time => "time",
        }
    }
}

/// OCI `linux.timeOffsets.*`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TimeOffset {
    /// Seconds.
    pub secs: i64,
    /// Nanoseconds.
    pub nanosecs: u32,
}

/// OCI `linux.devices[]`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// `c`, `u`, `b` or `p`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where, in the container.
    pub path: String,
    /// Major number.
    #[serde(default)]
    pub major: u32,
    /// Minor number.
    #[serde(default)]
    pub minor: u32,
    /// Permissions; absent: 0666.
    pub file_mode: Option<u32>,
    /// Owner.
    #[serde(default)]
    pub uid: u32,
    /// Owner.
    #[serde(default)]
    pub gid: u32,
}

/// OCI `linux.personality`.
#[derive(Debug, Deserialize)]
pub struct Personality {
    /// `LINUX` or `LINUX32`.
    pub domain: String,
    /// None is defined by OCI.
    #[serde(default)]
    pub flags: Vec<String>,
}

/// OCI `linux.memoryPolicy`, set_mempolicy(2).
#[derive(Debug, Deserialize)]
pub struct MemoryPolicy {
    /// `MPOL_BIND`, `MPOL_INTERLEAVE`, …
    pub mode: String,
    /// A list such as `0-3,7`.
    #[serde(default)]
    pub nodes: String,
    /// `MPOL_F_STATIC_NODES`, …
    #[serde(default)]
    pub flags: Vec<String>,
}

/// OCI `linux.netDevices.*`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NetDevice {
    /// What it is called in the container; empty: as on the host. With `%d` in it, the kernel chooses a number.
    pub name: String,
}

/// OCI `linux.intelRdt`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct IntelRdt {
    /// The class of service: a folder of the resctrl filesystem, `/` for that itself.
    #[serde(rename = "closID")]
    pub clos_id: Option<String>,
    /// A line for the caches of level 3.
    pub l3_cache_schema: Option<String>,
    /// A line for the bandwidth.
    pub mem_bw_schema: Option<String>,
    /// Further lines.
    pub schemata: Vec<String>,
    /// Whether what it uses is counted for itself.
    pub enable_monitoring: bool,
}
