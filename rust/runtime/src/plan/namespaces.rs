//! Namespaces: made by the clone, or joined; the ids of a user namespace; names, clocks and parameters in them.

use std::ffi::CString;
use std::fmt::Write;

use minicontainer_child::{Part, Step};
use nix::libc;
use nix::sched::CloneFlags;

use super::table::c_string;
use super::{Descriptor, Plan, network};
use crate::error::Error;
use crate::facts::Facts;
use crate::id_ranges::{self, IdMapping};
use crate::spec::{Namespace, NamespaceKind, Spec};

/// Who writes the maps of a new user namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IdMaps {
    /// There is none.
    #[default]
    None,
    /// The child, one id each: it needs no right for its own.
    ByChild,
    /// This process, while the child waits.
    ByParent {
        /// User ids.
        uids: Vec<IdMapping>,
        /// Group ids.
        gids: Vec<IdMapping>,
        /// Whether by `newuidmap(1)` and `newgidmap(1)`, which may what we may not.
        by_helpers: bool,
    },
}

/// The longest name that the kernel takes (`__NEW_UTS_LEN`).
const LONGEST_NAME: usize = 64;

/// Enters the namespaces and sets up what is in them but files.
pub(super) fn enter(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    check(spec, facts)?;
    let mut unshared = 0;
    let joins_user = spec.linux.namespaces.iter().any(|ns| ns.kind == NamespaceKind::User && ns.path.is_some());
    for namespace in spec.linux.namespaces.iter().filter(|namespace| namespace.path.is_none()) {
        // clone(2) has no room for the time namespace's flag; a cgroup namespace has as its root what this process is in,
        // so who enters a cgroup by itself makes it afterwards; what is to belong to a user namespace that is joined is
        // made after that; and one of our own user namespace's networks may have been made ahead.
        let comes_later = match namespace.kind {
            NamespaceKind::Time => true,
            // The first process of one could not clone again.
            NamespaceKind::Pid => has_joined(spec, NamespaceKind::Time),
            NamespaceKind::Cgroup => plan.steps.iter().any(|step| matches!(step, Step::EnterCgroup { .. })),
            _ => false,
        };
        if comes_later || joins_user {
            unshared |= namespace.kind.flag();
        } else if !is_network_ahead(spec, namespace.kind) {
            plan.namespaces |= CloneFlags::from_bits_retain(namespace.kind.flag());
        }
    }
    // Before any change of ids: these files belong to who this process was.
    write_process_files(plan, spec, facts)?;
    if plan.namespaces.contains(CloneFlags::CLONE_NEWUSER) {
        map_ids(plan, spec, facts)?;
    }
    join(plan, spec, |kind| !matches!(kind, NamespaceKind::Time | NamespaceKind::Mount))?;
    if unshared != 0 {
        plan.steps.push(Step::Unshare { flags: unshared });
    }
    offset_clocks(plan, spec)?;
    name_host(plan, spec)?;
    if has_new(spec, NamespaceKind::Network) {
        let step = if is_network_ahead(spec, NamespaceKind::Network) {
            Step::NewNetwork { spare: plan.descriptor(Descriptor::SpareNetwork) }
        } else {
            Step::BringLoopbackUp
        };
        plan.steps.push(step);
    }
    network::move_devices(plan, spec)?;
    set_parameters(plan, spec)?;
    // As late as can be: in a PID namespace that was joined others see this process, before it is the program.
    let copies = has_joined(spec, NamespaceKind::Time);
    if unshared & libc::CLONE_NEWPID != 0 || has_joined(spec, NamespaceKind::Pid) || copies {
        plan.steps.push(Step::CloneAgain { copies });
    }
    join(plan, spec, |kind| kind == NamespaceKind::Time)?;
    // Last of all: what was written before went to the host's procfs, not to what somebody mounted there
    // (CVE-2025-52881).
    join(plan, spec, |kind| kind == NamespaceKind::Mount)
}

/// Whether a namespace of this kind can have been made before it was asked for: networks are dear, and the same for all
/// who have this process's user namespace.
fn is_network_ahead(spec: &Spec, kind: NamespaceKind) -> bool {
    kind == NamespaceKind::Network && !has_user_namespace(spec)
}

/// Whether the spec has a namespace of its own of this kind.
pub(super) fn has_new(spec: &Spec, kind: NamespaceKind) -> bool {
    spec.linux.namespaces.iter().any(|namespace| namespace.kind == kind && namespace.path.is_none())
}

/// Whether the program is in one of this kind that is not this process's.
pub(super) fn has(spec: &Spec, kind: NamespaceKind) -> bool {
    spec.linux.namespaces.iter().any(|namespace| namespace.kind == kind)
}

fn has_joined(spec: &Spec, kind: NamespaceKind) -> bool {
    spec.linux.namespaces.iter().any(|namespace| namespace.kind == kind && namespace.path.is_some())
}

/// Whether the program is in a user namespace other than this process's.
pub(crate) fn has_user_namespace(spec: &Spec) -> bool {
    has(spec, NamespaceKind::User)
}

