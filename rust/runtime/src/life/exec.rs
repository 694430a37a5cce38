//! A further program in a container that is there.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::hooks::joined;
use super::process::Process;
use super::{children, create, files};
use crate::error::Error;
use crate::facts::Facts;
use crate::plan::plan;
use crate::run::Watched;
use crate::spec::{Capabilities, IntelRdt, Spec};
use std::sync::Arc;

/// A program that is to run in a container; its spec says in which.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    spec: Box<RawValue>,
    /// A socket that is sent our side of its terminal.
    console_socket: Option<PathBuf>,
    /// A socket that is sent its pidfd.
    pidfd_socket: Option<PathBuf>,
}

/// A program that runs.
#[derive(Serialize)]
pub(crate) struct Started {
    #[serde(flatten)]
    process: Process,
}

/// `exec`: starts a program in a container, and leaves it to itself.
///
/// # Errors
/// As [`crate::launch::launch`].
pub(crate) fn exec(asked: &Asked) -> Result<Started, Error> {
    let spec = enter(Spec::parse(asked.spec.get().as_bytes())?)?;
    let facts = Facts::gather(&spec)?;
    let plan = Arc::new(plan(&spec, &facts)?);
    create::check_terminal(&plan, asked.console_socket.as_deref(), false)?;
    let mut program = Watched::start_here(&plan)?;
    let sockets = (asked.console_socket.as_deref(), asked.pidfd_socket.as_deref());
    let process = create::hand_over(&mut program, sockets)?;
    children::keep(process.pid, program, plan);
    Ok(Started { process })
}

/// The spec of a program as it runs in the container that it names: in that one's namespaces, and with its filter.
///
/// # Errors
/// [`Error::System`] where the container has ended, or its configuration cannot be read.
pub(crate) fn enter(mut spec: Spec) -> Result<Spec, Error> {
    let Some(container) = spec.minicontainer.container.take() else { return Ok(spec) };
    let process = Process { pid: container.pid, start_time: container.start_time };
    if !process.is_there() {
        return Err(Error::system("execute a program in the container", Errno::ESRCH));
    }
    let config = files::read_regular(Path::new(&container.config), files::LARGEST_CONFIG)?;
    let config = Spec::parse(config.as_bytes())?;
    spec.linux.namespaces = joined(&config, process.pid);
    spec.linux.seccomp = spec.linux.seccomp.or(config.linux.seccomp);
    spec.linux.memory_policy = spec.linux.memory_policy.or(config.linux.memory_policy);
    // Its class of service has been made, or compared.
    spec.linux.intel_rdt =
        config.linux.intel_rdt.map(|IntelRdt { clos_id, .. }| IntelRdt { clos_id, ..IntelRdt::default() });
    spec.linux.personality = spec.linux.personality.or(config.linux.personality);
    let extras = config.minicontainer;
    spec.minicontainer.seccomp_profile = extras.seccomp_profile;
    spec.minicontainer.seccomp_file = extras.seccomp_file;
    spec.minicontainer.landlock = extras.landlock;
    if container.as_its_program {
        let given = spec.process;
        if given.user.is_none() {
            spec.minicontainer.run_as = spec.minicontainer.run_as.or(extras.run_as);
        }
        spec.minicontainer.default_env.splice(..0, extras.default_env);
        spec.process = config.process;
        spec.process.args = given.args;
        spec.process.env.extend(given.env);
        if !given.cwd.is_empty() {
            spec.process.cwd = given.cwd;
        }
        if let Some(user) = given.user {
            spec.process.user = Some(user);
        }
        spec.process.terminal = given.terminal;
        spec.process.console_size = given.console_size;
        spec.process.no_new_privileges |= given.no_new_privileges;
        if !container.additional_gids.is_empty() {
            spec.process.user.get_or_insert_default().additional_gids.extend(&container.additional_gids);
        }
        add(spec.process.capabilities.get_or_insert_default(), &container.capabilities);
    }
    spec.minicontainer.joins_cgroup =
        container.cgroup.map(|place| place.below(container.below.as_deref())).transpose()?;
    spec.minicontainer.users_of = Some(format!("/proc/{}/root", process.pid));
    spec.minicontainer.new_session = true;
    spec.minicontainer.state = container.state;
    spec.minicontainer.joins = Some((process.pid, process.start_time));
    Ok(spec)
}

/// What a program is given beside what the container has, as runc's `--cap` does it.
fn add(sets: &mut Capabilities, names: &[String]) {
    for set in [&mut sets.bounding, &mut sets.effective, &mut sets.permitted] {
        set.extend_from_slice(names);
    }
}
