//! What OCI has no word for: the property `minicontainer` of a spec.

use serde::Deserialize;

use crate::cgroup::{self, Place};

/// What OCI lacks. Each has its source where it has one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches of a document, not the states of a machine")]
pub struct Extras {
    /// What is executed, where that is not `process.args[0]`; a name without a slash is looked up in PATH.
    pub program: Option<String>,
    /// What is laid under all else of the environment.
    pub default_env: Vec<String>,
    /// `process.env` is laid over the environment of this process.
    pub inherit_env: bool,
    /// Files of `NAME=value` lines, laid over what is inherited and under `process.env`.
    pub env_files: Vec<String>,
    /// Where the program's descriptors 0, 1 and 2 come from.
    pub stdio: [Stdio; 3],
    /// The program gets SIGKILL when this process ends; bubblewrap's `--die-with-parent`.
    pub kill_on_exit: bool,
    /// The program gets SIGKILL after so many milliseconds.
    pub timeout_ms: Option<f64>,
    /// The program gets SIGKILL when it writes more bytes than that to stdout and stderr together; in the foreground,
    /// where these are pipes, or a terminal of its own, whose bytes are handed on.
    pub output_bytes: Option<u64>,
    /// Tell on stderr what is done.
    pub debug: bool,
    /// The program takes this process's place before the terminal and towards who signals it.
    pub foreground: bool,
    /// In the foreground: where nothing is to be told of its end, this process ends as it did, at once.
    pub exits: bool,
    /// `USER[:GROUP]`, names or numbers of the root's `/etc/passwd` and `/etc/group`; it goes before `process.user`.
    pub run_as: Option<String>,
    /// The root is the lower layer, and what is written goes to another.
    pub overlay: Option<Overlay>,
    /// Files from memory, bound over what the root has there.
    pub files: Vec<MemoryFile>,
    /// Paths that the program is limited to, landlock(7).
    pub landlock: Option<Landlock>,
    /// A filter that is built in, where `linux.seccomp` is absent.
    pub seccomp_profile: SeccompProfile,
    /// A file with OCI's `linux.seccomp`, in place of it.
    pub seccomp_file: Option<String>,
    /// Devices of the host's that the container gets at the same path.
    pub host_devices: Vec<String>,
    /// Whether the program gets a terminal of its own, beside `process.terminal`.
    pub tty: Tty,
    /// How ids are found for a user namespace that comes without `linux.uidMappings`.
    pub map_ids: MapIds,
    /// The program gets a session keyring of its own.
    pub new_keyring: bool,
    /// By which system calls mounts are made.
    pub mount_api: MountApi,
    /// Which devices and links the container gets in `/dev`.
    pub devices: NodeSet,
    /// The program gets a session of its own, in which it has no terminal but one of its own.
    pub new_session: bool,
    /// What there is to say of its cgroup, which it gets also where only this asks for one.
    pub cgroup: Option<cgroup::Extras>,
    /// The program runs in a container that is there, in its namespaces.
    pub container: Option<InContainer>,
    /// The root whose `/etc/passwd` and `/etc/group` names are looked up in, where it is not the spec's own.
    #[serde(skip)]
    pub users_of: Option<String>,
    /// The cgroup that the program is put into.
    #[serde(skip)]
    pub joins_cgroup: Option<Place>,
    /// OCI's state of the container that the program runs in.
    #[serde(skip)]
    pub state: Option<serde_json::Value>,
    /// The process whose namespaces are joined, by its number and its start.
    #[serde(skip)]
    pub joins: Option<(i32, u64)>,
    /// The root is entered by chroot(2), after its mount was moved over the former one: where pivot_root(2) cannot.
    pub no_pivot: bool,
    /// So many descriptors of this process's behind stderr are the program's too.
    pub preserve_fds: u32,
}

/// A container that a program runs in.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InContainer {
    /// The file with its configuration.
    pub config: String,
    /// Its process.
    pub pid: i32,
    /// When that started, in clock ticks since boot: field 22 of proc_pid_stat(5).
    pub start_time: u64,
    /// `process` of the spec says only what differs from the container's own.
    #[serde(default)]
    pub as_its_program: bool,
    /// Its cgroup.
    pub cgroup: Option<Place>,
    /// A cgroup below that.
    pub below: Option<String>,
    /// What it may beside what the container's own program may.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Further groups.
    #[serde(default)]
    pub additional_gids: Vec<u32>,
    /// OCI's state of it, which who answers the calls of its filter is told.
    pub state: Option<serde_json::Value>,
}

/// Where a standard stream comes from.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Stdio {
    /// This process's stream of the same number.
    #[default]
    Inherit,
    /// `/dev/null`.
    Null,
    /// A pipe, of which the caller gets the other end.
    Piped,
    /// A descriptor of this process.
    Descriptor(i32),
}

/// An overlay over the root.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Overlay {
    /// A folder for what is written, which is kept there in `upper`; absent: a tmpfs, gone with the container.
    pub folder: Option<String>,
    /// The size of that tmpfs in bytes; absent: half of the memory, as tmpfs(5) has it.
    pub size_bytes: Option<f64>,
    /// What was changed is told once the program has ended.
    pub diff: bool,
}

/// A file from memory.
#[derive(Debug, Deserialize)]
pub struct MemoryFile {
    /// Where, in the container.
    pub path: String,
    /// What it holds, as base64.
    pub content: String,
    /// Its permissions; absent: 0444.
    pub mode: Option<u32>,
}

/// Paths in the container's root, or the host's where there is none.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Landlock {
    /// Below these is read and executed.
    pub read_only: Vec<String>,
    /// Below these all is done.
    pub read_write: Vec<String>,
}

/// A filter that is built in.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SeccompProfile {
    /// None.
    #[default]
    Unconfined,
    /// What containers rarely need and attacks often do is refused.
    Default,
}

/// How ids are found.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MapIds {
    /// The caller's own as 0, and behind it the ranges of `/etc/subuid` and `/etc/subgid`, where there are any.
    #[default]
    Auto,
    /// The caller's own as 0.
    Single,
}

/// By which system calls mounts are made.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum MountApi {
    /// By `fsopen(2)` and its kin, where the kernel has them.
    #[default]
    Auto,
    /// By `fsopen(2)` and its kin.
    New,
    /// By `mount(2)`.
    Classic,
}

/// Whether the program gets a terminal of its own.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Tty {
    /// Not because of this.
    #[default]
    Never,
    /// In the foreground, where this process's stdin is a terminal, for those of its streams that are one: the program
    /// must not be able to type on it (TIOCSTI). It has a session of its own either way.
    Auto,
    /// It does.
    Always,
}

/// Devices and links in `/dev`.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum NodeSet {
    /// What OCI demands: null, zero, full, random, urandom, tty, ptmx, and the links to `/proc/self/fd`.
    #[default]
    Default,
    /// None.
    None,
}
