//! What the child does, as people read it.

use minicontainer_child::{Fd, Filter, List, Part, Step};

use super::{Line, mounts};
use crate::names::memory_policy;
use crate::plan::words::{capability_names, kind_flags, kind_name, list, quote, rlimit_name, text};
use crate::plan::{Descriptor, Plan};

/// The calls of a step.
pub(super) fn lines(plan: &Plan, step: Step) -> Vec<Line> {
    let line = |call, arguments: Vec<String>, why: &str, page| vec![Line::new("child", call, arguments, why, page)];
    match step {
        Step::ReportIds => line("getpid", vec![], "tell the parent which ids the program sees", "getpid(2)"),
        Step::DieWithOwner { signal, .. } => line(
            "prctl",
            vec!["PR_SET_PDEATHSIG".into(), signal_name(signal)],
            "the program ends when its owner does, and in a PID namespace all others with it",
            "PR_SET_PDEATHSIG(2const)",
        ),

        Step::Monitor { namespaces } => line(
            "clone",
            vec![format!("CLONE_VM|CLONE_VFORK|CLONE_PIDFD|{}", kind_flags(namespaces))],
            "the container's process; this one becomes its parent, which keeps its log and hears of its end",
            "clone(2)",
        ),
        Step::EnterCgroup { file } => {
            let (why, page) = match plan.descriptors.get(file.0 as usize) {
                Some(Descriptor::ClassEntrance(_)) => ("enter its class of service", "kernel: filesystems/resctrl"),
                _ => ("enter the cgroup that was made for it", "cgroups(7)"),
            };
            line("write", vec![descriptor(plan, file), "\"0\"".into()], why, page)
        }
        Step::Sync { part } => line(
            "futex",
            vec!["HANDSHAKE".into(), "FUTEX_WAIT".into()],
            match part {
                Part::MapIds => "wait until this process has mapped the ids",
                Part::MoveDevices => "wait until this process has moved network devices into its network namespace",
                Part::RunHooks => "wait until the hooks that come before the root is entered have run",
            },
            "futex(2)",
        ),
        Step::JoinNamespace { namespace, kind } => {
            line("setns", vec![descriptor(plan, namespace), kind_flags(kind)], "join what is there already", "setns(2)")
        }
        Step::Unshare { flags } => line(
            "unshare",
            vec![kind_flags(flags)],
            &format!("a {} namespace of its own", kind_name(flags)),
            "unshare(2)",
        ),
        Step::CloneAgain { copies: true } => line(
            "clone",
            vec!["CLONE_PARENT|CLONE_VFORK".into()],
            "a time namespace is joined only by who shares its memory with no other: this one gets a copy",
            "clone(2), setns(2)",
        ),
        Step::CloneAgain { copies: false } => line(
            "clone",
            vec!["CLONE_PARENT|CLONE_VM|CLONE_VFORK".into()],
            "a PID namespace that was joined holds the children of who joined it",
            "clone(2), pid_namespaces(7)",
        ),
        Step::WriteFile { path, text: value } => {
            let (why, page) = why_written(&text(plan, path));
            line("write", vec![text(plan, path), text(plan, value)], why, page)
        }
        Step::SetHostname { name } => {
            line("sethostname", vec![text(plan, name)], "the name in the UTS namespace", "sethostname(2)")
        }
        Step::SetDomainname { name } => {
            line("setdomainname", vec![text(plan, name)], "the NIS domain in the UTS namespace", "setdomainname(2)")
        }
        Step::BringLoopbackUp => line(
            "ioctl",
            vec!["SOCKET".into(), "SIOCSIFFLAGS".into(), "{lo, IFF_UP}".into()],
            "a new network namespace has lo, but down",
            "netdevice(7)",
        ),

        Step::NewNetwork { .. } => vec![Line::new(
            "child",
            "setns",
            vec!["SPARE_NETWORK".into(), "CLONE_NEWNET".into()],
            "a network namespace of its own, made ahead; where none is spare, unshare(CLONE_NEWNET)",
            "setns(2), network_namespaces(7)",
        )],
        Step::OpenTerminal { streams, .. } => terminal(plan, streams),
        Step::InstallFilter { filter, listener, .. } => install_filter(plan, filter, listener),
        Step::RestrictFiles { read_only, read_write, .. } => vec![Line::new(
            "child",
            "landlock_restrict_self",
            vec![
                format!("read-only [{}]", list(plan, read_only).iter().map(quote).collect::<Vec<_>>().join(", ")),
                format!("read-write [{}]", list(plan, read_write).iter().map(quote).collect::<Vec<_>>().join(", ")),
            ],
            "no other files, whatever the program is",
            "landlock(7)",
        )],
        _ => match identity(plan, step).or_else(|| last(plan, step)).or_else(|| carried_over(plan, step)) {
            Some(line) => vec![line],
            None => mounts::lines(plan, step),
        },
    }
}

