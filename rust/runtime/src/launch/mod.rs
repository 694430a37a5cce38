//! From a plan to a running program: the stack, the clone, what is undone when it fails.
//!
//! The room of the library's `unsafe`, with [`crate::ffi`]; everything outside forbids it.

mod descriptors;
pub mod environ;
pub mod foreground;
pub mod owner;
pub mod probe;
pub mod signals;
mod stack;
pub mod wait;

use std::fs::Metadata;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

use minicontainer_child::{CStrArray, CStrRef, Program, Report, run};
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

use crate::error::Error;
use crate::plan::{Plan, operation};
use descriptors::Opened;
use stack::Stack;

/// A program that runs.
#[derive(Debug)]
pub struct Child {
    /// Its number as the host sees it.
    pub pid: i32,
    /// The handle that it is waited for and signalled by.
    pub pidfd: OwnedFd,
    /// Our ends of the pipes to its stdin, stdout and stderr.
    pub streams: [Option<OwnedFd>; 3],
    /// When it was started.
    pub started: Instant,
    /// Readable once its time is up.
    pub timer: Option<TimerFd>,
    /// Whether it is PID 1 of a namespace.
    pub is_init: bool,
}

/// Starts the plan's program, and returns once it has been executed.
///
/// `pid_t clone(int (*fn)(void *), void *stack, int flags, void *arg)`, clone(2), with `CLONE_VM | CLONE_VFORK`: the
/// child runs in this process's memory while this thread sleeps, so nothing is copied and nothing can change below it.
///
/// # Errors
/// [`Error::System`] with the step that failed; the child is reaped and every descriptor closed by then.
pub fn launch(plan: &Plan) -> Result<Child, Error> {
    let mut opened = Opened::open(plan)?;
    let descriptors = opened.numbers();
    let strings: Vec<CStrRef<'_>> = plan.strings.iter().map(|text| CStrRef::new(text)).collect();
    let lists: Vec<Vec<CStrRef<'_>>> = plan
        .lists
        .iter()
        .map(|list| list.iter().map(|text| CStrRef::new(text)).chain([CStrRef::NULL]).collect())
        .collect();
    let lists: Vec<CStrArray<'_>> = lists.iter().filter_map(|list| CStrArray::new(list)).collect();
    let report = Report::new();
    let program =
        Program { steps: &plan.steps, strings: &strings, lists: &lists, descriptors: &descriptors, report: &report };

    let timer = plan.timeout.map(|_| timer()).transpose()?;
    let mut stack = Stack::take()?;
    signals::let_children_be_waited_for()?;
    tell(plan, || format!("[parent] executing: {:?}", plan.program));
    if plan.is_init() {
        tell(plan, || "[parent] creating PID namespace".into());
    }
    let started = Instant::now();
    let cloned = clone(plan.namespaces, &mut stack, &program);
    stack.give_back();
    let pid = cloned?;
    opened.close_the_childs();
    if let Some(failure) = report.failure() {
        // Nobody else waits for it, so the number is still its own.
        wait::reap_by_number(pid);
        return Err(step_error(plan, failure));
    }
    let pidfd = wait::open_pidfd(pid)?;
    if let (Some(timer), Some(timeout)) = (&timer, plan.timeout) {
        let expiration = Expiration::OneShot(TimeSpec::from(timeout));
        timer.set(expiration, TimerSetTimeFlags::empty()).map_err(|errno| {
            let _ = wait::send_signal(pidfd.as_raw_fd(), libc::SIGKILL);
            let _ = wait::reap(pidfd.as_raw_fd(), wait::WaitFor::End);
            Error::system("set the timer", errno)
        })?;
    }
    tell(plan, || format!("[parent] child PID in parent namespace: {pid}"));
    if let Some((pid, ppid)) = report.ids() {
        tell(plan, || format!("[child] PID: {pid}, PPID: {ppid}"));
    }
    Ok(Child { pid, pidfd, streams: opened.into_streams(), started, timer, is_init: plan.is_init() })
}

fn timer() -> Result<TimerFd, Error> {
    TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK)
        .map_err(|errno| Error::system("create a timer", errno))
}

fn clone(namespaces: CloneFlags, stack: &mut Stack, program: &Program<'_>) -> Result<i32, Error> {
    let child = Box::new(|| {
        let failure = run(program);
        program.report.fail(failure);
        127
    });
    let flags = CloneFlags::CLONE_VM | CloneFlags::CLONE_VFORK | namespaces;
    let _blocked = signals::block_all()?;
    // SAFETY: the child runs `run` alone, which neither allocates, locks, panics nor calls glibc; its stack and all
    // that `program` borrows outlive it, for this thread sleeps until it has executed the program or ended.
    let pid = unsafe { nix::sched::clone(child, stack.memory(), flags, Some(libc::SIGCHLD)) };
    pid.map(nix::unistd::Pid::as_raw).map_err(|errno| clone_error(namespaces, errno))
}

fn clone_error(namespaces: CloneFlags, errno: Errno) -> Error {
    let operation =
        if namespaces.contains(CloneFlags::CLONE_NEWPID) { "create PID namespace" } else { "create a process" };
    let error = Error::system(operation, errno);
    match errno {
        Errno::EPERM => error.with_advice("run as root or with CAP_SYS_ADMIN"),
        Errno::EAGAIN => error.with_advice("too many processes: see ulimit -u and the cgroup's pids.max"),
        Errno::ENOSPC => error.with_advice("too many namespaces: see /proc/sys/user/max_pid_namespaces"),
        _ => error,
    }
}

/// The words for what the child could only number.
fn step_error(plan: &Plan, failure: minicontainer_child::Failure) -> Error {
    let errno = Errno::from_raw(failure.errno);
    let Some(step) = plan.steps.get(failure.step as usize) else {
        return Error::Internal { message: format!("the plan has no step {}", failure.step) };
    };
    let is_exec = matches!(step, minicontainer_child::Step::Exec { .. });
    let mut error = Error::system(operation(plan, *step), errno);
    let found = if is_exec { descriptors::find_program(plan) } else { None };
    let lacks_interpreter = errno == Errno::ENOENT && found.as_ref().is_some_and(Metadata::is_file);
    let is_folder = errno == Errno::EACCES && found.as_ref().is_some_and(Metadata::is_dir);
    if let Error::System { step, exit_code, .. } = &mut error {
        *step = Some((failure.step + 1, u32::try_from(plan.steps.len()).unwrap_or(u32::MAX)));
        if is_exec {
            *exit_code = Some(if errno == Errno::ENOENT && !lacks_interpreter { 127 } else { 126 });
        }
    }
    let was_searched = is_exec && !plan.program.contains('/');
    match errno {
        Errno::ENOENT if was_searched && found.is_none() => error.with_advice("it is in no folder of PATH"),
        _ if lacks_interpreter => error.with_advice("it is there, but the interpreter or loader that it names is not"),
        _ if is_folder => error.with_advice("it is a folder"),
        Errno::EOWNERDEAD => Error::Internal { message: "the owner ended while the program was being started".into() },
        _ => error,
    }
}

/// A line of `--debug`; a stderr that is closed is not worth an error.
pub fn tell(plan: &Plan, line: impl FnOnce() -> String) {
    if plan.debug {
        let _ = nix::unistd::write(std::io::stderr(), format!("{}\n", line()).as_bytes());
    }
}
