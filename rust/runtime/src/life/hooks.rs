//! OCI's hooks: programs that are told of a container on its way.

use std::fmt::Display;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio as Stream};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::process::Process;
use super::store;
use crate::error::Error;
use crate::facts::Facts;
use crate::launch::wait::{End, WaitFor, reap, send_signal};
use crate::launch::{Child, launch, wait};
use crate::plan::plan;
use crate::poll::{readable, wait_for_any};
use crate::spec::{Hook, Namespace, NamespaceKind, Spec, Stdio};

/// A list of hooks of a container's configuration.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Stage {
    Prestart,
    CreateRuntime,
    CreateContainer,
    StartContainer,
    Poststart,
    Poststop,
}

impl Stage {
    fn of(self, spec: &Spec) -> &[Hook] {
        let hooks = &spec.hooks;
        match self {
            Self::Prestart => &hooks.prestart,
            Self::CreateRuntime => &hooks.create_runtime,
            Self::CreateContainer => &hooks.create_container,
            Self::StartContainer => &hooks.start_container,
            Self::Poststart => &hooks.poststart,
            Self::Poststop => &hooks.poststop,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Prestart => "prestart",
            Self::CreateRuntime => "createRuntime",
            Self::CreateContainer => "createContainer",
            Self::StartContainer => "startContainer",
            Self::Poststart => "poststart",
            Self::Poststop => "poststop",
        }
    }

    fn is_in_the_container(self) -> bool {
        matches!(self, Self::CreateContainer | Self::StartContainer)
    }
}

/// Which hooks of which container.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    handle: u32,
    stage: Stage,
    /// OCI's state, which they read from stdin.
    state: serde_json::Value,
    /// The container's process.
    process: Option<Process>,
    /// Whether the others are executed where one has failed.
    #[serde(default)]
    goes_on: bool,
}

/// What failed, where that is no end of it.
#[derive(Serialize)]
pub(crate) struct Answer {
    warnings: Vec<String>,
}

/// `hooks`: executes one list of hooks of a container.
///
/// # Errors
/// [`Error::System`] of the first that failed, where the others are not to go on.
pub(crate) fn hooks(asked: &Asked) -> Result<Answer, Error> {
    let spec = store::held(asked.handle)?.config()?;
    let mut warnings = Vec::new();
    let pid = asked.process.map(|process| process.pid);
    let told = asked.state.to_string();
    for (index, hook) in asked.stage.of(&spec).iter().enumerate() {
        match run_one(&spec, asked.stage, (index, hook), &told, pid) {
            Ok(()) => {}
            Err(Error::System { message, .. } | Error::Spec { message, .. }) if asked.goes_on => warnings.push(message),
            Err(error) => return Err(error),
        }
    }
    Ok(Answer { warnings })
}

/// Executes one list of hooks, up to the first that fails, for the container whose process is `pid`.
///
/// # Errors
/// [`Error::System`]; [`Error::Spec`] for a hook that is none.
pub(super) fn run(spec: &Spec, stage: Stage, told: &str, pid: i32) -> Result<(), Error> {
    let mut hooks = stage.of(spec).iter().enumerate();
    hooks.try_for_each(|hook| run_one(spec, stage, hook, told, Some(pid)))
}

fn run_one(
    spec: &Spec,
    stage: Stage,
    (index, hook): (usize, &Hook),
    told: &str,
    pid: Option<i32>,
) -> Result<(), Error> {
    let field = format!("hooks.{}[{index}]", stage.name());
    if !hook.path.starts_with('/') {
        let message = format!("must be an absolute path; it is {:?}", hook.path);
        return Err(Error::spec(format!("{field}.path"), message));
    }
    let patience = match hook.timeout {
        Some(seconds) if seconds > 0.0 && seconds.is_finite() => Some(Duration::from_secs_f64(seconds.min(1e9))),
        Some(seconds) => {
            return Err(Error::spec(format!("{field}.timeout"), format!("must be above 0; it is {seconds}")));
        }
        None => None,
    };
    let failed = |why: &dyn Display| {
        let mut error = Error::system(format!("run {field}, {:?}", hook.path), Errno::ECANCELED);
        if let Error::System { message, .. } = &mut error {
            *message = format!("{field}, {:?}, failed: {why}", hook.path);
        }
        error
    };
    // Files, for a hook that reads or writes nothing must hold nobody up, nor one that leaves a process behind.
    let (mut input, output) = (memory(c"state")?, memory(c"output")?);
    input.write_all(told.as_bytes()).and_then(|()| input.rewind()).map_err(|error| failed(&error))?;
    let end = match pid.filter(|_| stage.is_in_the_container()) {
        Some(pid) => run_inside(spec, hook, pid, &input, &output, patience),
        None => run_outside(hook, &input, &output, patience),
    };
    match end {
        Ok(Some(End::Exited(0))) => Ok(()),
        Ok(Some(End::Exited(status))) => Err(failed(&format!("exit status {status}{}", said(output)))),
        Ok(Some(End::Signaled(signal))) => Err(failed(&format!("signal {signal}{}", said(output)))),
        Ok(None) => Err(failed(&format!("it took longer than {} s{}", hook.timeout.unwrap_or(0.0), said(output)))),
        Err(Error::System { message, .. } | Error::Spec { message, .. }) => Err(failed(&message)),
        Err(error) => Err(error),
    }
}

