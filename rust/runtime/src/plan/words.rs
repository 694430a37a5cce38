//! What a step is called when it fails: the child sends numbers, the words are here.

use std::ffi::CString;

use minicontainer_child::{List, Part, Place, Step, Str};
use nix::libc;

use super::{Descriptor, Plan};
use crate::names::{capability, memory_policy, rlimit};

/// What could not be done, as it follows `cannot`: `execute "/bin/true"`.
#[must_use]
pub fn operation(plan: &Plan, step: Step) -> String {
    match step {
        Step::ReportIds => "read the process's ids".into(),
        Step::DieWithOwner { .. } => "bind the program's life to its owner's".into(),

        Step::Monitor { .. } => "start the container's monitor".into(),
        Step::EnterCgroup { file } => match plan.descriptors.get(file.0 as usize) {
            Some(Descriptor::ClassEntrance(path)) => format!("enter its class of service by {}", path.display()),
            Some(Descriptor::CgroupEntrance(path)) => format!("enter its cgroup by {}", path.display()),
            _ => "enter its cgroup".into(),
        },
        Step::Sync { part: Part::MapIds } => "have its ids mapped".into(),
        Step::Sync { part: Part::MoveDevices } => "have network devices moved".into(),
        Step::Sync { part: Part::RunHooks } => "have its hooks run".into(),
        Step::JoinNamespace { namespace, kind } => match plan.descriptors.get(namespace.0 as usize) {
            Some(Descriptor::Namespace { path, .. }) => {
                format!("join the {} namespace {}", kind_name(kind), quote(path))
            }
            _ => format!("join the {} namespace", kind_name(kind)),
        },
        Step::Unshare { flags } => format!("create a {} namespace", kind_name(flags)),
        Step::CloneAgain { copies: true } => "create a process with memory of its own".into(),
        Step::CloneAgain { copies: false } => "create a process in the PID namespace".into(),
        Step::WriteFile { path, text: value } => format!("write {} to {}", text(plan, value), text(plan, path)),
        Step::SetHostname { name } => format!("set the hostname to {}", text(plan, name)),
        Step::SetDomainname { name } => format!("set the domain name to {}", text(plan, name)),
        Step::BringLoopbackUp => "bring up the interface lo".into(),
        Step::NewNetwork { .. } => "create network namespace".into(),

        Step::SetPropagation { .. } => "set the propagation of the mounts".into(),
        Step::OpenRoot { path } => format!("open the root filesystem {}", text(plan, path)),
        Step::KeepRoot => "open the root filesystem".into(),
        Step::MountStage { .. } => "mount a tmpfs for the container's layers".into(),
        Step::BindRoot => "bind the root filesystem".into(),
        Step::OverlayRoot { layer: Some(layer), .. } => {
            format!("mount an overlay with its layer in {}", text(plan, layer))
        }
        Step::SendLayers { .. } => "send the layers of the overlay".into(),
        Step::OverlayRoot { layer: None, .. } => "mount an overlay over the root filesystem".into(),
        Step::Mount(mount) => format!("mount {} on {}", text(plan, mount.kind), place(plan, mount.place)),
        Step::Bind(bind) if bind.is_staged => format!("put a file at {}", place(plan, bind.place)),
        Step::Bind(bind) => format!("bind {} on {}", text(plan, bind.source), place(plan, bind.place)),
        Step::StageFile { .. } => "write a file from memory".into(),
        Step::Mask { path } => format!("mask {}", text(plan, path)),
        Step::Protect { path } => format!("make {} read-only", text(plan, path)),
        Step::MakeNode { place: at, .. } => format!("make the device {}", place(plan, at)),
        Step::BindNode { source, place: at, .. } => {
            format!("bind the device {} on {}", text(plan, source), place(plan, at))
        }
        Step::MakeLink { place: at, .. } => format!("make the link {}", place(plan, at)),
        Step::ProtectRoot { attributes } => format!("make the root {}", root_attributes(attributes)),
        Step::EnterRoot | Step::ChangeRoot { .. } => "enter the root".into(),

        Step::NewSession => "start a session".into(),
        Step::OpenTerminal { .. } => "open a terminal".into(),
        Step::NewKeyring => "join a keyring of its own".into(),
        Step::SetRlimit { resource, soft, hard } => format!("set {} to {soft}:{hard}", rlimit_name(resource)),
        Step::SetScheduler { .. } => "set the scheduler".into(),
        Step::SetMemoryPolicy { mode, .. } => format!("set the memory policy {}", memory_policy::name(mode)),
        Step::SetAffinity { .. } => "set the processors".into(),
        Step::SetIoPriority { .. } => "set the I/O priority".into(),
        Step::SetPersonality { .. } => "set the personality".into(),
        Step::SetUmask { .. } => "set the umask".into(),
        Step::Chdir { path } => format!("change to directory {}", text(plan, path)),
        Step::CheckFolder => "start in a directory outside of the root".into(),
        Step::Hold => "wait to be started".into(),
        Step::CheckProgram { .. } => format!("execute {:?} through a link of procfs", plan.program),

        Step::LimitCapabilities { .. } => "limit the capabilities".into(),
        Step::SetGroups { groups } => {
            let groups = plan.groups.get(groups.0 as usize).map_or(&[][..], Vec::as_slice);
            format!("set the additional groups to {groups:?}")
        }
        Step::SetIds { uid, gid } => format!("become user {uid} and group {gid}"),
        Step::SetCapabilities { .. } => "set the capabilities".into(),
        Step::RaiseAmbient { .. } => "set the ambient capabilities".into(),
        Step::ForbidNewPrivileges => "set no_new_privs".into(),
        Step::RestrictFiles { read_only, read_write, .. } => {
            let paths: Vec<String> = list(plan, read_only).iter().chain(list(plan, read_write)).map(quote).collect();
            format!("restrict the files to {} by Landlock", paths.join(", "))
        }
        Step::InstallFilter { .. } => "install the seccomp filter".into(),

        Step::Dup { from, to } => match plan.descriptors.get(from.0 as usize) {
            Some(Descriptor::Given { number, .. }) => format!("hand on descriptor {number} as {}", stream_name(to)),
            _ => format!("set up {}", stream_name(to)),
        },
        Step::CloseFrom { first, at_exec } => {
            let since = if at_exec { "5.11" } else { "5.9" };
            format!("close the descriptors from {first} on (Linux {since} or later)")
        }
        Step::ResetSignals { .. } => "reset the signals' actions".into(),
        Step::UnblockSignals => "unblock the signals".into(),
        Step::FindProgram { .. } | Step::Exec { .. } => format!("execute {:?}", plan.program),
    }
}

