//! Making a container that waits to be started.

use std::ffi::CString;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl, openat};
use nix::libc;
use nix::mount::{MntFlags, umount2};
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::end::{Asked as Ending, end};
use super::hooks::{self, Stage};
use super::process::{Process, SYSTEM_ROOT};
use super::{children, door, ended, notify, store, undo};
use crate::cgroup::{Manager, Place, systemd};
use crate::error::Error;
use crate::facts::Facts;
use crate::launch::wait::{WaitFor, send_signal};
use crate::launch::{MonitorRequest, Outside, launch_for};
use crate::plan::{Plan, plan, shares_mounts};
use crate::run::Watched;
use crate::spec::{NamespaceKind, Spec, Stdio};

/// A container that is to be made.
#[allow(clippy::struct_excessive_bools, reason = "independent options, not the states of a machine")]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    handle: u32,
    /// OCI's `config.json`.
    spec: Box<RawValue>,
    /// The folder that relative paths of the spec start from.
    bundle: PathBuf,
    /// OCI's state as hooks are told it; the process's number is filled in.
    state: serde_json::Map<String, serde_json::Value>,
    /// What is written to its folder once it waits, together with what was made.
    kept: serde_json::Map<String, serde_json::Value>,
    /// A socket that is sent our side of the container's terminal.
    console_socket: Option<PathBuf>,
    /// A socket that is sent a pidfd of the container's process.
    pidfd_socket: Option<PathBuf>,
    /// Who makes its cgroup.
    #[serde(default)]
    cgroup_manager: Manager,
    /// So many descriptors behind stderr are the container's too.
    #[serde(default)]
    preserve_fds: u32,
    /// Entries of its environment, beside those of the spec.
    #[serde(default)]
    environment: Vec<String>,
    /// It may say that it is ready, `sd_notify(3)`.
    #[serde(default)]
    notifies: bool,
    /// The root is entered by chroot(2).
    #[serde(default)]
    no_pivot: bool,
    /// The container gets no session keyring of its own.
    #[serde(default)]
    no_new_keyring: bool,
    /// A process stays by the container.
    monitor: Option<Monitor>,
    /// A terminal of the container's own stays with this process, which attends to it.
    #[serde(default)]
    foreground: bool,
}

/// How a container is stood by, whose end this process does not wait for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Monitor {
    /// The most bytes of a log; 0: no limit.
    log_bytes: u64,
    /// How many logs are kept.
    logs: u32,
    /// Whether the container reads what those write who attach.
    has_stdin: bool,
    /// What is executed at the container's end: an absolute path and arguments.
    command: Vec<String>,
}

/// A container that waits.
#[derive(Serialize)]
pub(crate) struct Created {
    #[serde(flatten)]
    process: Process,
    /// Its cgroup, where it has one of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup: Option<Place>,
    /// A mount among the host's that goes with it: its root, where it has no mount namespace of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    mounted: Option<String>,
    /// What could not be had in full, a sentence each.
    degraded: Vec<String>,
}

impl Created {
    /// What ends it.
    fn ending(&self) -> Ending {
        Ending { process: self.process, cgroup: self.cgroup.clone(), mounted: self.mounted.clone(), removes: None }
    }

    /// The container's state, in which what was made is filled in.
    fn state(&self, mut kept: serde_json::Map<String, serde_json::Value>) -> Result<String, Error> {
        if let Ok(serde_json::Value::Object(mut made)) = serde_json::to_value(self) {
            made.remove("degraded");
            kept.append(&mut made);
        }
        serde_json::to_string(&kept).map_err(|error| Error::Internal { message: error.to_string() })
    }
}

