//! The interpreter: one `match`, a system call or a few for each arm.

use crate::holder::become_holder;
use crate::identity::{install_filter, limit_capabilities, raise_ambient, restrict_files, set_ids, write_file};
use crate::interpreter::check_program;
use crate::monitor::become_monitor;
use crate::program::{CStrArray, CStrRef, Program};
use crate::root::set_propagation;
use crate::step::{Failure, Step};
use crate::sys::{self, Errno, Handle};

/// Walks over the plan. It returns only if a step failed: otherwise the program has taken this process's place.
///
/// Called in the child after `clone`, with every signal blocked.
#[must_use]
pub fn run(program: &Program<'_>) -> Failure {
    run_from(program, 0)
}

/// As [`run`], from a later step.
pub(crate) fn run_from(program: &Program<'_>, first: u32) -> Failure {
    let mut machine = Machine::new(program);
    let mut index = first;
    for step in program.steps.iter().skip(first as usize) {
        machine.index = index;
        if let Err(Errno(errno)) = program.fault.check(index).and_then(|()| machine.take(*step)) {
            return Failure { step: index, errno };
        }
        index = index.saturating_add(1);
    }
    // A plan that ends without becoming a program is the planner's mistake.
    Failure { step: index, errno: libc::ENOEXEC }
}

/// The plan, and what the steps so far have opened for those to come.
pub(crate) struct Machine<'p> {
    pub program: &'p Program<'p>,
    /// The step that is taken.
    pub index: u32,
    /// The folder that becomes the root, and its path.
    pub folder: Option<(Handle, CStrRef<'p>)>,
    /// A copy of it with all that is mounted below, from before the stage was.
    pub copy: Option<Handle>,
    /// The tmpfs for what must not stand in that folder.
    pub stage: Option<Handle>,
    /// The container's root.
    pub root: Option<Handle>,
    /// The folder that something was last made in, and its path in the root: the next is made there too, mostly.
    pub last_folder: Option<(Handle, CStrRef<'p>)>,
    /// `/dev/null` of the host's.
    pub null: Option<Handle>,
    /// An empty folder that cannot be written to.
    pub nothing: Option<Handle>,
}

impl<'p> Machine<'p> {
    const fn new(program: &'p Program<'p>) -> Self {
        Self {
            program,
            index: 0,
            folder: None,
            copy: None,
            stage: None,
            root: None,
            last_folder: None,
            null: None,
            nothing: None,
        }
    }

    fn take(&mut self, step: Step) -> Result<(), Errno> {
        let program = self.program;
        match step {
            Step::ReportIds => {
                program.report.tell_ids(sys::getpid(), sys::getppid());
                Ok(())
            }
            Step::Monitor { namespaces } => become_monitor(program, self.index, namespaces),
            Step::DieWithOwner { owner, signal } => {
                let owner = program.descriptor(owner)?;
                sys::set_parent_death_signal(signal)?;
                if sys::is_readable(owner)? { Err(Errno(libc::EOWNERDEAD)) } else { Ok(()) }
            }

            Step::EnterCgroup { file } => sys::write_once(program.descriptor(file)?, b"0"),
            Step::Sync { part } => program.report.handshake.arrive(part, sys::pid_as_the_host_sees_it()?),
            Step::JoinNamespace { namespace, kind } => sys::setns(program.descriptor(namespace)?, kind),
            Step::Unshare { flags } => sys::unshare(flags),
            Step::CloneAgain { copies } => sys::clone_again(program.report.second_pid(), copies),
            Step::WriteFile { path, text } => write_file(program.string(path)?, program.string(text)?),
            Step::SetHostname { name } => sys::sethostname(program.string(name)?),
            Step::SetDomainname { name } => sys::setdomainname(program.string(name)?),
            Step::BringLoopbackUp => sys::bring_loopback_up(),
            Step::NewNetwork { spare } => new_network(program.descriptor(spare)?),

            Step::SetPropagation { flags } => set_propagation(flags),
            Step::OpenRoot { path } => self.open_root(program.string(path)?),
            Step::KeepRoot => self.keep_root(),
            Step::MountStage { options, data } => self.mount_stage(program.list(options)?, program.string(data)?),
            Step::BindRoot => self.bind_root(),
            Step::OverlayRoot { layer, options, data } => {
                let layer = layer.map(|layer| program.string(layer)).transpose()?;
                self.overlay_root(layer, program.list(options)?, program.string(data)?)
            }
            Step::SendLayers { socket } => self.send_layers(program.descriptor(socket)?),
            Step::Mount(filesystem) => self.mount(&filesystem),
            Step::Bind(bind) => self.bind(&bind),
            Step::StageFile { name, contents, mode } => {
                self.stage_file(program.string(name)?, program.blob(contents)?, mode)
            }
            Step::Mask { path } => self.mask(program.string(path)?),
            Step::Protect { path } => self.protect(program.string(path)?),
            Step::MakeNode { place, mode, device, owner } => self.make_node(place, mode, device, owner),
            Step::BindNode { source, place, device } => self.bind_node(program.string(source)?, place, device),
            Step::MakeLink { text, place } => self.make_link(program.string(text)?, place),
            Step::ProtectRoot { attributes } => self.protect_root(attributes),
            Step::EnterRoot => self.enter_root(),
            Step::ChangeRoot { moves } => self.change_root(moves),

            Step::NewSession => sys::setsid(),
            Step::OpenTerminal { socket, size, console, streams } => {
                self.open_terminal(program.descriptor(socket)?, size, console, streams)
            }
            Step::NewKeyring => sys::join_session_keyring(),
            Step::SetRlimit { resource, soft, hard } => sys::prlimit(resource, soft, hard),
            Step::SetScheduler { attributes } => sys::sched_setattr(program.blob(attributes)?),
            Step::SetMemoryPolicy { mode, nodes } => sys::set_mempolicy(mode, program.blob(nodes)?),
            Step::SetAffinity { set } => sys::sched_setaffinity(program.blob(set)?),
            Step::SetIoPriority { priority } => sys::ioprio_set(priority),
            Step::SetPersonality { domain } => sys::personality(domain),
            Step::SetUmask { mask } => {
                sys::umask(mask);
                Ok(())
            }
            Step::Chdir { path } => sys::chdir(program.string(path)?),
            Step::CheckFolder => {
                if sys::is_here_reachable()? {
                    Ok(())
                } else {
                    Err(Errno(libc::EXDEV))
                }
            }
            Step::CheckProgram { candidates } => check_program(program.list(candidates)?),

            Step::LimitCapabilities { keep } => limit_capabilities(keep),
            Step::SetGroups { groups } => sys::setgroups(program.group_ids(groups)?),
            Step::SetIds { uid, gid } => set_ids(uid, gid),
            Step::SetCapabilities { effective, permitted, inheritable } => {
                sys::capset(effective, permitted, inheritable)
            }
            Step::RaiseAmbient { set } => raise_ambient(set),
            Step::ForbidNewPrivileges => sys::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0).map(|_| ()),
            Step::RestrictFiles { handled, read_only, read_access, read_write } => {
                restrict_files(handled, (program.list(read_only)?, read_access), program.list(read_write)?)
            }
            Step::InstallFilter { filter, flags, listener } => {
                let listener = listener.map(|socket| program.descriptor(socket)).transpose()?;
                install_filter(program.filter(filter)?, flags, listener)
            }

            Step::Dup { from, to } => sys::dup3(program.descriptor(from)?, to),
            Step::CloseFrom { first, .. } if program.shares_files => sys::leave_from(first),
            Step::CloseFrom { first, at_exec } => sys::close_range(first, u32::MAX, at_exec),
            Step::ResetSignals { keep } => reset_signals(keep | program.untouched_signals),
            Step::UnblockSignals => sys::unblock_all_signals(),
            Step::FindProgram { candidates } => find(program.list(candidates)?),
            Step::Hold => become_holder(program.hold.as_ref().ok_or(Errno(libc::EFAULT))?),
            Step::Exec { candidates, argv, envp } => {
                exec(program.list(candidates)?, program.list(argv)?, program.list(envp)?)
            }
        }
    }
}