/// A string of the plan in quotes.
pub(super) fn text(plan: &Plan, text: Str) -> String {
    plan.strings.get(text.0 as usize).map_or_else(|| "?".into(), quote)
}

/// A list of the plan.
pub(super) fn list(plan: &Plan, list: List) -> &[CString] {
    plan.lists.get(list.0 as usize).map_or(&[], |list| list)
}

/// A place in the root as the program sees it, in quotes.
pub(super) fn place(plan: &Plan, place: Place) -> String {
    list(plan, place.0)
        .first()
        .map_or_else(|| "?".into(), |path| format!("{:?}", format!("/{}", path.to_string_lossy())))
}

/// A C string in quotes.
pub(super) fn quote(text: &CString) -> String {
    format!("{:?}", text.to_string_lossy())
}

/// What the root becomes.
pub(super) fn root_attributes(attributes: u64) -> &'static str {
    if attributes & libc::MOUNT_ATTR_RDONLY == 0 { "free of devices" } else { "read-only" }
}

/// The field's name of descriptor 0, 1 or 2.
pub(super) fn stream_name(number: i32) -> String {
    match number {
        0 => "stdin".into(),
        1 => "stdout".into(),
        2 => "stderr".into(),
        other => format!("descriptor {other}"),
    }
}

pub(super) fn rlimit_name(resource: u32) -> String {
    rlimit::name(resource).map_or_else(|| format!("resource limit {resource}"), String::from)
}

/// `CLONE_NEW…` by the namespace's name.
const KINDS: [(i32, &str); 8] = [
    (libc::CLONE_NEWPID, "PID"),
    (libc::CLONE_NEWNS, "mount"),
    (libc::CLONE_NEWNET, "network"),
    (libc::CLONE_NEWUTS, "UTS"),
    (libc::CLONE_NEWIPC, "IPC"),
    (libc::CLONE_NEWUSER, "user"),
    (libc::CLONE_NEWCGROUP, "cgroup"),
    (crate::spec::CLONE_NEWTIME, "time"),
];

/// The names of the namespaces that `CLONE_NEW…` flags stand for, with `and` between them.
#[must_use]
pub fn kind_name(flags: i32) -> String {
    let names: Vec<&str> = KINDS.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| *name).collect();
    names.join(" and ")
}

/// The kernel's words for namespaces: `CLONE_NEWPID|CLONE_NEWNS`.
pub(super) fn kind_flags(flags: i32) -> String {
    let words = [
        (libc::CLONE_NEWUSER, "CLONE_NEWUSER"),
        (libc::CLONE_NEWPID, "CLONE_NEWPID"),
        (libc::CLONE_NEWNS, "CLONE_NEWNS"),
        (libc::CLONE_NEWNET, "CLONE_NEWNET"),
        (libc::CLONE_NEWUTS, "CLONE_NEWUTS"),
        (libc::CLONE_NEWIPC, "CLONE_NEWIPC"),
        (libc::CLONE_NEWCGROUP, "CLONE_NEWCGROUP"),
        (crate::spec::CLONE_NEWTIME, "CLONE_NEWTIME"),
    ];
    let words: Vec<&str> = words.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, word)| *word).collect();
    words.join("|")
}

/// A set of capabilities by their names, or what it lacks of all of them, whichever is shorter.
pub(super) fn capability_names(set: u64) -> String {
    let all = (1_u64 << (capability::LAST + 1)) - 1;
    let names = |set: u64| -> Vec<&str> {
        (0..=capability::LAST).filter(|bit| set & (1 << bit) != 0).filter_map(capability::name).collect()
    };
    match set & all {
        0 => "none".into(),
        set if set == all => "all".into(),
        set if set.count_ones() > all.count_ones() / 2 => format!("all but {}", names(all & !set).join(" ")),
        set => names(set).join(" "),
    }
}