/// `create`: makes a container that waits to be started, and writes that down.
///
/// # Errors
/// As [`crate::launch::launch`], and what its hooks fail with; nothing of it is left then.
pub(crate) fn create(asked: &Asked) -> Result<Created, Error> {
    let held = store::held(asked.handle)?;
    let spec = asked.spec(&held.path)?;
    let mut facts = Facts { holds: true, is_monitored: asked.monitor.is_some(), ..Facts::gather(&spec)? };
    facts.folder.clone_from(&asked.bundle);
    let plan = plan(&spec, &facts)?;
    check_terminal(&plan, asked.console_socket.as_deref(), asked.foreground || asked.monitor.is_some())?;
    ended::clear(held.folder());
    if let Some(arrangement) = &plan.cgroup {
        undo::note(held.folder(), &arrangement.place)?;
    }
    let socket = bind(held.folder(), "start")?;
    // Opened anew: the lock on the folder belongs to the descriptor that took it, and to its copies.
    let folder = asked.monitor.as_ref().map(|_| open_again(held.folder())).transpose()?;
    let attached = asked.monitor.as_ref().map(|_| bind(held.folder(), "attach")).transpose()?;
    let standing_by = asked.monitor.as_ref().zip(folder.as_ref()).zip(attached.as_ref());
    let monitor = standing_by.map(|((monitor, folder), socket)| monitor.request(folder.as_fd(), socket.as_fd()));
    let run_hooks = |pid: i32| {
        let state = asked.state_of(pid);
        let stages = [Stage::Prestart, Stage::CreateRuntime, Stage::CreateContainer];
        stages.into_iter().try_for_each(|stage| hooks::run(&spec, stage, &state, pid))
    };
    let mounted = spec.root.as_ref().filter(|_| is_among_the_hosts(&spec)).map(|root| root.path.clone());
    let undo = |error| mounted.iter().try_for_each(|path| unmount(path)).and(Err(error));
    let child =
        launch_for(&plan, &Outside { run_hooks: &run_hooks, socket: Some(socket.as_fd()), monitor }).or_else(undo)?;
    let mut program = Watched::from(child);
    let process = hand_over(&mut program, (asked.console_socket.as_deref(), asked.pidfd_socket.as_deref()))?;
    let monitor = program.take_monitor();
    let (cgroup, keeper) = program.take_cgroup().map(|cgroup| cgroup.leave(monitor.is_some())).unzip();
    let degraded = plan.degraded.clone();
    keeper.flatten().into_iter().for_each(children::collect);
    match monitor {
        Some(monitor) => children::collect(monitor),
        None => children::keep(process.pid, program, Arc::new(plan)),
    }
    let created = Created { process, cgroup, mounted, degraded };
    let saved = created.state(asked.kept.clone()).and_then(|state| held.save_made(&state));
    saved.inspect_err(|_| drop(end(&created.ending())))?;
    Ok(created)
}

/// Where a container's cgroup is that says nothing.
fn usual_path(manager: Manager, id: &str) -> String {
    if manager == Manager::Systemd { format!(":minicontainer:{id}") } else { format!("/minicontainer.{id}") }
}

impl Asked {
    fn spec(&self, folder: &Path) -> Result<Spec, Error> {
        let mut spec = Spec::parse(self.spec.get().as_bytes())?;
        outlive(&mut spec, &self.bundle);
        let extras = &mut spec.minicontainer;
        extras.new_session = true;
        extras.new_keyring = !self.no_new_keyring;
        extras.preserve_fds = self.preserve_fds;
        extras.no_pivot = self.no_pivot;
        extras.default_env.extend_from_slice(&self.environment);
        if let Some(monitor) = &self.monitor {
            let stdin = if monitor.has_stdin { Stdio::Piped } else { Stdio::Null };
            extras.stdio = [stdin, Stdio::Piped, Stdio::Piped];
        }
        let id = self.state.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
        let path = spec.linux.cgroups_path.take().filter(|path| !path.is_empty());
        // Whoever may not make one there has none, where the spec asks for none.
        let id = format!("{id}{}", suffix(folder));
        let asked = extras.cgroup.as_ref().map(|cgroup| cgroup.manager).unwrap_or_default();
        let manager = if self.cgroup_manager == Manager::Auto { asked } else { self.cgroup_manager };
        let usual = || nix::unistd::geteuid().is_root().then(|| usual_path(systemd::chosen(manager), &id));
        spec.linux.cgroups_path = path.or_else(usual);
        if manager != asked {
            extras.cgroup.get_or_insert_default().manager = manager;
        }
        if self.notifies {
            notify::prepare(&mut spec, folder)?;
        }
        Ok(spec)
    }

    fn state_of(&self, pid: i32) -> String {
        let mut state = self.state.clone();
        state.insert("pid".into(), pid.into());
        serde_json::Value::Object(state).to_string()
    }
}