fn check(spec: &Spec, facts: &Facts) -> Result<(), Error> {
    let namespaces = &spec.linux.namespaces;
    for (index, Namespace { kind, path }) in namespaces.iter().enumerate() {
        if namespaces[..index].iter().any(|earlier| earlier.kind == *kind) {
            return Err(Error::spec(format!("linux.namespaces[{index}].type"), "stands there twice"));
        }
        if path.as_ref().is_some_and(String::is_empty) {
            return Err(Error::spec(format!("linux.namespaces[{index}].path"), "must name a namespace; it is empty"));
        }
    }
    let needs = |field: &str, namespace: &str| {
        Err(Error::spec(field, format!("needs a {namespace} namespace of the container's own, which the spec lacks")))
    };
    let maps_ids = !spec.linux.uid_mappings.is_empty() || !spec.linux.gid_mappings.is_empty();
    if maps_ids && !has_new(spec, NamespaceKind::User) {
        let field = if spec.linux.uid_mappings.is_empty() { "linux.gidMappings" } else { "linux.uidMappings" };
        return needs(field, "new user");
    }
    if spec.hostname.is_some() && !has(spec, NamespaceKind::Uts) {
        return needs("hostname", "UTS");
    }
    if spec.domainname.is_some() && !has(spec, NamespaceKind::Uts) {
        return needs("domainname", "UTS");
    }
    if !spec.linux.time_offsets.is_empty() && !has_new(spec, NamespaceKind::Time) {
        return needs("linux.timeOffsets", "new time");
    }
    if (spec.root.is_some() || !spec.mounts.is_empty()) && !has(spec, NamespaceKind::Mount) && !facts.holds {
        return needs(if spec.root.is_some() { "root" } else { "mounts" }, "mount");
    }
    Ok(())
}

fn write_process_files(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    if let Some(score) = spec.process.oom_score_adj {
        if !(-1000..=1000).contains(&score) {
            return Err(Error::spec("process.oomScoreAdj", format!("must be -1000 to 1000; it is {score}")));
        }
        write_file(plan, "/proc/self/oom_score_adj", &score.to_string());
    }
    let labels = [
        (&spec.process.apparmor_profile, "process.apparmorProfile", facts.has_apparmor, "AppArmor", "exec "),
        (&spec.process.selinux_label, "process.selinuxLabel", facts.has_selinux, "SELinux", ""),
    ];
    for (label, field, is_there, name, prefix) in labels {
        if label.is_empty() {
            continue;
        }
        if !is_there {
            return Err(Error::spec(field, format!("asks for {name}, which this host does not have")));
        }
        let text = c_string(&format!("{prefix}{label}"), || field.into())?;
        let path = if name == "AppArmor" { facts.apparmor_file } else { "/proc/self/attr/exec" };
        let (path, text) = (plan.own_text(path), plan.string(text));
        plan.steps.push(Step::WriteFile { path, text });
    }
    Ok(())
}

fn write_file(plan: &mut Plan, path: &str, text: &str) {
    let (path, text) = (plan.own_text(path), plan.own_text(text));
    plan.steps.push(Step::WriteFile { path, text });
}

/// The maps of a new user namespace, and becoming its root, where it has one.
fn map_ids(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    let given = &spec.linux;
    id_ranges::validate(&given.uid_mappings, "linux.uidMappings")?;
    id_ranges::validate(&given.gid_mappings, "linux.gidMappings")?;
    let (uids, gids) = match (given.uid_mappings.is_empty(), given.gid_mappings.is_empty()) {
        (true, true) => facts.id_mappings.clone(),
        (false, false) => (given.uid_mappings.clone(), given.gid_mappings.clone()),
        (true, false) => return Err(Error::spec("linux.uidMappings", "must stand beside linux.gidMappings")),
        (false, true) => return Err(Error::spec("linux.gidMappings", "must stand beside linux.uidMappings")),
    };
    let is_own = |mappings: &[IdMapping], own| matches!(mappings, [only] if only.size == 1 && only.host_id == own);
    if !facts.may_set_ids && is_own(&uids, facts.uid) && is_own(&gids, facts.gid) {
        write_file(plan, "/proc/self/setgroups", "deny");
        write_file(plan, "/proc/self/uid_map", &id_ranges::map_text(&uids));
        write_file(plan, "/proc/self/gid_map", &id_ranges::map_text(&gids));
        plan.id_maps = IdMaps::ByChild;
        return Ok(());
    }
    plan.steps.push(Step::Sync { part: Part::MapIds });
    let has_root = |mappings: &[IdMapping]| mappings.iter().any(|mapping| mapping.container_id == 0);
    if has_root(&uids) && has_root(&gids) {
        plan.steps.push(Step::SetIds { uid: 0, gid: 0 });
    }
    plan.id_maps = IdMaps::ByParent { uids, gids, by_helpers: !facts.may_set_ids };
    Ok(())
}