/// What the program carries over exec.
fn carried_over(plan: &Plan, step: Step) -> Option<Line> {
    let line = |call, arguments: Vec<String>, why: &str, page| Line::new("child", call, arguments, why, page);
    let line = match step {
        Step::NewSession => {
            line("setsid", vec![], "no terminal of ours can be written to by the program (TIOCSTI)", "setsid(2)")
        }
        Step::NewKeyring => line(
            "keyctl",
            vec!["KEYCTL_JOIN_SESSION_KEYRING".into(), "NULL".into()],
            "keys of ours are not the program's",
            "keyctl(2), session-keyring(7)",
        ),
        Step::SetRlimit { resource, soft, hard } => line(
            "prlimit64",
            vec!["0".into(), rlimit_name(resource), format!("{{soft={}, hard={}}}", limit(soft), limit(hard))],
            "a limit of the program's",
            "prlimit(2)",
        ),
        Step::SetScheduler { .. } => line(
            "sched_setattr",
            vec!["0".into(), "ATTRIBUTES".into(), "0".into()],
            "how it is scheduled",
            "sched_setattr(2)",
        ),
        Step::SetMemoryPolicy { mode, .. } => line(
            "set_mempolicy",
            vec![memory_policy::name(mode), "NODES".into()],
            "the nodes that its memory is taken from",
            "set_mempolicy(2), numa(7)",
        ),
        Step::SetAffinity { .. } => line(
            "sched_setaffinity",
            vec!["0".into(), "SET".into()],
            "the processors that it runs on",
            "sched_setaffinity(2)",
        ),
        Step::SetIoPriority { priority } => line(
            "ioprio_set",
            vec!["IOPRIO_WHO_PROCESS".into(), "0".into(), format!("{priority:#x}")],
            "how its input and output is scheduled",
            "ioprio_set(2)",
        ),
        Step::SetPersonality { domain } => {
            line("personality", vec![format!("{domain:#x}")], "the execution domain", "personality(2)")
        }
        Step::SetUmask { mask } => {
            line("umask", vec![format!("{mask:04o}")], "the permissions that new files lack", "umask(2)")
        }
        Step::Chdir { path } => line("chdir", vec![text(plan, path)], "where the program starts", "chdir(2)"),
        Step::CheckFolder => line(
            "getcwd",
            vec!["BUFFER".into(), "4096".into()],
            "the folder lies in the root, not behind a descriptor that was left open",
            "getcwd(2)",
        ),
        Step::FindProgram { candidates } => line(
            "faccessat2",
            vec![one_of(plan, candidates), "X_OK".into()],
            "what cannot be executed is told of now, and not when it is started",
            "access(2)",
        ),
        Step::Hold => line(
            "execveat",
            vec!["HOLDER".into(), "\"\"".into(), "AT_EMPTY_PATH".into()],
            "a small program waits in this process, which keeps nothing of the memory of the one that made it",
            "execveat(2), memfd_create(2)",
        ),
        Step::CheckProgram { candidates } => line(
            "openat2",
            vec![one_of(plan, candidates), "RESOLVE_NO_MAGICLINKS".into()],
            "nothing leads to this process's own program, which is still /proc/self/exe",
            "openat2(2), proc_pid_exe(5)",
        ),
        _ => return None,
    };
    Some(line)
}