fn new_network(spare: i32) -> Result<(), Errno> {
    if spare >= 0 {
        return sys::setns(spare, libc::CLONE_NEWNET);
    }
    sys::unshare(libc::CLONE_NEWNET)?;
    sys::bring_loopback_up()
}

fn reset_signals(keep: u64) -> Result<(), Errno> {
    for signal in 1..=sys::SIGNAL_MAX {
        let bit = 1_u64.checked_shl(signal.saturating_sub(1)).unwrap_or(0);
        if keep & bit == 0 {
            sys::set_default_action(signal)?;
        }
    }
    Ok(())
}

/// Fails as [`exec`] would, as far as that can be told without doing it.
fn find(candidates: CStrArray<'_>) -> Result<(), Errno> {
    let mut worst = Errno(libc::ENOENT);
    for path in candidates.strings() {
        match sys::check_executable(path) {
            Ok(()) => return Ok(()),
            Err(errno @ Errno(libc::EACCES)) => worst = errno,
            Err(_) => {}
        }
    }
    Err(worst)
}

/// Tries one path after the other as `execvp(3)` does: what is not there is passed over, what may not be executed is
/// passed over too but remembered, anything else ends the search.
fn exec(candidates: CStrArray<'_>, argv: CStrArray<'_>, envp: CStrArray<'_>) -> Result<(), Errno> {
    let mut worst = Errno(libc::ENOENT);
    for path in candidates.strings() {
        let errno = sys::execve(path, argv, envp);
        match errno.0 {
            libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {
                if candidates.strings().nth(1).is_none() {
                    return Err(errno);
                }
            }
            libc::EACCES => worst = errno,
            _ => return Err(errno),
        }
    }
    Err(worst)
}
