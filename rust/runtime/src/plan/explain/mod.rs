//! The plan as data for people: each step with its system call, its arguments, why, and its man page.

mod cgroups;
mod child;
mod mounts;

use minicontainer_child::Step;
use nix::sched::CloneFlags;
use serde::Serialize;

use super::words::{kind_flags, quote, stream_name};
use super::{Afterwards, Descriptor, IdMaps, Passed, Plan};
use crate::network::Device;

/// One step as people read it.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Who does it: `parent` or `child`.
    pub side: &'static str,
    /// The system call.
    pub syscall: &'static str,
    /// Its arguments, as strace would show them.
    pub arguments: Vec<String>,
    /// What it is for.
    pub why: String,
    /// Where the kernel's promise stands.
    pub man_page: &'static str,
}

impl Line {
    fn parent<const N: usize>(call: &'static str, arguments: [&str; N], why: &str, page: &'static str) -> Self {
        Self::new("parent", call, arguments.map(String::from).into(), why, page)
    }

    fn new(
        side: &'static str,
        syscall: &'static str,
        arguments: Vec<String>,
        why: &str,
        man_page: &'static str,
    ) -> Self {
        Self { side, syscall, arguments, why: why.into(), man_page }
    }
}

/// What will happen, in order.
#[must_use]
pub fn explain(plan: &Plan) -> Vec<Line> {
    let mut lines: Vec<Line> = cgroups::made(plan);
    lines.extend(plan.descriptors.iter().map(open));
    lines.push(Line::parent(
        "mmap",
        ["NULL", "STACK_SIZE", "PROT_READ|PROT_WRITE", "MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK"],
        "a stack for the child, with a guard page below it",
        "mmap(2)",
    ));
    lines.push(Line::parent(
        "rt_sigprocmask",
        ["SIG_SETMASK", "~[]"],
        "no handler of this process may run in the child",
        "sigprocmask(2)",
    ));
    lines.push(clone(plan));
    if let IdMaps::ByParent { by_helpers, .. } = plan.id_maps {
        lines.push(map_ids(by_helpers));
    }
    lines.extend(plan.net_devices.iter().map(move_device));
    lines.extend(plan.steps.iter().flat_map(|step| child::lines(plan, *step)));
    lines.push(Line::parent(
        "pidfd_open",
        ["PID", "0"],
        "a handle on the program that no other process can ever take over, as a number could be",
        "pidfd_open(2)",
    ));
    lines.extend(terminal(plan));
    if let Some(timeout) = plan.timeout {
        let time = format!("{timeout:?}");
        lines.push(Line::parent(
            "timerfd_settime",
            ["TIMER", "0", &time],
            "kill the program when its time is up",
            "timerfd_create(2)",
        ));
    }
    lines.push(Line::parent(
        "waitid",
        ["P_PIDFD", "PIDFD", "WEXITED", "RUSAGE"],
        "learn how it ended and what it used; leave no zombie",
        "waitid(2)",
    ));
    if plan.steps.iter().any(|step| matches!(step, Step::SendLayers { .. })) {
        let why = "what was changed in the overlay, folder by folder, beside the one below it";
        lines.push(Line::parent("getdents64", ["UPPER"], why, "getdents(2), kernel: filesystems/overlayfs"));
    }
    lines.extend(cgroups::removed(plan));
    if plan.foreground == Some(Afterwards::Exit) && plan.cgroup.is_none() {
        let why = "this process ends as the program did, unless there is a limit to tell of";
        lines.push(Line::parent("exit_group", ["STATUS"], why, "_exit(2)"));
    }
    lines
}

fn clone(plan: &Plan) -> Line {
    let mut flags = vec!["CLONE_VM".to_string(), "CLONE_VFORK".into()];
    if plan.shares_files() {
        flags.push("CLONE_FILES".into());
    }
    if !plan.namespaces.is_empty() {
        flags.push(kind_flags(plan.namespaces.bits()));
    }
    let entrance = plan.cgroup.as_ref().and_then(|cgroup| cgroup.folders.get(cgroup.clone_into?));
    flags.extend(entrance.map(|_| "CLONE_INTO_CGROUP".to_string()));
    flags.push("SIGCHLD".into());
    let why = if plan.namespaces.contains(CloneFlags::CLONE_NEWPID) {
        "a process that is PID 1 of a new PID namespace; it borrows this process's memory until it executes the program"
    } else {
        "a process; it borrows this process's memory until it executes the program"
    };
    let call = if entrance.is_some() { "clone3" } else { "clone" };
    Line::new("parent", call, vec![flags.join("|")], why, "clone(2), namespaces(7)")
}

fn move_device(device: &Device) -> Line {
    let what = format!("{{RTM_NEWLINK, {:?}, IFLA_NET_NS_FD, IFLA_IFNAME={:?}}}", device.host, device.inside);
    let why = "a device of the host's goes into its network namespace, keeps its lasting addresses, and is brought up";
    Line::parent("sendto", ["NETLINK_ROUTE", &what], why, "rtnetlink(7)")
}

