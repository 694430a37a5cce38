//! Starting a container that waits.

use std::path::Path;

use minicontainer_child::{Failure, START};
use nix::errno::Errno;
use nix::libc;
use serde::Deserialize;

use super::agent::Agent;
use super::create::outlive;
use super::hooks::{self, Stage};
use super::process::Process;
use super::{Done, door, store};
use crate::error::Error;
use crate::facts::Facts;
use crate::launch::failure::words;
use crate::plan::plan;
use crate::spec::Spec;

/// Which container.
#[derive(Deserialize)]
pub(crate) struct Asked {
    handle: u32,
    /// Its process, and OCI's state, which hooks are told.
    process: Process,
    state: serde_json::Value,
}

/// `start`: has a container that waits execute its program.
///
/// # Errors
/// [`Error::System`] with the step that failed, or where nobody answers the calls that its filter asks about; the container has ended then. `ESRCH` where it does not wait any more.
pub(crate) fn start(Asked { handle, process, state }: &Asked) -> Result<Done, Error> {
    let held = store::held(*handle)?;
    let mut spec = held.config()?;
    outlive(&mut spec, Path::new(state.get("bundle").and_then(serde_json::Value::as_str).unwrap_or_default()));
    if spec.process.is_absent {
        return Err(Error::spec("process", "is absent from the container's configuration: there is nothing to start"));
    }
    hooks::run(&spec, Stage::StartContainer, &state.to_string(), process.pid)?;
    let agent = spec.linux.seccomp.as_ref().and_then(|seccomp| Agent::of(seccomp, state));
    let mut agent = agent.as_ref().map(Agent::connect).transpose()?;
    let mut sent = Ok(());
    let mut send_on = |listener| {
        if let Some(agent) = agent.take() {
            sent = agent.send(&listener, process.pid);
        }
    };
    match door::knock(held.folder(), START, &mut send_on) {
        Ok(None) => {
            sent?;
            // It is of no more use; where it cannot be removed, the folder's end takes it along.
            let _ = std::fs::remove_file(door::of(held.folder(), "start"));
            Ok(Done {})
        }
        Ok(Some((step, errno))) => Err(of_step(&spec, step, errno)),
        Err(error) => {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
            let gone = matches!(errno, Errno::ECONNREFUSED | Errno::ENOENT | Errno::ECONNRESET);
            Err(Error::system("start the container", if gone { Errno::ESRCH } else { errno }))
        }
    }
}

/// The words for a step behind the wait: those of the plan, which comes out as it did when the container was made.
fn of_step(spec: &Spec, step: u32, errno: i32) -> Error {
    let planned = Facts::gather(spec).and_then(|facts| plan(spec, &Facts { holds: true, ..facts }));
    let place = planned.as_ref().ok().and_then(|plan| u32::try_from(plan.hold()? + 1).ok());
    match (planned, place) {
        (Ok(plan), Some(place)) => words(&plan, Failure { step: place.saturating_add(step), errno }),
        _ => Error::system(format!("take step {step} of the container's start"), Errno::from_raw(errno)),
    }
}