/// Joins what is there already of some kinds: the user namespace first, for it gives the right to join the others.
fn join(plan: &mut Plan, spec: &Spec, is_wanted: impl Fn(NamespaceKind) -> bool) -> Result<(), Error> {
    let joined = || {
        let all = spec.linux.namespaces.iter().enumerate();
        let all = all.filter_map(|(index, namespace)| Some((index, namespace.kind, namespace.path.as_ref()?)));
        all.filter(|(_, kind, _)| is_wanted(*kind))
    };
    let is_user = |kind: NamespaceKind| kind == NamespaceKind::User;
    let ordered = joined().filter(|(_, kind, _)| is_user(*kind)).chain(joined().filter(|(_, kind, _)| !is_user(*kind)));
    for (index, kind, path) in ordered {
        let field = format!("linux.namespaces[{index}].path");
        let path: CString = c_string(path, || field.clone())?;
        let namespace = plan.descriptor(Descriptor::Namespace { path, kind: kind.flag(), field });
        plan.steps.push(Step::JoinNamespace { namespace, kind: kind.flag() });
    }
    Ok(())
}

/// `/proc/self/timens_offsets`, time_namespaces(7): once there is a process in it, the clocks stand.
fn offset_clocks(plan: &mut Plan, spec: &Spec) -> Result<(), Error> {
    let mut text = String::new();
    for (clock, offset) in &spec.linux.time_offsets {
        let field = format!("linux.timeOffsets.{clock}");
        if !matches!(clock.as_str(), "monotonic" | "boottime") {
            return Err(Error::spec(field, "must be monotonic or boottime"));
        }
        if offset.nanosecs >= 1_000_000_000 {
            return Err(Error::spec(field, format!("must have nanosecs below 1000000000; it has {}", offset.nanosecs)));
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{clock} {} {}", offset.secs, offset.nanosecs);
    }
    if !text.is_empty() {
        write_file(plan, "/proc/self/timens_offsets", &text);
    }
    Ok(())
}

fn name_host(plan: &mut Plan, spec: &Spec) -> Result<(), Error> {
    for (field, name) in [("hostname", &spec.hostname), ("domainname", &spec.domainname)] {
        let Some(name) = name else { continue };
        if name.len() > LONGEST_NAME {
            return Err(Error::spec(field, format!("must have at most {LONGEST_NAME} bytes; it has {}", name.len())));
        }
        let name = plan.text(name, || field.into())?;
        plan.steps.push(if field == "hostname" { Step::SetHostname { name } } else { Step::SetDomainname { name } });
    }
    Ok(())
}

/// Kernel parameters that belong to a namespace, sysctl(8): which prefix or name belongs to which.
const OF_NAMESPACES: [(&str, NamespaceKind); 8] = [
    ("net.", NamespaceKind::Network),
    ("fs.mqueue.", NamespaceKind::Ipc),
    ("kernel.shm", NamespaceKind::Ipc),
    ("kernel.msg", NamespaceKind::Ipc),
    ("kernel.sem", NamespaceKind::Ipc),
    ("kernel.domainname", NamespaceKind::Uts),
    ("kernel.hostname", NamespaceKind::Uts),
    ("user.", NamespaceKind::User),
];

/// Written through the host's procfs, which shows what belongs to the writer's namespaces, and which the container's
/// files have no part in.
fn set_parameters(plan: &mut Plan, spec: &Spec) -> Result<(), Error> {
    for (name, value) in &spec.linux.sysctl {
        let field = || format!("linux.sysctl.{name}");
        // Either separator is allowed; the first one that stands there is it.
        let slashed = name.find(['.', '/']).is_some_and(|place| name.as_bytes().get(place) == Some(&b'/'));
        let dotted = if slashed { swap_separators(name) } else { name.clone() };
        let owner = OF_NAMESPACES.iter().find(|(prefix, _)| dotted.starts_with(prefix)).map(|(_, kind)| *kind);
        let Some(kind) = owner else {
            return Err(Error::spec(field(), "belongs to no namespace: it would be set for the whole host"));
        };
        if !has(spec, kind) {
            let kind = kind.name();
            return Err(Error::spec(field(), format!("needs a {kind} namespace of the container's own")));
        }
        if dotted == "kernel.hostname" && spec.hostname.is_some() {
            return Err(Error::spec(field(), "conflicts with hostname"));
        }
        let path = swap_separators(&dotted);
        if super::table::components(&path).join("/") != path {
            return Err(Error::spec(field(), "is no name of a parameter"));
        }
        let path = plan.text(&format!("/proc/sys/{path}"), field)?;
        let text = plan.text(value, field)?;
        plan.steps.push(Step::WriteFile { path, text });
    }
    Ok(())
}

/// From `net.ipv4.conf.eth0/1` to `net/ipv4/conf/eth0.1`, and back.
fn swap_separators(name: &str) -> String {
    let swap = |letter| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    name.chars().map(swap).collect()
}

/// `MS_…` for a propagation of the spec's.
pub(super) fn propagation_flags(flag: u64, recursive: bool) -> u64 {
    flag | if recursive { libc::MS_REC } else { 0 }
}
