//! What a plan needs to know about this process and host. Gathered before planning, so that planning stays pure.

mod container;
mod environment;

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, getrlimit};

use crate::cgroup::Survey;
use crate::error::{Error, reason};
use crate::id_ranges::IdMapping;
use crate::launch::signals;
use crate::seccomp::spec::Seccomp;
use crate::spec::Spec;
use crate::users;

pub use container::find_helper;

/// Facts about this process and its host.
#[derive(Debug, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts, not the states of a machine")]
pub struct Facts {
    /// The environment; empty where the spec doesn't inherit it.
    pub environment: Arc<[CString]>,
    /// The text of each of the spec's `envFiles`.
    pub env_files: Vec<String>,
    /// The limit on descriptors to give back, soft and hard, where Deno has raised its own.
    pub nofile: Option<(u64, u64)>,
    /// The signals to leave ignored (bit N-1 for signal N): in the foreground, those that a shell or `nohup` sets so.
    pub ignored_signals: u64,
    /// The folder that relative paths of the host start from; empty where the spec has none.
    pub folder: PathBuf,
    /// Whose process this is.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// The capabilities that it is permitted: bit N for capability N.
    pub capabilities: u64,
    /// Whether it may map any ids.
    pub may_set_ids: bool,
    /// User and group ids for a user namespace that comes without.
    pub id_mappings: (Vec<IdMapping>, Vec<IdMapping>),
    /// Whether the user namespace that is joined lets nobody set additional groups, as one with a user's own id alone.
    pub denies_groups: bool,
    /// Who the program is, where the spec names it; found in the container's root.
    pub user: Option<users::User>,
    /// The home of the program's user, where the root knows it.
    pub home: Option<String>,
    /// Whether mounts are made by mount(2).
    pub has_classic_mounts: bool,
    /// What is mounted below `/sys/fs/cgroup`, by its path from there, where mount(2) has to treat each for itself.
    pub cgroup_hierarchies: Vec<String>,
    /// Landlock's version; 0: there is none.
    pub landlock_version: u32,
    /// Whether somebody answers the calls that a filter asks about.
    pub answers_calls: bool,
    /// Whether the program waits until it is told to begin.
    pub holds: bool,
    /// Whether it has a process by it that keeps its log and notes its end.
    pub is_monitored: bool,
    /// The filter of the spec's `seccompFile`.
    pub seccomp: Option<Seccomp>,
    /// The host's devices that the spec names.
    pub host_devices: Vec<HostDevice>,
    /// Which of stdin, stdout and stderr are a terminal that the program must not get; none without `tty: auto`.
    pub terminals: [bool; 3],
    /// Rows and columns of our terminal, where the program gets one of its own.
    pub terminal_size: Option<(u16, u16)>,
    /// Whether AppArmor is there.
    pub has_apparmor: bool,
    /// Where AppArmor takes a profile.
    pub apparmor_file: &'static str,
    /// Whether SELinux is there.
    pub has_selinux: bool,
    /// The host's cgroups, where the spec asks for one.
    pub cgroups: Option<Survey>,
    /// Where the resctrl filesystem is mounted, where the spec asks for a part of it.
    pub resctrl: Option<String>,
    /// What could not be had in full, a sentence each.
    pub degraded: Vec<String>,
}

/// A device file of the host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostDevice {
    /// Type and permissions.
    pub mode: u32,
    /// Major and minor number.
    pub device: (u32, u32),
    /// User and group.
    pub owner: (u32, u32),
}

impl Facts {
    /// Looks around, as far as `spec` needs it. Called on the thread that calls us: the environment belongs to it.
    ///
    /// # Errors
    /// [`Error::Spec`] with the path of an `envFiles` entry that cannot be read, or of a user that is not found.
    pub fn gather(spec: &Spec) -> Result<Self, Error> {
        let env_files = spec.minicontainer.env_files.iter().enumerate();
        let facts = Self {
            environment: if spec.minicontainer.inherit_env { environment::environment() } else { Arc::default() },
            env_files: env_files
                .map(|(index, path)| read_text(|| format!("minicontainer.envFiles[{index}]"), path))
                .collect::<Result<_, _>>()?,
            nofile: *NOFILE.get_or_init(nofile_before_deno),
            ignored_signals: if spec.minicontainer.foreground { signals::ignored_by_the_caller() } else { 0 },
            ..Self::default()
        };
        container::gather(facts, spec)
    }

    /// A path of the host's, from the root.
    ///
    /// # Errors
    /// [`Error::System`] where it starts from this process's folder, and that was removed: whatever took its place would
    /// be another than was meant.
    pub fn absolute(&self, path: &str) -> Result<String, Error> {
        let path = self.folder.join(path);
        // A spec's paths are text, and so is what they are joined to, or the kernel will not find it.
        let text = path.to_string_lossy().into_owned();
        if path.is_absolute() {
            return Ok(text);
        }
        Err(Error::system(format!("find {text:?}"), Errno::ENOENT)
            .with_advice("the folder that it starts from is gone"))
    }
}

/// More than any of the files that a spec names can need: the kernel takes 2 MiB for an environment.
const LARGEST_FILE: u64 = 4 * 1024 * 1024;

/// Reads a file that the spec's `field` names.
fn read_text(field: impl Fn() -> String, path: &str) -> Result<String, Error> {
    let read = || {
        let file = File::open(path)?;
        let mut text = String::new();
        file.take(LARGEST_FILE + 1).read_to_string(&mut text)?;
        Ok(text)
    };
    let refuse = |why: String| Error::spec(field(), format!("{path:?} {why}"));
    match read() {
        Ok(text) if text.len() as u64 > LARGEST_FILE => Err(refuse("is larger than 4 MiB".into())),
        Ok(text) => Ok(text),
        Err(error) => Err(refuse(format!("cannot be read: {}", io_reason(&error)))),
    }
}

fn io_reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |number| reason(Errno::from_raw(number)))
}

static NOFILE: OnceLock<Option<(u64, u64)>> = OnceLock::new();

/// Linux's initial soft limit, which `select(2)` can cope with.
const USUAL_SOFT_NOFILE: u64 = 1024;

/// Deno raises its soft limit to the hard one as it starts, and leaves no note of what it was. The process that
/// started us most likely still has it; where it can't be asked, or has other limits, the usual one is taken.
fn nofile_before_deno() -> Option<(u64, u64)> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    if soft < hard {
        return None; // nobody raised it
    }
    let before = match parents_nofile() {
        Some((soft, parents_hard)) if parents_hard == hard => soft,
        _ => USUAL_SOFT_NOFILE.min(hard),
    };
    (before != soft).then_some((before, hard))
}

/// Says that this process has not raised its limit on open files, as Deno has: programs get it as it is.
pub fn limit_is_our_own() {
    let _ = NOFILE.set(None);
}

/// The line of `proc_pid_limits(5)`: `Max open files            1024                 4096                 files`.
fn parents_nofile() -> Option<(u64, u64)> {
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", nix::unistd::getppid())).ok()?;
    let mut numbers = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace();
    let mut next = || match numbers.next()? {
        "unlimited" => Some(libc::RLIM_INFINITY),
        number => number.parse().ok(),
    };
    Some((next()?, next()?))
}
