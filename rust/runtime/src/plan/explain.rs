//! The plan as data for people: each step with its system call, its arguments, why, and its man page.

use minicontainer_child::{Fd, Step};
use nix::sched::CloneFlags;
use serde::Serialize;

use super::words::{list, quote, rlimit_name, stream_name, text};
use super::{Descriptor, Plan};

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
    let mut lines: Vec<Line> = plan.descriptors.iter().map(|source| open(*source)).collect();
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
    lines.extend(plan.steps.iter().map(|step| child(plan, *step)));
    lines.push(Line::parent(
        "pidfd_open",
        ["PID", "0"],
        "a handle on the program that no other process can ever take over, as a number could be",
        "pidfd_open(2)",
    ));
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
    lines
}

fn clone(plan: &Plan) -> Line {
    let mut flags = vec!["CLONE_VM".to_string(), "CLONE_VFORK".into()];
    flags.extend(plan.namespaces.iter_names().map(|(name, _)| name.to_string()));
    flags.push("SIGCHLD".into());
    let why = if plan.namespaces.contains(CloneFlags::CLONE_NEWPID) {
        "a process that is PID 1 of a new PID namespace; it borrows this process's memory until it executes the program"
    } else {
        "a process; it borrows this process's memory until it executes the program"
    };
    Line::new("parent", "clone", vec![flags.join("|")], why, "clone(2), pid_namespaces(7)")
}

fn open(source: Descriptor) -> Line {
    match source {
        Descriptor::Null => Line::parent(
            "openat",
            ["AT_FDCWD", "\"/dev/null\"", "O_RDWR|O_CLOEXEC"],
            "an empty stream",
            "open(2), null(4)",
        ),
        Descriptor::PipeIn => Line::parent("pipe2", ["O_CLOEXEC"], "a pipe to the program's stdin", "pipe(2)"),
        Descriptor::PipeOut(stream) => {
            let name = stream_name(i32::try_from(stream).unwrap_or(i32::MAX));
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
    }
}

fn child(plan: &Plan, step: Step) -> Line {
    let (call, arguments, why, page): (_, Vec<String>, &str, _) = match step {
        Step::ReportIds => ("getpid", vec![], "tell the parent which ids the program sees", "getpid(2)"),
        Step::DieWithOwner { signal, .. } => (
            "prctl",
            vec!["PR_SET_PDEATHSIG".into(), signal_name(signal)],
            "the program ends when its owner does, and in a PID namespace all others with it",
            "PR_SET_PDEATHSIG(2const)",
        ),
        Step::SetRlimit { resource, soft, hard } => (
            "prlimit64",
            vec!["0".into(), rlimit_name(resource), format!("{{soft={soft}, hard={hard}}}")],
            "the limit as it was before Deno raised its own",
            "prlimit(2)",
        ),
        Step::Chdir { path } => ("chdir", vec![text(plan, path)], "where the program starts", "chdir(2)"),
        Step::Dup { from, to } => (
            "dup3",
            vec![descriptor(plan, from), to.to_string(), "0".into()],
            "the program's standard stream",
            "dup(2)",
        ),
        Step::CloseFrom { first } => (
            "close_range",
            vec![first.to_string(), "~0".into(), "0".into()],
            "no descriptor of this process reaches the program",
            "close_range(2)",
        ),
        Step::ResetSignals { keep } => (
            "rt_sigaction",
            vec![if keep == 0 { "1..64".into() } else { format!("1..64 but mask {keep:#x}") }, "SIG_DFL".into()],
            "the program starts with every signal's default action; Deno ignores SIGPIPE",
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
                list(plan, candidates).iter().map(quote).collect::<Vec<_>>().join(" or "),
                format!("[{}]", list(plan, argv).iter().map(quote).collect::<Vec<_>>().join(", ")),
                format!("[{} variables]", list(plan, envp).len()),
            ],
            "become the program",
            "execve(2)",
        ),
    };
    Line::new("child", call, arguments, why, page)
}

fn descriptor(plan: &Plan, fd: Fd) -> String {
    match plan.descriptors.get(fd.0 as usize) {
        Some(Descriptor::Null) => "/dev/null".into(),
        Some(Descriptor::PipeIn | Descriptor::PipeOut(_)) => "PIPE".into(),
        Some(Descriptor::Given { number, .. }) => format!("COPY_OF_{number}"),
        Some(Descriptor::Owner) => "OWNER".into(),
        None => "?".into(),
    }
}

fn signal_name(number: i32) -> String {
    nix::sys::signal::Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string())
}
