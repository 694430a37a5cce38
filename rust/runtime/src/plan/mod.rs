//! From a spec and a few facts about the host to a flat list of steps: pure, so it needs no privilege and no kernel.
//!
//! **Architecture Invariant:** nothing here opens, reads or asks the system for anything.

mod cgroups;
pub(crate) mod environment;
mod explain;
mod filter;
mod identity;
mod mounts;
mod namespaces;
mod network;
mod nodes;
mod root;
mod runnable;
mod schedule;
mod table;
mod words;

use std::ffi::CString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use minicontainer_child::{Fault, Fd, Step};
use nix::libc;
use nix::sched::CloneFlags;

use crate::cgroup::{Arrangement, Place};
use crate::error::Error;
use crate::facts::Facts;
use crate::life::agent::Agent;
use crate::network::Device;
use crate::rdt::Class;
use crate::seccomp::Filter;
use crate::spec::{Extras, Spec};

pub use explain::{Line, explain};
pub use namespaces::IdMaps;
pub(crate) use namespaces::has_user_namespace;
pub use root::shares_mounts;
pub use words::{kind_name as namespace_names, operation};

/// What the parent opens before the clone; an [`Fd`](minicontainer_child::Fd) is a place in [`Plan::descriptors`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Descriptor {
    /// `/dev/null`, to read and write.
    Null,
    /// The reading end of a pipe; the caller keeps the other as the program's stdin.
    PipeIn,
    /// The writing end of a pipe; the caller keeps the other as the program's stdout (1) or stderr (2).
    PipeOut(usize),
    /// A descriptor of this process, by its number; `stream` is where the program finds it.
    Given {
        /// The number here.
        number: i32,
        /// 0, 1 or 2 in the program.
        stream: usize,
    },
    /// A pidfd of this process.
    Owner,
    /// A namespace that is joined, looked at before the clone.
    Namespace {
        /// Its file.
        path: CString,
        /// `CLONE_NEW…`: what it must be.
        kind: i32,
        /// The field that names it.
        field: String,
    },
    /// A user namespace with these mappings, for a mount that shows other ids.
    IdsOfMount {
        /// The text of its `uid_map`.
        uid_map: String,
        /// The text of its `gid_map`.
        gid_map: String,
    },
    /// A mount that is made here, for the child to move to its place.
    Tree(Tree),
    /// The file of its cgroup by which the child enters that.
    CgroupEntrance(PathBuf),
    /// The file of its class of service by which the child enters that.
    ClassEntrance(PathBuf),
    /// A network namespace that was made ahead, if one is spare.
    SpareNetwork,
    /// A socket through which the child sends a descriptor; the caller keeps the other end.
    Socket(Passed),
    /// The connection of who starts the container that waits; until then, the socket that it waits at.
    Door,
}

/// A copy of a part of the host's mounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Where it is.
    pub source: CString,
    /// With all that is mounted below it.
    pub recursive: bool,
    /// `MS_PRIVATE` or `MS_SLAVE` for all of it; 0: it stays among the host's peers.
    pub propagation: u64,
    /// The user namespace whose ids it shows, by its place among the descriptors.
    pub ids: Option<Fd>,
    /// Whether what is mounted below it does so, too.
    pub maps_all: bool,
}

/// A descriptor that the child makes and sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The other side of its terminal.
    Terminal,
    /// The listener of its filter, seccomp_unotify(2).
    Listener,
    /// The upper layer of its overlay, and then the folder below it.
    Layers,
}

/// Everything that the child will do, and everything that it needs for it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The namespaces that the clone makes.
    pub namespaces: CloneFlags,
    /// What the parent opens first.
    pub descriptors: Vec<Descriptor>,
    /// What a [`Str`](minicontainer_child::Str) names.
    pub strings: Vec<CString>,
    /// What a [`List`](minicontainer_child::List) names.
    pub lists: Vec<Arc<[CString]>>,
    /// What a [`Blob`](minicontainer_child::Blob) names.
    pub blobs: Vec<Vec<u8>>,
    /// What [`Groups`](minicontainer_child::Groups) name.
    pub groups: Vec<Vec<u32>>,
    /// What a [`Filter`](minicontainer_child::Filter) names.
    pub filters: Vec<Arc<Filter>>,
    /// What the child does.
    pub steps: Vec<Step>,
    /// The cgroup that is made for the program, if any is.
    pub cgroup: Option<Arrangement>,
    /// The class of service that it enters, for caches and bandwidth.
    pub class: Option<Class>,
    /// The program as the caller named it.
    pub program: String,
    /// After how long the program is killed.
    pub timeout: Option<Duration>,
    /// Whether to tell on stderr what is done.
    pub debug: bool,
    /// Whether mounts are made by mount(2).
    pub has_classic_mounts: bool,
    /// The ids of a new user namespace.
    pub id_maps: IdMaps,
    /// What is moved into its network namespace.
    pub net_devices: Vec<Device>,
    /// The step that a test has fail.
    pub fault: Fault,
    /// What could not be had in full, a sentence each.
    pub degraded: Vec<String>,
    /// Where signals and the terminal are relayed while we wait: what follows.
    pub foreground: Option<Afterwards>,
    /// Who is sent the listener of its filter; for one that waits it is who starts it that sends it.
    pub agent: Option<Agent>,
    /// How many bytes it may write to stdout and stderr together.
    pub output_bytes: Option<u64>,
    /// The first descriptor that is closed to the program.
    pub first_closed: u32,
    /// The process whose namespaces are joined, by its number and its start.
    pub joins: Option<(i32, u64)>,
    /// A container's cgroup that the program is put into.
    pub joins_cgroup: Option<Place>,
    /// Where the monitor finds the container's pidfd, where there is one.
    pub monitor: Option<Fd>,
}

