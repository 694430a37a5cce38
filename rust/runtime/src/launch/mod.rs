//! From a plan to a running program: the stack, the clone, what is undone when it fails.
//!
//! The room of the library's `unsafe`, with [`crate::ffi`]; everything outside forbids it.

pub mod bpf;
mod clone;
pub mod creator;
mod descriptors;
pub mod environ;
pub(crate) mod failure;
pub mod features;
pub mod foreground;
mod handshake;
pub(crate) mod held;
pub mod listener;
pub mod overlay;
mod own_program;
pub mod owner;
pub(crate) mod passing;
pub mod probe;
mod shared;
pub mod signals;
mod spare_network;
mod stack;
mod tree;
pub mod tty;
mod userns;
mod visibility;
pub mod wait;
pub mod xattr;

use std::ffi::CString;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::thread;
use std::time::{Duration, Instant};

use minicontainer_child::monitor::Monitor;
use minicontainer_child::{CStrArray, CStrRef, Hold, Program, Report};
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::cgroup::{self, Cgroup};
use crate::error::Error;
use crate::layers::Layers;
use crate::life::agent::Agent;
use crate::life::process::Process;
use crate::plan::{Passed, Plan};
use crate::rdt::Class;
use crate::record::Details;
use clone::clone;
use descriptors::Opened;
pub use handshake::RunHooks;
pub use held::MonitorRequest;
use held::{Held, Monitoring};
use listener::Listener;
use shared::SharedReport;
use stack::Stack;
use visibility::Visibility;

/// A program that runs.
#[derive(Debug)]
pub struct Child {
    /// Its number as the host sees it.
    pub pid: i32,
    /// The handle that it is waited for and signalled by.
    pub pidfd: OwnedFd,
    /// Our ends of the pipes to its stdin, stdout and stderr.
    pub streams: [Option<OwnedFd>; 3],
    /// Our side of its terminal, where it has one of its own.
    pub terminal: Option<OwnedFd>,
    /// Tells of the calls that its filter asks about, where that asks.
    pub listener: Option<Listener>,
    /// What its overlay is made of, where the plan has what was changed be told.
    pub layers: Option<Layers>,
    /// When it was started.
    pub started: Instant,
    /// Readable once its time is up.
    pub timer: Option<TimerFd>,
    /// Its cgroup, where it has one of its own.
    pub cgroup: Option<Cgroup>,
    /// Whether it is PID 1 of a namespace.
    pub is_init: bool,
    /// Whether it has a session of its own: keys of our terminal don't reach it.
    pub has_own_session: bool,
    /// The pidfd of its monitor, whose child it is then, and not ours.
    pub monitor: Option<OwnedFd>,
    /// What is told of it beside that.
    pub details: Details,
}

impl Child {
    fn new(plan: &Plan, pid: i32, pidfd: OwnedFd, started: Instant) -> Self {
        Self {
            pid,
            pidfd,
            streams: [None, None, None],
            terminal: None,
            listener: None,
            layers: None,
            started,
            timer: None,
            cgroup: None,
            is_init: plan.is_init(),
            has_own_session: plan.has_own_session(),
            monitor: None,
            details: Details { degraded: plan.degraded.clone(), used: None },
        }
    }
}

/// Starts the plan's program, and returns once it has been executed.
///
/// # Errors
/// [`Error::System`] with the step that failed; the child is reaped and every descriptor closed by then.
pub fn launch(plan: &Plan) -> Result<Child, Error> {
    launch_for(plan, &Outside { run_hooks: &|_| Ok(()), socket: None, monitor: None })
}

/// What a container that is created has outside of it.
pub struct Outside<'o> {
    /// Runs its hooks.
    pub run_hooks: RunHooks<'o>,
    /// Where it waits for somebody to connect, who starts it.
    pub socket: Option<BorrowedFd<'o>>,
    /// What its monitor works with, where it has one.
    pub monitor: Option<MonitorRequest<'o>>,
}

