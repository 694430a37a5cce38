//! OCI `process`.

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// OCI `process`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The arguments, the first of which the program sees as its own name.
    pub args: Vec<String>,
    /// Whether the spec has none: such a container can be created, but never started.
    #[serde(skip)]
    pub is_absent: bool,
    /// `NAME=value`; of several with one name the last counts.
    #[serde(default)]
    pub env: Vec<String>,
    /// The working directory; empty: the caller's, or `/` of the container's root.
    #[serde(default)]
    pub cwd: String,
    /// Whether the program gets a terminal of its own.
    #[serde(default)]
    pub terminal: bool,
    /// That terminal's size.
    pub console_size: Option<ConsoleSize>,
    /// Who the program is; absent: the caller, or 0 in a container's root or user namespace.
    pub user: Option<User>,
    /// What the program may; absent: what the caller may.
    pub capabilities: Option<Capabilities>,
    /// Its limits.
    #[serde(default)]
    pub rlimits: Vec<Rlimit>,
    /// Whether execve(2) grants nothing.
    #[serde(default)]
    pub no_new_privileges: bool,
    /// How readily the kernel ends it when memory is short: -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// AppArmor's profile.
    #[serde(default)]
    pub apparmor_profile: String,
    /// SELinux' label.
    #[serde(default)]
    pub selinux_label: String,
    /// How it is scheduled.
    pub scheduler: Option<Scheduler>,
    /// How its input and output is scheduled.
    pub io_priority: Option<IoPriority>,
    /// On which processors it runs.
    #[serde(rename = "execCPUAffinity")]
    pub exec_cpu_affinity: Option<CpuAffinity>,
}

impl Process {
    /// What stands for none.
    #[must_use]
    pub fn absent() -> Self {
        Self { is_absent: true, args: vec!["/".into()], ..Self::default() }
    }
}

/// OCI `process.consoleSize`.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct ConsoleSize {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
}

/// OCI `process.user`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// In the container; absent: 0 in a container's root or user namespace, else the caller's.
    pub uid: Option<u32>,
    /// In the container; absent: as `uid`.
    pub gid: Option<u32>,
    /// Which permissions new files lack.
    pub umask: Option<u32>,
    /// Further groups.
    #[serde(default)]
    pub additional_gids: Vec<u32>,
}

/// OCI `process.capabilities`: names as `CAP_CHOWN`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// What may ever be had.
    pub bounding: Vec<String>,
    /// What counts now.
    pub effective: Vec<String>,
    /// What programs with file capabilities may inherit.
    pub inheritable: Vec<String>,
    /// What may be made to count.
    pub permitted: Vec<String>,
    /// What other programs inherit.
    pub ambient: Vec<String>,
}

/// OCI `process.rlimits[]`.
#[derive(Debug, Deserialize)]
pub struct Rlimit {
    /// `RLIMIT_…`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What counts; -1 and 2^64-1 are no limit.
    #[serde(deserialize_with = "limit")]
    pub soft: u64,
    /// What it may be raised to.
    #[serde(deserialize_with = "limit")]
    pub hard: u64,
}

/// JavaScript's numbers do not reach 2^64-1, so -1 stands for it, as in setrlimit(2)'s own `RLIM_INFINITY`.
fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match i128::deserialize(deserializer)? {
        -1 => Ok(u64::MAX),
        number => u64::try_from(number)
            .map_err(|_| D::Error::custom(format!("must be -1 or a number from 0 to 2^64-1; it is {number}"))),
    }
}

/// OCI `process.scheduler`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Scheduler {
    /// `SCHED_…`.
    pub policy: String,
    /// For `SCHED_OTHER` and `SCHED_BATCH`.
    pub nice: i32,
    /// For `SCHED_FIFO` and `SCHED_RR`.
    pub priority: u32,
    /// `SCHED_FLAG_…`.
    pub flags: Vec<String>,
    /// For `SCHED_DEADLINE`, in ns.
    pub runtime: u64,
    /// For `SCHED_DEADLINE`, in ns.
    pub deadline: u64,
    /// For `SCHED_DEADLINE`, in ns.
    pub period: u64,
}

/// OCI `process.ioPriority`.
#[derive(Debug, Deserialize)]
pub struct IoPriority {
    /// `IOPRIO_CLASS_…`.
    pub class: String,
    /// 0 (first) to 7.
    #[serde(default)]
    pub priority: i32,
}

/// OCI `process.execCPUAffinity`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CpuAffinity {
    /// While it is prepared.
    pub initial: String,
    /// For the program.
    #[serde(rename = "final")]
    pub last: String,
}