/// What this process does once a program in the foreground has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Afterwards {
    /// It tells of it.
    Return,
    /// It ends as the program did, where nothing is to be told of that.
    Exit,
}

impl Plan {
    fn new(spec: &Spec, facts: &Facts) -> Result<Self, Error> {
        let extras = &spec.minicontainer;
        Ok(Self {
            namespaces: CloneFlags::empty(),
            descriptors: Vec::new(),
            strings: Vec::new(),
            lists: Vec::new(),
            blobs: Vec::new(),
            groups: Vec::new(),
            filters: Vec::new(),
            steps: Vec::new(),
            cgroup: None,
            class: None,
            program: runnable::program(spec)?.0.clone(),
            timeout: extras.timeout_ms.map(timeout).transpose()?,
            debug: extras.debug,
            has_classic_mounts: facts.has_classic_mounts,
            id_maps: IdMaps::None,
            net_devices: Vec::new(),
            fault: Fault::default(),
            degraded: facts.degraded.clone(),
            foreground: extras.foreground.then_some(if extras.exits { Afterwards::Exit } else { Afterwards::Return }),
            agent: None,
            output_bytes: output_bytes(extras)?,
            first_closed: first_closed(extras.preserve_fds)?,
            joins: extras.joins,
            joins_cgroup: None,
            monitor: None,
        })
    }

    /// Whether the program is PID 1 of a namespace: signals without a handler don't reach it.
    #[must_use]
    pub fn is_init(&self) -> bool {
        let makes = |step: &Step| matches!(step, Step::Unshare { flags } if flags & libc::CLONE_NEWPID != 0);
        self.namespaces.contains(CloneFlags::CLONE_NEWPID) || self.steps.iter().any(makes)
    }

    /// Whether the program is killed when the process that starts it ends.
    #[must_use]
    pub fn dies_with_owner(&self) -> bool {
        self.descriptors.contains(&Descriptor::Owner)
    }

    /// Whether the program has a terminal or a session of its own: keys of ours don't reach it.
    #[must_use]
    pub fn has_own_session(&self) -> bool {
        self.steps.contains(&Step::NewSession)
    }

    /// Which of stdin, stdout and stderr are a terminal of the program's own; `None`: it has none.
    #[must_use]
    pub fn terminal_streams(&self) -> Option<[bool; 3]> {
        self.steps.iter().find_map(|step| match step {
            Step::OpenTerminal { streams, .. } => Some(*streams),
            _ => None,
        })
    }

    /// Where the program waits to be started: the place of that step.
    #[must_use]
    pub fn hold(&self) -> Option<usize> {
        self.steps.iter().position(|step| *step == Step::Hold)
    }

    /// Whether the program's process gets a copy of our memory, and shares no other with us than what it reports.
    #[must_use]
    pub fn copies_memory(&self) -> bool {
        self.steps.contains(&Step::CloneAgain { copies: true })
    }

    /// Whether the child waits for us on its way.
    #[must_use]
    pub fn has_parents_part(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Sync { .. }))
    }

    /// Whether the child's credentials change, which marks the memory that it shares with us as not to be looked at.
    #[must_use]
    pub fn changes_credentials(&self) -> bool {
        let changes = |step: &Step| {
            matches!(step, Step::SetIds { .. } | Step::SetCapabilities { .. } | Step::JoinNamespace { .. })
        };
        self.steps.iter().any(changes)
    }

    /// Whether the program's files are somebody else's: those of a root filesystem, or of a namespace that is joined.
    #[must_use]
    pub fn has_foreign_files(&self) -> bool {
        let is_foreign =
            |step: &Step| matches!(step, Step::OpenRoot { .. } | Step::JoinNamespace { kind: libc::CLONE_NEWNS, .. });
        self.steps.iter().any(is_foreign)
    }

    /// Whether the child may look at this process's own table of descriptors until it closes what is not the program's: it
    /// changes nothing of it before, and looks at the standard streams alone afterwards.
    #[must_use]
    pub fn shares_files(&self) -> bool {
        let leaves = |step: &Step| matches!(step, Step::CloseFrom { at_exec: false, .. });
        let changes_none = |step: &Step| {
            matches!(step, Step::DieWithOwner { .. } | Step::ReportIds | Step::SetRlimit { .. } | Step::Chdir { .. })
        };
        let before = self.steps.iter().position(leaves);
        before.is_some_and(|before| self.steps.iter().take(before).all(changes_none))
    }

    /// Whether somebody who is no part of the plan can see the child before it is the program.
    #[must_use]
    pub fn meets_strangers(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::JoinNamespace { .. }))
    }
}