/// As [`launch`]; where the plan has it wait, it does so when this returns.
///
/// # Errors
/// As [`launch`].
pub fn launch_for(plan: &Plan, outside: &Outside<'_>) -> Result<Child, Error> {
    let mut cgroup = plan.cgroup.as_ref().map(cgroup::make).transpose()?;
    let joined = plan.joins_cgroup.as_ref().map(Cgroup::of_container).transpose()?;
    plan.class.as_ref().map_or(Ok(()), Class::make)?;
    let mut opened = Opened::open(plan)?;
    if plan.joins.is_some_and(|(pid, start_time)| !Process { pid, start_time }.is_there()) {
        // What was opened by its number may be another's by now.
        return Err(Error::system("join the namespaces of the container", Errno::ESRCH));
    }
    let timer = plan.timeout.map(|_| timer()).transpose()?;
    signals::let_children_be_waited_for()?;
    tell(plan, || format!("[parent] executing: {:?}", plan.program));
    for (namespace, _) in NAMES.iter().filter(|(_, flag)| plan.namespaces.contains(*flag)) {
        tell(plan, || format!("[parent] creating {namespace} namespace"));
    }
    for degraded in &plan.degraded {
        tell(plan, || format!("[parent] {degraded}"));
    }
    let started = Instant::now();
    let (monitor, pid, ids) = start(plan, &opened, outside, cgroup.as_ref().or(joined.as_ref()))?;
    opened.close_the_childs();
    cgroup.iter_mut().for_each(Cgroup::entered);
    let pidfd = wait::open_pidfd(pid)?;
    signals::look_again();
    if plan.has_foreign_files() && own_program::is_executed_by(pid) {
        kill(&pidfd);
        let error = Error::system(format!("execute {:?}", plan.program), Errno::ELOOP);
        return Err(error.with_advice("it leads to this process's own program"));
    }
    if let Some(monitor) = monitor {
        // It has our ends, and what comes through them.
        return Ok(Child { monitor: Some(monitor), cgroup, ..Child::new(plan, pid, pidfd, started) });
    }
    let received = || {
        let layers = match opened.receive(Passed::Layers)? {
            Some(upper) => opened.receive(Passed::Layers)?.map(|lower| Layers { upper, lower }),
            None => None,
        };
        // One for an agent it has by now.
        let listener = if plan.agent.is_some() { None } else { opened.receive(Passed::Listener)? };
        Ok((opened.receive(Passed::Terminal)?, listener, layers))
    };
    let set_up = set_timer(timer.as_ref(), plan.timeout).and_then(|()| received());
    let (terminal, listener, layers) = set_up.inspect_err(|_| kill(&pidfd))?;
    tell(plan, || format!("[parent] child PID in parent namespace: {pid}"));
    if let Some((pid, ppid)) = ids {
        tell(plan, || format!("[child] PID: {pid}, PPID: {ppid}"));
    }
    let streams = opened.into_streams();
    let listener = listener.map(Listener::new);
    Ok(Child { streams, terminal, listener, layers, timer, cgroup, ..Child::new(plan, pid, pidfd, started) })
}

/// Ends a program that nobody will hear of.
fn kill(pidfd: &OwnedFd) {
    let _ = wait::send_signal(pidfd.as_raw_fd(), libc::SIGKILL);
    let _ = wait::reap(pidfd.as_raw_fd(), wait::WaitFor::End);
}