/// Has a spec be that of a container, whose plan starts from its bundle, and takes nothing of whoever makes it.
pub(super) fn outlive(spec: &mut Spec, bundle: &Path) {
    if let Some(root) = &mut spec.root {
        root.path = bundle.join(&root.path).to_string_lossy().into_owned();
    }
    let extras = &mut spec.minicontainer;
    // What the command that makes a container does for a program that it runs itself.
    extras.foreground = false;
    extras.kill_on_exit = false;
    if let Some(overlay) = &mut extras.overlay {
        // Nobody is there to be told.
        overlay.diff = false;
    }
}

/// What tells the cgroup of a container from that of another root's of the same id.
fn suffix(folder: &Path) -> String {
    if folder.parent() == Some(Path::new(SYSTEM_ROOT)) {
        return String::new();
    }
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    format!(".{:08x}", hasher.finish() & 0xffff_ffff)
}

/// Whether its root is mounted where this process sees it.
fn is_among_the_hosts(spec: &Spec) -> bool {
    shares_mounts(spec) && !spec.linux.namespaces.iter().any(|namespace| namespace.kind == NamespaceKind::Mount)
}

/// Removes the mount of a container's root, and all below it, from among the host's; where there is none, nothing.
///
/// # Errors
/// [`Error::System`] where it cannot be removed.
pub(super) fn unmount(path: &str) -> Result<(), Error> {
    match umount2(path, MntFlags::MNT_DETACH | MntFlags::UMOUNT_NOFOLLOW) {
        Ok(()) | Err(Errno::EINVAL | Errno::ENOENT) => Ok(()),
        Err(errno) => Err(Error::system(format!("unmount {path:?}"), errno)),
    }
}

/// Refuses a terminal that nobody would attend to.
pub(super) fn check_terminal(plan: &Plan, console_socket: Option<&Path>, foreground: bool) -> Result<(), Error> {
    match (plan.terminal_streams().is_some(), console_socket) {
        (true, None) if !foreground => {
            Err(Error::spec("process.terminal", "needs a socket that the terminal is sent to: --console-socket"))
        }
        (false, Some(_)) => Err(Error::spec("process.terminal", "must be true where there is a console socket")),
        _ => Ok(()),
    }
}

/// Sends its terminal and its pidfd to the sockets that were asked for; where that fails, it is killed.
pub(super) fn hand_over(
    program: &mut Watched,
    (console_socket, pidfd_socket): (Option<&Path>, Option<&Path>),
) -> Result<Process, Error> {
    let mut hand_over = || {
        if let (Some(path), Some(terminal)) = (console_socket, program.child().terminal.as_ref()) {
            // Who gets it expects it as it was opened.
            fcntl(terminal, FcntlArg::F_SETFL(OFlag::empty()))
                .map_err(|errno| Error::system("set up the container's terminal", errno))?;
            door::send(path, "--console-socket", terminal)?;
            program.take_terminal();
        }
        let child = program.child();
        if let Some(path) = pidfd_socket {
            door::send(path, "--pidfd-socket", &child.pidfd)?;
        }
        Process::of(child.pid).ok_or_else(|| Error::system("look at the container's process", Errno::ESRCH))
    };
    let process = hand_over();
    if process.is_err() {
        let _ = send_signal(program.pidfd(), libc::SIGKILL);
        let _ = program.reap(WaitFor::End);
    }
    process
}

/// The socket that the container waits at, in its folder: [`super::start::start`] connects to it.
fn bind(folder: &OwnedFd, name: &str) -> Result<UnixListener, Error> {
    UnixListener::bind(door::of(folder, name)).map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
        Error::system(format!("bind a socket in folder {}", folder.as_raw_fd()), errno)
    })
}

fn open_again(folder: &OwnedFd) -> Result<OwnedFd, Error> {
    openat(folder, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|errno| Error::system("open the container's folder", errno))
}

impl Monitor {
    fn request<'m>(&self, folder: BorrowedFd<'m>, socket: BorrowedFd<'m>) -> MonitorRequest<'m> {
        let command = self.command.iter().filter_map(|text| CString::new(text.as_str()).ok()).collect();
        MonitorRequest { folder, socket, log_bytes: self.log_bytes, logs: self.logs, command }
    }
}