/// Plans `spec` for a host with these `facts`.
///
/// # Errors
/// [`Error::Spec`] with the path of the first field that cannot be.
pub fn plan(spec: &Spec, facts: &Facts) -> Result<Plan, Error> {
    if spec.process.is_absent && !facts.holds {
        return Err(Error::spec("process", "must say what runs; it is absent"));
    }
    let mut plan = Plan::new(spec, facts)?;
    cgroups::enter(&mut plan, spec, facts)?;
    if let Some(given) = &spec.linux.intel_rdt {
        let class = Class::of(given, facts.resctrl.as_deref())?;
        let file = plan.descriptor(Descriptor::ClassEntrance(class.entrance()));
        plan.steps.push(Step::EnterCgroup { file });
        plan.class = Some(class);
    }
    namespaces::enter(&mut plan, spec, facts)?;
    if spec.minicontainer.debug {
        // The program's, not those of a process that made room for it.
        plan.steps.push(Step::ReportIds);
    }
    root::enter(&mut plan, spec, facts)?;
    schedule::set(&mut plan, spec, facts)?;
    let terminal = root::terminal_streams(spec, facts);
    for (stream, source) in spec.minicontainer.stdio.iter().enumerate() {
        if !terminal[stream] {
            runnable::stdio(&mut plan, stream, *source)?;
        }
    }
    root::change_folder(&mut plan, spec)?;
    let exec = runnable::exec(&mut plan, spec, facts)?;
    let filter = filter::chosen(spec, facts)?;
    if let (Some(state), Some(seccomp), false) = (&spec.minicontainer.state, &spec.linux.seccomp, facts.holds) {
        plan.agent = Agent::of(seccomp, state);
    }
    if facts.holds {
        let Step::Exec { candidates, .. } = exec else {
            return Err(Error::Internal { message: "a program is not executed last".into() });
        };
        if !spec.process.is_absent {
            plan.steps.push(Step::FindProgram { candidates });
        }
        // Where it waits, none of our handlers may run.
        plan.steps.extend([Step::ResetSignals { keep: 0 }, Step::UnblockSignals, Step::Hold]);
    }
    // A filter that comes before the rights are given up may refuse what these do.
    let comes_early = filter.is_some() && !spec.process.no_new_privileges;
    // A listener has yet to be sent through one of them, or what failed, or one is to be looked at.
    let at_exec = facts.holds || comes_early || filter.as_ref().is_some_and(|filter| filter.notifies);
    let tidy = [
        Step::CloseFrom { first: plan.first_closed, at_exec },
        Step::ResetSignals { keep: facts.ignored_signals },
        Step::UnblockSignals,
    ];
    if comes_early {
        plan.steps.extend(tidy);
    }
    identity::become_user(&mut plan, spec, facts, filter.as_ref())?;
    if !comes_early {
        plan.steps.extend(tidy);
    }
    identity::restrict(&mut plan, spec, facts, filter)?;
    plan.steps.push(exec);
    if facts.is_monitored {
        plan.monitor = Some(plan.descriptor(Descriptor::Null));
        plan.steps.insert(0, Step::Monitor { namespaces: plan.namespaces.bits() });
    }
    Ok(plan)
}

fn output_bytes(extras: &Extras) -> Result<Option<u64>, Error> {
    if extras.output_bytes.is_none() || extras.foreground {
        return Ok(extras.output_bytes);
    }
    Err(Error::spec("minicontainer.outputBytes", "needs foreground: elsewhere who reads what it writes counts it"))
}

/// More than any limit on descriptors is.
const MOST_PRESERVED: u32 = 1 << 20;

fn first_closed(preserved: u32) -> Result<u32, Error> {
    if preserved <= MOST_PRESERVED {
        return Ok(3 + preserved);
    }
    Err(Error::spec("minicontainer.preserveFds", format!("must be at most {MOST_PRESERVED}; it is {preserved}")))
}

/// A hundred years: what is longer is a mistake, and would not fit into the kernel's timers.
const LONGEST_TIMEOUT_MS: f64 = 100.0 * 365.0 * 86_400_000.0;

fn timeout(milliseconds: f64) -> Result<Duration, Error> {
    if milliseconds > 0.0 && milliseconds <= LONGEST_TIMEOUT_MS {
        // A timer that is set to nothing at all never rings.
        return Ok(Duration::from_secs_f64(milliseconds / 1000.0).max(Duration::from_nanos(1)));
    }
    Err(Error::spec("minicontainer.timeoutMs", format!("must be above 0 and at most 100 years; it is {milliseconds}")))
}

#[cfg(test)]
mod tests;