/// Clones the child and lets it walk over the plan, while another thread does the parent's part, where there is one: the
/// program's PID, and the ids that it saw, where the plan asked for them.
fn start(plan: &Plan, opened: &Opened, outside: &Outside<'_>, cgroup: Option<&Cgroup>) -> Result<Started, Error> {
    let descriptors = &opened.numbers(plan, outside.socket)[..];
    let strings: Vec<CStrRef<'_>> = plan.strings.iter().map(|text| CStrRef::new(text)).collect();
    let lists: Vec<Vec<CStrRef<'_>>> = plan.lists.iter().map(|list| arguments(list)).collect();
    let lists: Vec<CStrArray<'_>> = lists.iter().filter_map(|list| CStrArray::new(list)).collect();
    let blobs: Vec<&[u8]> = plan.blobs.iter().map(Vec::as_slice).collect();
    let groups: Vec<&[u32]> = plan.groups.iter().map(Vec::as_slice).collect();
    let filters: Vec<&[libc::sock_filter]> = plan.filters.iter().map(|filter| filter.program.as_slice()).collect();
    let shared = plan.copies_memory().then(SharedReport::new).transpose()?;
    let own = Report::new();
    let report = shared.as_ref().map_or(&own, SharedReport::report);
    let pidfd = plan.monitor.and_then(|fd| descriptors.get(fd.0 as usize));
    let monitor = outside.monitor.as_ref().zip(pidfd);
    let prepare =
        |(monitor, pidfd): (&MonitorRequest<'_>, &i32)| Monitoring::prepare(monitor, *pidfd, opened.ours(), cgroup);
    let monitoring = monitor.map(prepare).transpose()?;
    let watching = arguments(monitoring.as_ref().map_or(&[], |monitoring| &monitoring.argv));
    let mut second = monitoring.is_some().then(Stack::take).transpose()?;
    let waiting = match (plan.hold(), outside.socket) {
        (Some(hold), Some(socket)) => Some(Held::prepare(plan, hold, descriptors, socket.as_raw_fd())?),
        _ => None,
    };
    let waiting_for = arguments(waiting.as_ref().map_or(&[], |held| &held.argv));
    let hold = waiting.as_ref().zip(CStrArray::new(&waiting_for)).map(|(held, argv)| Hold {
        program: held.program,
        argv,
        kept: &held.kept,
        first_closed: plan.first_closed,
    });
    let program = Program {
        steps: &plan.steps,
        strings: &strings,
        lists: &lists,
        descriptors,
        blobs: &blobs,
        groups: &groups,
        filters: &filters,
        has_classic_mounts: plan.has_classic_mounts,
        fault: plan.fault,
        report,
        untouched_signals: signals::untouched(),
        shares_files: plan.shares_files(),
        hold,
        monitor: monitoring.as_ref().zip(CStrArray::new(&watching)).map(|(monitoring, argv)| Monitor {
            program: monitoring.program,
            argv,
            kept: &monitoring.kept,
            pidfd: monitoring.pidfd,
            stack: second.as_mut().map_or(0, |stack| stack.memory().as_mut_ptr_range().end.expose_provenance()),
        }),
    };
    let entrance = cgroup.and_then(Cgroup::entrance);
    let mut stack = Stack::take()?;
    // With a monitor, it is that one's clone that makes them.
    let namespaces = if monitoring.is_some() { CloneFlags::empty() } else { plan.namespaces };
    let visible = plan.changes_credentials().then(|| Visibility::keep(plan.meets_strangers()));
    let agent = plan.agent.as_ref().map(Agent::connect).transpose()?.zip(opened.socket(Passed::Listener));
    agent.as_ref().map_or(Ok(()), |(_, socket)| passing::tell_senders(socket))?;
    let (cloned, answered) = if plan.has_parents_part() || agent.is_some() {
        thread::scope(|scope| {
            let serve = || handshake::serve(&report.handshake, plan, outside.run_hooks);
            let handshake = match thread::Builder::new().spawn_scoped(scope, serve) {
                Ok(handshake) => handshake,
                Err(error) => return (Err(failure::of_thread(&error)), Ok(())),
            };
            let socket = agent.as_ref().map(|(_, socket)| *socket);
            let hand_on = agent.map(|(agent, socket)| scope.spawn(move || passing::hand_on(socket, agent)));
            let cloned = clone(namespaces, &mut stack, &program, entrance);
            report.handshake.abandon();
            socket.into_iter().for_each(passing::close);
            let answered = [Some(handshake), hand_on].into_iter().flatten().map(join);
            (cloned, answered.fold(Ok(()), Result::and))
        })
    } else {
        (clone(namespaces, &mut stack, &program, entrance), Ok(()))
    };
    drop(visible);
    stack.give_back();
    if let Some(second) = second {
        second.give_back();
    }
    let mut pid = cloned?;
    let mut monitor = None;
    if let Some(successor) = report.successor() {
        if monitoring.is_some() && report.failure().is_none() {
            monitor = Some(wait::open_pidfd(pid)?);
        } else {
            // The first one has ended: it only made room.
            wait::reap_by_number(pid);
        }
        pid = successor;
    }
    if let Some(failure) = report.failure() {
        // Nobody else waits for it, so the number is still its own.
        wait::reap_by_number(pid);
        return Err(answered.err().unwrap_or_else(|| failure::words(plan, failure)));
    }
    if let Err(error) = answered {
        // It runs, but nobody answers it.
        kill(&wait::open_pidfd(pid)?);
        return Err(error);
    }
    Ok((monitor, pid, report.ids()))
}

/// What became of a part of the parent's.
fn join(part: thread::ScopedJoinHandle<'_, Result<(), Error>>) -> Result<(), Error> {
    part.join().unwrap_or_else(|_| Err(Error::Internal { message: "a part of the parent's panicked".into() }))
}

/// The pidfd of its monitor, where it has one; its PID; the ids that it saw, where the plan asked for them.
type Started = (Option<OwnedFd>, i32, Option<(i32, i32)>);

/// Arguments as `execve` takes them.
fn arguments(texts: &[CString]) -> Vec<CStrRef<'_>> {
    texts.iter().map(|text| CStrRef::new(text)).chain([CStrRef::NULL]).collect()
}

/// What a namespace is called, as `--debug` tells of it.
const NAMES: [(&str, CloneFlags); 7] = [
    ("user", CloneFlags::CLONE_NEWUSER),
    ("PID", CloneFlags::CLONE_NEWPID),
    ("mount", CloneFlags::CLONE_NEWNS),
    ("UTS", CloneFlags::CLONE_NEWUTS),
    ("IPC", CloneFlags::CLONE_NEWIPC),
    ("network", CloneFlags::CLONE_NEWNET),
    ("cgroup", CloneFlags::CLONE_NEWCGROUP),
];

fn timer() -> Result<TimerFd, Error> {
    TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)
        .map_err(|errno| Error::system("create a timer", errno))
}

fn set_timer(timer: Option<&TimerFd>, timeout: Option<Duration>) -> Result<(), Error> {
    let (Some(timer), Some(timeout)) = (timer, timeout) else { return Ok(()) };
    let expiration = Expiration::OneShot(TimeSpec::from(timeout));
    timer.set(expiration, TimerSetTimeFlags::empty()).map_err(|errno| Error::system("set the timer", errno))
}

/// A line of `--debug`; a stderr that is closed is not worth an error.
pub fn tell(plan: &Plan, line: impl FnOnce() -> String) {
    if plan.debug {
        let _ = nix::unistd::write(std::io::stderr(), format!("{}\n", line()).as_bytes());
    }
}
