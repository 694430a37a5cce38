//! One program from start to end, on the calling thread.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::sys::signal::Signal;

use crate::cgroup::Cgroup;
use crate::cpu_clock::CpuClock;
use crate::error::Error;
use crate::foreground;
use crate::launch::listener::Listener;
use crate::launch::wait::{End, Exit, WaitFor, reap, send_signal};
use crate::launch::{Child, launch, owner, tell};
use crate::layers::Layers;
use crate::plan::Plan;
use crate::poll::{readable, wait_for_any};
use crate::record::Details;
use crate::signal::{Target, deliver};

/// How a program's run went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its number as the host saw it.
    pub pid: i32,
    /// How it ended and what it used.
    pub exit: Exit,
    /// From its start to its end.
    pub wall: Duration,
    /// Whether it was killed because its time was up.
    pub out_of_time: bool,
    /// Whether it was killed because its time on processors was.
    pub out_of_cpu_time: bool,
    /// Whether it wrote more than it may.
    pub out_of_output: bool,
    /// What else is told of it.
    pub details: Details,
}

impl Outcome {
    /// Whether there is more to tell of it than the exit code.
    pub(crate) const fn is_to_be_told(&self) -> bool {
        self.out_of_time || self.out_of_cpu_time || self.out_of_output || self.details.used.is_some()
    }
}

/// A program that is waited for.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    out_of_time: bool,
    out_of_output: bool,
    /// Counts its time on processors, where that is limited.
    cpu_clock: Option<CpuClock>,
    killed_for: Option<i32>,
}

impl From<Child> for Watched {
    fn from(child: Child) -> Self {
        Self { child, out_of_time: false, out_of_output: false, cpu_clock: None, killed_for: None }
    }
}

impl Watched {
    /// Starts `plan`'s program from this thread, which must stay for as long as the program runs, if the one is to die
    /// with the other.
    ///
    /// # Errors
    /// As [`launch`].
    pub fn start_here(plan: &Plan) -> Result<Self, Error> {
        let mut program = Self::from(launch(plan)?);
        program.cpu_clock = CpuClock::start(&program.child).inspect_err(|_| end(&program.child))?;
        Ok(program)
    }

    /// Starts `plan`'s program: where it is to die with its owner, from a thread that lives as long as the process.
    ///
    /// # Errors
    /// As [`launch`].
    pub fn start(plan: &Arc<Plan>) -> Result<Self, Error> {
        if !plan.dies_with_owner() {
            return Self::start_here(plan);
        }
        let shared = Arc::clone(plan);
        owner::run(move || Self::start_here(&shared))?
    }

    /// The program.
    #[must_use]
    pub fn child(&self) -> &Child {
        &self.child
    }

