//! Filesystems and mounts, each in a mount namespace of its own.

use minicontainer_child::{Attempt, CStrRef};
use nix::libc;
use nix::sched::CloneFlags;
use std::ffi::CStr;
use std::os::fd::AsRawFd;

use super::host::Host;
use super::trial::{FOLDER, Refused, Trial};
use super::{Group, Probe};
use crate::launch::probe::open_in;

const API: &str = "Linux 5.2 (fsopen, fsmount, move_mount, open_tree)";
const OVERLAY: &str = "the module overlay: modprobe overlay as root";

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    let own = || Trial::as_this_user(host, CloneFlags::empty()).with_own_mounts();
    let mounted = |name, kind, what, flags, needs| {
        let trial = Trial::as_this_user(host, flags).with_own_mounts().then(what, mount(kind, c""));
        trial.probe(name, Group::Mounts, "mounted", needs)
    };
    let proc = |trial: Trial<'_>, name| {
        let trial = trial.with_own_mounts().then("mount proc", mount(c"proc", c""));
        trial.probe(name, Group::Mounts, "mounted in a PID namespace", "a kernel with CONFIG_PROC_FS")
    };
    let detached = || own().then("mount tmpfs by fsopen", Attempt::DetachedMount { kind: CStrRef::new(c"tmpfs") });
    vec![
        proc(Trial::as_this_user(host, CloneFlags::CLONE_NEWPID), "procMount"),
        proc(Trial::in_user_namespace(host, CloneFlags::CLONE_NEWPID), "procMountInUserNamespace"),
        own()
            .then("mount tmpfs", mount(c"tmpfs", c""))
            .then("change to the new root", Attempt::Chdir { path: FOLDER })
            .then("pivot_root", Attempt::PivotHere)
            .probe("pivotRoot", Group::Mounts, "the root was changed", "a root that is not the initramfs"),
        mounted("tmpfs", c"tmpfs", "mount tmpfs", CloneFlags::empty(), "a kernel with CONFIG_TMPFS"),
        mounted("mqueue", c"mqueue", "mount mqueue", CloneFlags::CLONE_NEWIPC, "a kernel with CONFIG_POSIX_MQUEUE"),
        own().then("mount devpts", mount(c"devpts", c"newinstance,ptmxmode=0666,mode=0620")).probe(
            "devpts",
            Group::Mounts,
            "a new instance was mounted",
            "a kernel with CONFIG_UNIX98_PTYS",
        ),
        overlay(own()).probe("overlay", Group::Mounts, "mounted over tmpfs", OVERLAY),
        overlay(Trial::in_user_namespace(host, CloneFlags::empty()).with_own_mounts()).probe(
            "overlayInUserNamespace",
            Group::Mounts,
            "mounted over tmpfs",
            &format!("Linux 5.11, and {OVERLAY}"),
        ),
        detached()
            .then("move_mount", Attempt::MoveMount { target: FOLDER })
            .then("open_tree", Attempt::CopyMount { path: FOLDER })
            .probe("mountApi", Group::Mounts, "fsopen, fsmount, move_mount, open_tree", API),
        detached().then("mount_setattr", Attempt::MakeReadOnly).probe(
            "mountSetattr",
            Group::Mounts,
            "a mount was made read-only",
            "Linux 5.12",
        ),
        idmapped(host),
    ]
}

fn mount(kind: &'static CStr, data: &'static CStr) -> Attempt<'static> {
    Attempt::Mount {
        kind: CStrRef::new(kind),
        target: FOLDER,
        flags: libc::MS_NOSUID | libc::MS_NOEXEC,
        data: CStrRef::new(data),
    }
}

/// Folders in a tmpfs of its own, and an overlay on one of them.
fn overlay(trial: Trial<'_>) -> Trial<'_> {
    let folders = [c"/proc/lower", c"/proc/upper", c"/proc/work", c"/proc/merged"];
    let trial = folders.into_iter().fold(trial.then("mount tmpfs", mount(c"tmpfs", c"")), |trial, folder| {
        trial.then("make a folder in a new tmpfs", Attempt::MakeFolder { path: CStrRef::new(folder) })
    });
    let attempt = Attempt::Mount {
        kind: CStrRef::new(c"overlay"),
        target: CStrRef::new(c"/proc/merged"),
        flags: 0,
        data: CStrRef::new(c"lowerdir=/proc/lower,upperdir=/proc/upper,workdir=/proc/work"),
    };
    trial.then("mount overlay", attempt)
}

/// Of a tmpfs, and of the root: which filesystems can be is the kernel's to say, and grew with time.
fn idmapped(host: &Host) -> Probe {
    let name = "idmappedMount";
    let fail = |refused: &Refused| {
        let remedy = refused.remedy(host, "Linux 5.12, and 6.3 for tmpfs; or another filesystem");
        Probe::fails(name, Group::Mounts, refused.detail("make the namespaces"), remedy)
    };
    let held = Trial::in_user_namespace(host, CloneFlags::empty())
        .then("open a user namespace", Attempt::Open { path: CStrRef::new(c"/proc/self/ns/user") });
    if host.no_user_namespace.is_some() {
        return fail(&Refused::UserNamespace);
    }
    let namespace = match open_in(held.namespaces, &held.attempts()) {
        Ok(namespace) => namespace,
        Err(refusal) => return fail(&held.in_words(refusal)),
    };
    let own = || Trial::as_this_user(host, CloneFlags::empty()).with_own_mounts();
    let map = Attempt::MapIds { namespace: namespace.as_raw_fd() };
    let tmpfs = own()
        .then("mount tmpfs by fsopen", Attempt::DetachedMount { kind: CStrRef::new(c"tmpfs") })
        .then("map the ids of a tmpfs", map)
        .run();
    let root = own()
        .then("open_tree", Attempt::CopyMount { path: CStrRef::new(c"/") })
        .then("map the ids of the root's filesystem", map)
        .run();
    match (tmpfs, root) {
        (Ok(()), Ok(())) => Probe::works(name, Group::Mounts, "of tmpfs, and of the root's filesystem"),
        (Ok(()), Err(_)) => Probe::works(name, Group::Mounts, "of tmpfs; not of the root's filesystem"),
        (Err(_), Ok(())) => Probe::works(name, Group::Mounts, "of the root's filesystem; not of tmpfs"),
        (Err(refused), Err(_)) => fail(&refused),
    }
}