fn open(source: &Descriptor) -> Line {
    match source {
        Descriptor::Null => Line::parent(
            "openat",
            ["AT_FDCWD", "\"/dev/null\"", "O_RDWR|O_CLOEXEC"],
            "an empty stream",
            "open(2), null(4)",
        ),
        Descriptor::PipeIn => Line::parent("pipe2", ["O_CLOEXEC"], "a pipe to the program's stdin", "pipe(2)"),
        Descriptor::PipeOut(stream) => {
            let name = stream_name(i32::try_from(*stream).unwrap_or(i32::MAX));
            Line::parent("pipe2", ["O_CLOEXEC"], &format!("a pipe from the program's {name}"), "pipe(2)")
        }
        Descriptor::Given { number, .. } => Line::parent(
            "fcntl",
            [&number.to_string(), "F_DUPFD_CLOEXEC", "3"],
            "a copy above stderr, so that no stream overwrites another",
            "fcntl(2)",
        ),
        Descriptor::Owner => Line::parent(
            "pidfd_open",
            ["getpid()", "0"],
            "lets the child see whether its owner still lives",
            "pidfd_open(2)",
        ),
        Descriptor::Namespace { path, .. } => Line::parent(
            "openat",
            ["AT_FDCWD", &quote(path), "O_RDONLY|O_CLOEXEC"],
            "a namespace to join; its type is looked at before anything is done",
            "open(2), ioctl_ns(2)",
        ),
        Descriptor::IdsOfMount { .. } => Line::parent(
            "clone",
            ["CLONE_VM|CLONE_NEWUSER|SIGCHLD"],
            "a user namespace whose ids a mount shows",
            "clone(2), user_namespaces(7)",
        ),
        Descriptor::Tree(tree) => Line::parent(
            "open_tree",
            ["AT_FDCWD", &quote(&tree.source), "OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC"],
            match tree.ids {
                Some(_) => "only here may a mount of the host's show other ids, by mount_setattr(2)",
                None => "from here on what is mounted in it is mounted for the host as well",
            },
            "open_tree(2), mount_setattr(2)",
        ),
        Descriptor::CgroupEntrance(path) => Line::parent(
            "openat",
            ["AT_FDCWD", &cgroups::quoted(path), "O_WRONLY|O_CLOEXEC"],
            "the child enters its cgroup by it, in which it counts from its first instruction on",
            "cgroups(7)",
        ),
        Descriptor::ClassEntrance(path) => Line::parent(
            "openat",
            ["AT_FDCWD", &cgroups::quoted(path), "O_WRONLY|O_CLOEXEC"],
            "the child enters a class of service by it, which is made or compared before",
            "kernel: filesystems/resctrl",
        ),
        Descriptor::SpareNetwork => Line::parent(
            "openat",
            ["AT_FDCWD", "\"/proc/thread-self/ns/net\"", "O_RDONLY|O_CLOEXEC"],
            "a network namespace that another thread has made ahead: to make one takes as long as all the rest",
            "network_namespaces(7)",
        ),
        Descriptor::Door => Line::parent(
            "socket",
            ["AF_UNIX", "SOCK_STREAM|SOCK_CLOEXEC", "0"],
            "the container waits at it, and sends its filter's listener to who connects and starts it",
            "socket(2), unix(7)",
        ),
        Descriptor::Socket(passed) => Line::parent(
            "socketpair",
            ["AF_UNIX", "SOCK_SEQPACKET|SOCK_CLOEXEC", "0"],
            match passed {
                Passed::Terminal => "the child sends its terminal through it",
                Passed::Layers => "the child sends the layers of the overlay through it",
                Passed::Listener => "the child sends its filter's listener through it",
            },
            "socketpair(2), unix(7)",
        ),
    }
}

/// What the parent does with the program's own terminal.
fn terminal(plan: &Plan) -> Vec<Line> {
    if plan.terminal_streams().is_none() {
        return Vec::new();
    }
    let mut lines =
        vec![Line::parent("recvmsg", ["SOCKET", "SCM_RIGHTS"], "our side of the program's terminal", "unix(7)")];
    if plan.foreground.is_some() {
        let why = "every key goes to the program's terminal as it is, where our stdin is a terminal";
        lines.push(Line::parent("ioctl", ["0", "TCSETSW", "RAW"], why, "TCSETS(2const), termios(3)"));
    }
    lines
}

/// What the parent does while the child waits.
fn map_ids(by_helpers: bool) -> Line {
    if by_helpers {
        return Line::parent(
            "execve",
            ["\"newuidmap\"", "…"],
            "have ids mapped that the host has set apart for this user, while the child waits; newgidmap too",
            "newuidmap(1), subuid(5)",
        );
    }
    Line::parent(
        "write",
        ["\"/proc/PID/uid_map\"", "…"],
        "map the ids of the user namespace, while the child waits; gid_map too",
        "user_namespaces(7)",
    )
}
