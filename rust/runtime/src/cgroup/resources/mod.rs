//! OCI `linux.resources`: config-linux.md of the runtime-spec. Units are the kernel's: bytes, microseconds.

mod v1;
mod v2;
mod write;

use std::collections::BTreeMap;

use serde::Deserialize;

pub use write::{Version, Write, writes};

/// OCI `linux.resources`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", default)]
pub struct Resources {
    /// Which devices may be used; later ones go before earlier ones.
    pub devices: Vec<DeviceRule>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Processors.
    pub cpu: Option<Cpu>,
    /// How many processes there may be.
    pub pids: Option<Pids>,
    /// Block devices.
    #[serde(rename = "blockIO")]
    pub block_io: Option<BlockIo>,
    /// Huge pages.
    pub hugepage_limits: Vec<HugepageLimit>,
    /// The network, on version 1 alone.
    pub network: Option<Network>,
    /// RDMA, by device.
    pub rdma: BTreeMap<String, Rdma>,
    /// Files of version 2 and what is written to them.
    pub unified: BTreeMap<String, String>,
}

/// OCI `linux.resources.devices[]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct DeviceRule {
    /// Whether the access is allowed.
    pub allow: bool,
    /// `a` for all, `c` or `b`; absent: all.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Major number; absent or -1: any.
    pub major: Option<i64>,
    /// Minor number; absent or -1: any.
    pub minor: Option<i64>,
    /// `r` read, `w` write, `m` make; absent: all.
    pub access: Option<String>,
}

/// OCI `linux.resources.memory`: bytes, -1 for no limit.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// At most so much.
    pub limit: Option<i64>,
    /// Above so much it is reclaimed first, where memory is short.
    pub reservation: Option<i64>,
    /// Memory and swap together at most.
    pub swap: Option<i64>,
    /// The kernel's own memory; version 1, and gone since Linux 5.16.
    pub kernel: Option<i64>,
    /// Buffers of TCP; version 1.
    #[serde(rename = "kernelTCP")]
    pub kernel_tcp: Option<i64>,
    /// How readily it is swapped out: 0 to 100; version 1.
    pub swappiness: Option<u64>,
    /// Nothing is killed where memory is out; version 1.
    #[serde(rename = "disableOOMKiller")]
    pub disable_oom_killer: Option<bool>,
    /// Whether what is below counts too; version 1, where it always does since Linux 5.11.
    pub use_hierarchy: Option<bool>,
    /// A limit below what is used already is refused.
    pub check_before_update: Option<bool>,
}

/// OCI `linux.resources.cpu`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Cpu {
    /// Its part where others want the processors too: 2 to 262144; 1024 is usual, and 0 leaves it so.
    pub shares: Option<u64>,
    /// Microseconds in each period; -1: no limit, 0: as it is.
    pub quota: Option<i64>,
    /// Microseconds that can be saved up for later.
    pub burst: Option<u64>,
    /// The period in microseconds; 0: as it is.
    pub period: Option<u64>,
    /// Microseconds of real-time scheduling in each of its periods; version 1.
    pub realtime_runtime: Option<i64>,
    /// The period for that; version 1.
    pub realtime_period: Option<u64>,
    /// Processors, as in `0-3,7`.
    pub cpus: Option<String>,
    /// Nodes of memory, as in `0-1`.
    pub mems: Option<String>,
    /// 1: it runs only where nobody else wants to.
    pub idle: Option<i64>,
}

/// OCI `linux.resources.pids`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct Pids {
    /// At most so many processes and threads; -1: no limit.
    pub limit: Option<i64>,
}

/// OCI `linux.resources.blockIO`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct BlockIo {
    /// Its part where others want the device too: 10 to 1000; 0 leaves it as it is.
    pub weight: Option<u16>,
    /// The same for its own tasks against those below; version 1 with the CFQ scheduler, gone since Linux 5.0.
    pub leaf_weight: Option<u16>,
    /// By device.
    pub weight_device: Vec<WeightDevice>,
    /// Bytes per second.
    pub throttle_read_bps_device: Vec<ThrottleDevice>,
    /// Bytes per second.
    pub throttle_write_bps_device: Vec<ThrottleDevice>,
    /// Operations per second.
    #[serde(rename = "throttleReadIOPSDevice")]
    pub throttle_read_iops_device: Vec<ThrottleDevice>,
    /// Operations per second.
    #[serde(rename = "throttleWriteIOPSDevice")]
    pub throttle_write_iops_device: Vec<ThrottleDevice>,
}

/// OCI `linux.resources.blockIO.weightDevice[]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct WeightDevice {
    /// Major number.
    pub major: i64,
    /// Minor number.
    pub minor: i64,
    /// 10 to 1000.
    pub weight: Option<u16>,
    /// See [`BlockIo::leaf_weight`].
    pub leaf_weight: Option<u16>,
}

/// OCI `linux.resources.blockIO.throttle…Device[]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct ThrottleDevice {
    /// Major number.
    pub major: i64,
    /// Minor number.
    pub minor: i64,
    /// At most so much; 0: no limit.
    pub rate: u64,
}

/// OCI `linux.resources.hugepageLimits[]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct HugepageLimit {
    /// As in `2MB`, `64KB`, `1GB`.
    pub page_size: String,
    /// Bytes.
    pub limit: u64,
}

/// OCI `linux.resources.network`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Network {
    /// The class of its packets.
    #[serde(rename = "classID")]
    pub class_id: Option<u32>,
    /// Their priority, by interface.
    pub priorities: Vec<InterfacePriority>,
}

/// OCI `linux.resources.network.priorities[]`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(default)]
pub struct InterfacePriority {
    /// The interface.
    pub name: String,
    /// Its priority.
    pub priority: u32,
}

/// OCI `linux.resources.rdma.*`.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Rdma {
    /// At most so many handles.
    pub hca_handles: Option<u32>,
    /// At most so many objects.
    pub hca_objects: Option<u32>,
}

#[cfg(test)]
mod tests;