    /// Whether it has ended and was not collected.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        wait_for_any([Some(readable(&self.child.pidfd))], Some(Duration::ZERO)).is_ok_and(|[has_ended]| has_ended)
    }

    /// Takes the pipes out; a terminal of the program's own is what it reads from and what it writes to.
    ///
    /// # Errors
    /// `EMFILE` where descriptors are short.
    pub fn take_streams(&mut self) -> Result<[Option<OwnedFd>; 3], Errno> {
        let Some(terminal) = self.take_terminal() else { return Ok(std::mem::take(&mut self.child.streams)) };
        let copy = terminal.try_clone();
        let copy = copy.map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EMFILE)))?;
        Ok([Some(copy), Some(terminal), None])
    }

    /// Takes the pipes of its stdout and stderr out.
    pub(crate) fn take_pipes(&mut self) -> [Option<OwnedFd>; 2] {
        let [_, stdout, stderr] = &mut self.child.streams;
        [stdout.take(), stderr.take()]
    }

    /// Takes our side of its terminal out.
    pub fn take_terminal(&mut self) -> Option<OwnedFd> {
        self.child.terminal.take()
    }

    /// Takes its cgroup out, which goes with it otherwise.
    pub fn take_cgroup(&mut self) -> Option<Cgroup> {
        self.child.cgroup.take()
    }

    /// Takes its monitor's pidfd out: whose child it is, and not ours.
    pub fn take_monitor(&mut self) -> Option<OwnedFd> {
        self.child.monitor.take()
    }

    /// Takes out what its overlay is made of.
    pub fn take_layers(&mut self) -> Option<Layers> {
        self.child.layers.take()
    }

    /// Takes the listener of its filter out.
    pub fn take_listener(&mut self) -> Option<Listener> {
        self.child.listener.take()
    }

    /// Sends it a signal; one that PID 1 has no handler for does what it would have done elsewhere.
    ///
    /// # Errors
    /// As [`deliver`].
    pub fn signal(&mut self, signal: i32) -> Result<(), Errno> {
        if deliver(self.target(), signal)? && self.killed_for.is_none() {
            self.killed_for = Some(signal);
        }
        Ok(())
    }

    /// Kills it, for its time is up.
    pub fn time_is_up(&mut self) {
        self.child.timer = None;
        self.out_of_time = send_signal(self.child.pidfd.as_raw_fd(), libc::SIGKILL).is_ok();
    }

    /// Kills it, for it has written more than it may.
    pub(crate) fn output_is_up(&mut self) {
        self.out_of_output = true;
        let _ = send_signal(self.child.pidfd.as_raw_fd(), libc::SIGKILL);
    }

    /// What its cgroup used; then removes that where nobody is left in it, or gives it back.
    pub(crate) fn settle(&mut self, outcome: &mut Outcome) -> Option<Cgroup> {
        let mut cgroup = self.child.cgroup.take().filter(Cgroup::is_its_own)?;
        let (used, is_removed) = cgroup.finish();
        outcome.details.used = Some(Box::new(used));
        (!is_removed).then_some(cgroup)
    }

    /// Collects its end; `None` where that has not come.
    ///
    /// # Errors
    /// As [`reap`].
    pub fn reap(&self, wait_for: WaitFor) -> Result<Option<Outcome>, Error> {
        let exit = reap(self.child.pidfd.as_raw_fd(), wait_for)
            .map_err(|errno| Error::system(format!("wait for process {}", self.child.pid), errno))?;
        Ok(exit.map(|mut exit| {
            let wall = self.child.started.elapsed();
            let out_of_time = self.out_of_time && exit.end == End::Signaled(libc::SIGKILL);
            if let (End::Signaled(libc::SIGKILL), Some(signal), false) = (exit.end, self.killed_for, out_of_time) {
                exit.end = End::Signaled(signal);
            }
            let is_up = self.cpu_clock.as_ref().is_some_and(CpuClock::is_up);
            let out_of_cpu_time = is_up && exit.end == End::Signaled(libc::SIGKILL);
            let out_of_output = self.out_of_output && !out_of_time && !out_of_cpu_time;
            if out_of_output {
                // It is told alike of one that came to its end before the signal did.
                exit.end = End::Signaled(libc::SIGKILL);
            }
            let details = self.child.details.clone();
            Outcome { pid: self.child.pid, exit, wall, out_of_time, out_of_cpu_time, out_of_output, details }
        }))
    }

    /// Collects its end, once it has come.
    pub(crate) fn reap_ended(&mut self) -> Result<Outcome, Error> {
        let ended = self.reap(WaitFor::End)?;
        let mut outcome = ended.ok_or_else(|| Error::Internal { message: "waitid came back without an end".into() })?;
        if let Some(mut cgroup) = self.settle(&mut outcome) {
            remove(&mut cgroup, &mut outcome);
        }
        Ok(outcome)
    }

    /// The handle that it is waited for and signalled by.
    pub(crate) fn pidfd(&self) -> RawFd {
        self.child.pidfd.as_raw_fd()
    }

    /// Whom its signals go to.
    pub(crate) fn target(&self) -> Target {
        let Child { pid, is_init, has_own_session, .. } = self.child;
        Target { pid, pidfd: self.pidfd(), is_init, has_own_session }
    }
}

/// Ends what is left in a cgroup and removes it; that it can't be is a part of how the run went.
pub(crate) fn remove(cgroup: &mut Cgroup, outcome: &mut Outcome) {
    if let (Err(error), Some(used)) = (cgroup.remove(), &mut outcome.details.used) {
        used.left = Some(error.to_string());
    }
}

/// Ends a program that nobody will hear of.
fn end(child: &Child) {
    let _ = send_signal(child.pidfd.as_raw_fd(), libc::SIGKILL);
    let _ = reap(child.pidfd.as_raw_fd(), WaitFor::End);
}

/// Runs `plan`'s program and waits for its end, on this thread, which is there for as long as the program.
///
/// # Errors
/// As [`launch`]; nothing is left then.
pub fn run(plan: &Plan) -> Result<Outcome, Error> {
    if plan.foreground.is_some() {
        return foreground::run(plan);
    }
    let mut program = Watched::start_here(plan)?;
    while let Some(timer) = &program.child.timer {
        let sources = [Some(readable(&program.child.pidfd)), Some(readable(timer))];
        let [has_ended, is_out_of_time] = wait_for_any(sources, None)?;
        if is_out_of_time {
            program.time_is_up();
        }
        if has_ended {
            break;
        }
    }
    let outcome = program.reap_ended()?;
    tell_end(plan, &outcome);
    Ok(outcome)
}

/// The last line of `--debug`.
pub fn tell_end(plan: &Plan, outcome: &Outcome) {
    tell(plan, || {
        let how = match outcome.exit.end {
            End::Exited(status) => format!("exited with status {status}"),
            End::Signaled(signal) => match Signal::try_from(signal) {
                Ok(name) => format!("was killed by signal {signal} ({name})"),
                Err(_) => format!("was killed by signal {signal}"),
            },
        };
        format!("[parent] the program {how}")
    });
}