fn one_of(plan: &Plan, candidates: List) -> String {
    list(plan, candidates).iter().map(quote).collect::<Vec<_>>().join(" or ")
}

fn why_written(path: &str) -> (&'static str, &'static str) {
    match path.trim_matches('"') {
        "/proc/self/setgroups" => ("the kernel's condition for a map of one's own", "user_namespaces(7)"),
        "/proc/self/uid_map" => ("its user, as the namespace numbers it", "user_namespaces(7)"),
        "/proc/self/gid_map" => ("its group, as the namespace numbers it", "user_namespaces(7)"),
        "/proc/self/timens_offsets" => ("how far its clocks are ahead", "time_namespaces(7)"),
        "/proc/self/oom_score_adj" => ("how readily it is ended when memory is short", "proc_pid_oom_score_adj(5)"),
        path if path.starts_with("/proc/sys/") => ("a kernel parameter of its namespace", "sysctl(8), proc_sys(5)"),
        _ => ("its label from exec on", "proc_pid_attr(5)"),
    }
}

fn terminal(plan: &Plan, streams: [bool; 3]) -> Vec<Line> {
    let line = |call, arguments: &[&str], why: &str, page| {
        Line::new("child", call, arguments.iter().map(ToString::to_string).collect(), why, page)
    };
    let (call, arguments) = if plan.root_path().is_some() {
        ("openat2", ["ROOT", "\"dev/pts/ptmx\"", "O_RDWR|O_NOCTTY"])
    } else {
        ("openat", ["AT_FDCWD", "\"/dev/ptmx\"", "O_RDWR|O_NOCTTY"])
    };
    let mut lines = vec![
        line(call, &arguments, "a terminal of the program's own", "pts(4)"),
        line("ioctl", &["TERMINAL", "TIOCGPTPEER"], "its other side, by no name", "TIOCGPTPEER(2const)"),
        line("sendmsg", &["SOCKET", "SCM_RIGHTS"], "this process keeps one side", "unix(7)"),
        line("ioctl", &["PEER", "TIOCSCTTY", "0"], "the terminal of its session", "TIOCSCTTY(2const)"),
    ];
    let wanted = ["0", "1", "2"].into_iter().zip(streams).filter(|(_, is_wanted)| *is_wanted);
    lines.extend(wanted.map(|(number, _)| line("dup3", &["PEER", number, "0"], "a stream of the program", "dup(2)")));
    lines
}

fn install_filter(plan: &Plan, filter: Filter, listener: Option<Fd>) -> Vec<Line> {
    let length = plan.filters.get(filter.0 as usize).map_or(0, |filter| filter.program.len());
    let mut arguments = vec!["SECCOMP_SET_MODE_FILTER".into(), format!("[{length} instructions]")];
    let Some(socket) = listener else {
        return vec![Line::new("child", "seccomp", arguments, "which system calls it may make", "seccomp(2)")];
    };
    arguments.insert(1, "SECCOMP_FILTER_FLAG_NEW_LISTENER".into());
    let why = "which system calls it may make, and which it must ask for";
    let sent = vec![descriptor(plan, socket), "SCM_RIGHTS".into()];
    vec![
        Line::new("child", "seccomp", arguments, why, "seccomp(2)"),
        Line::new("child", "sendmsg", sent, "this process answers what is asked", "unix(7), seccomp_unotify(2)"),
    ]
}