/// In this process's namespaces.
fn run_outside(hook: &Hook, input: &File, output: &File, patience: Option<Duration>) -> Result<Option<End>, Error> {
    let copy = |file: &File| file.try_clone().map(Stream::from);
    let spawned =
        copy(input).and_then(|stdin| Ok((stdin, copy(output)?, copy(output)?))).and_then(|(stdin, stdout, stderr)| {
            let mut command = Command::new(&hook.path);
            command.env_clear().envs(hook.env.iter().filter_map(|entry| entry.split_once('=')));
            if let Some((name, arguments)) = hook.args.split_first() {
                command.arg0(name).args(arguments);
            }
            command.stdin(stdin).stdout(stdout).stderr(stderr).spawn()
        });
    let mut child = spawned.map_err(|error| {
        Error::system(format!("execute {:?}", hook.path), Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
    })?;
    let pidfd = wait::open_pidfd(i32::try_from(child.id()).unwrap_or(-1))?;
    let in_time = wait_for_end(&pidfd, patience)?;
    let status = child.wait().map_err(|_| Error::system("wait for a hook", Errno::ECHILD))?;
    Ok(in_time.then(|| {
        use std::os::unix::process::ExitStatusExt;
        status.signal().map_or_else(|| End::Exited(status.code().unwrap_or(-1)), End::Signaled)
    }))
}

/// In the namespaces of the container's process.
fn run_inside(
    container: &Spec,
    hook: &Hook,
    pid: i32,
    input: &File,
    output: &File,
    patience: Option<Duration>,
) -> Result<Option<End>, Error> {
    let mut spec = Spec { oci_version: container.oci_version.clone(), ..Spec::default() };
    spec.linux.namespaces = joined_early(container, pid);
    spec.minicontainer.program = Some(hook.path.clone());
    spec.process.args = if hook.args.is_empty() { vec![hook.path.clone()] } else { hook.args.clone() };
    spec.process.env.clone_from(&hook.env);
    let [input, output] = [input, output].map(|file| Stdio::Descriptor(file.as_raw_fd()));
    spec.minicontainer.stdio = [input, output, output];
    let facts = Facts::gather(&spec)?;
    let Child { pidfd, .. } = launch(&plan(&spec, &facts)?)?;
    let in_time = wait_for_end(&pidfd, patience)?;
    let exit = reap(pidfd.as_raw_fd(), WaitFor::End).map_err(|errno| Error::system("wait for a hook", errno))?;
    Ok(exit.filter(|_| in_time).map(|exit| exit.end))
}

/// The namespaces of a container, as its process `pid` has them.
pub(crate) fn joined(container: &Spec, pid: i32) -> Vec<Namespace> {
    let kinds = container.linux.namespaces.iter().map(|namespace| namespace.kind);
    kinds.map(|kind| Namespace { kind, path: Some(format!("/proc/{pid}/ns/{}", kind.file())) }).collect()
}

/// The same before the process has executed anything: until then it is not in its time namespace itself.
fn joined_early(container: &Spec, pid: i32) -> Vec<Namespace> {
    let mut namespaces = joined(container, pid);
    for namespace in namespaces.iter_mut().filter(|namespace| namespace.kind == NamespaceKind::Time) {
        namespace.path = Some(format!("/proc/{pid}/ns/time_for_children"));
    }
    namespaces
}

/// Waits for a process's end, and kills it where that takes too long; false then.
fn wait_for_end(pidfd: &OwnedFd, patience: Option<Duration>) -> Result<bool, Error> {
    let until = patience.map(|patience| Instant::now() + patience);
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if let [true] = wait_for_any([Some(readable(pidfd))], left)? {
            return Ok(true);
        }
        if left.is_some_and(|left| left.is_zero()) {
            let _ = send_signal(pidfd.as_raw_fd(), libc::SIGKILL);
            return Ok(false);
        }
    }
}

fn memory(name: &std::ffi::CStr) -> Result<File, Error> {
    memfd_create(name, MFdFlags::MFD_CLOEXEC)
        .map(File::from)
        .map_err(|errno| Error::system("make a file in memory", errno))
}

/// The last of what a hook wrote, as a message goes on with it.
fn said(mut output: File) -> String {
    const MOST: u64 = 1000;
    let length = output.seek(std::io::SeekFrom::End(0)).unwrap_or(0);
    let _ = output.seek(std::io::SeekFrom::Start(length.saturating_sub(MOST)));
    let mut bytes = Vec::new();
    let _ = output.take(MOST).read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    if text.trim().is_empty() { String::new() } else { format!(": {}", text.trim()) }
}