fn identity(plan: &Plan, step: Step) -> Option<Line> {
    let (call, arguments, why, page) = match step {
        Step::LimitCapabilities { keep } => (
            "prctl",
            vec!["PR_CAPBSET_DROP".to_string(), format!("all but {}", capability_names(keep))],
            "what no program in here can ever have",
            "capabilities(7)",
        ),
        Step::SetGroups { groups } => {
            let groups = plan.groups.get(groups.0 as usize).map_or(&[][..], Vec::as_slice);
            (
                "setgroups",
                vec![groups.len().to_string(), format!("{groups:?}")],
                "its groups, and none of ours",
                "setgroups(2)",
            )
        }
        Step::SetIds { uid, gid } => {
            ("setresuid", vec![uid.to_string(), format!("setresgid {gid}")], "who it is", "setresuid(2)")
        }
        Step::SetCapabilities { effective, permitted, inheritable } => (
            "capset",
            vec![
                format!("effective {}", capability_names(effective)),
                format!("permitted {}", capability_names(permitted)),
                format!("inheritable {}", capability_names(inheritable)),
            ],
            "what it may",
            "capset(2), capabilities(7)",
        ),
        Step::RaiseAmbient { set } => (
            "prctl",
            vec!["PR_CAP_AMBIENT_RAISE".into(), capability_names(set)],
            "what it may although it is not root",
            "capabilities(7)",
        ),
        Step::ForbidNewPrivileges => (
            "prctl",
            vec!["PR_SET_NO_NEW_PRIVS".into(), "1".into()],
            "set-user-ID programs give it nothing",
            "PR_SET_NO_NEW_PRIVS(2const)",
        ),
        _ => return None,
    };
    Some(Line::new("child", call, arguments, why, page))
}

fn closing(plan: &Plan, at_exec: bool) -> &'static str {
    match at_exec {
        true => "CLOSE_RANGE_CLOEXEC",
        false if plan.shares_files() => "CLOSE_RANGE_UNSHARE",
        false => "0",
    }
}

fn last(plan: &Plan, step: Step) -> Option<Line> {
    let (call, arguments, why, page) = match step {
        Step::Dup { from, to } => (
            "dup3",
            vec![descriptor(plan, from), to.to_string(), "0".into()],
            "the program's standard stream",
            "dup(2)",
        ),
        Step::CloseFrom { first, at_exec } => (
            "close_range",
            vec![first.to_string(), "~0".into(), closing(plan, at_exec).into()],
            "no descriptor of this process reaches the program",
            "close_range(2)",
        ),
        Step::ResetSignals { keep } => (
            "rt_sigaction",
            vec![if keep == 0 { "1..64".into() } else { format!("1..64 but mask {keep:#x}") }, "SIG_DFL".into()],
            "the program starts with every signal's default action, for which those that have it need no call; Deno ignores SIGPIPE",
            "sigaction(2), signal(7)",
        ),
        Step::UnblockSignals => (
            "rt_sigprocmask",
            vec!["SIG_SETMASK".into(), "[]".into()],
            "the program starts with no signal blocked",
            "sigprocmask(2)",
        ),
        Step::Exec { candidates, argv, envp } => (
            "execve",
            vec![
                one_of(plan, candidates),
                format!("[{}]", list(plan, argv).iter().map(quote).collect::<Vec<_>>().join(", ")),
                format!("[{} variables]", list(plan, envp).len()),
            ],
            "become the program",
            "execve(2)",
        ),
        _ => return None,
    };
    Some(Line::new("child", call, arguments, why, page))
}

fn descriptor(plan: &Plan, fd: Fd) -> String {
    match plan.descriptors.get(fd.0 as usize) {
        Some(Descriptor::Null) => "/dev/null".into(),
        Some(Descriptor::PipeIn | Descriptor::PipeOut(_)) => "PIPE".into(),
        Some(Descriptor::Given { number, .. }) => format!("COPY_OF_{number}"),
        Some(Descriptor::Owner) => "OWNER".into(),
        Some(Descriptor::Namespace { path, .. }) => quote(path),
        Some(Descriptor::IdsOfMount { .. }) => "IDS".into(),
        Some(Descriptor::Tree(_)) => "TREE".into(),
        Some(Descriptor::CgroupEntrance(path) | Descriptor::ClassEntrance(path)) => super::cgroups::quoted(path),
        Some(Descriptor::SpareNetwork) => "SPARE_NETWORK".into(),
        Some(Descriptor::Socket(_) | Descriptor::Door) => "SOCKET".into(),
        None => "?".into(),
    }
}

fn limit(value: u64) -> String {
    if value == u64::MAX { "RLIM64_INFINITY".into() } else { value.to_string() }
}

fn signal_name(number: i32) -> String {
    nix::sys::signal::Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string())
}
