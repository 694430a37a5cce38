//! Filesystems and mounts, each in a mount namespace of its own.

use std::ffi::CStr;

use minicontainer_child::{Attempt, CStrRef};
use nix::libc;
use nix::sched::CloneFlags;

use super::host::Host;
use super::trial::{FOLDER, Trial};
use super::{Probe, idmapped};

const API: &str = "Linux 5.2 (fsopen, fsmount, move_mount, open_tree)";
const OVERLAY: &str = "the module overlay: modprobe overlay as root";

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    let own = || Trial::as_this_user(host, CloneFlags::empty()).with_own_mounts();
    let mounted = |name, kind, what, flags, needs| {
        let trial = Trial::as_this_user(host, flags).with_own_mounts().then(what, mount(kind, c""));
        trial.probe(name, "mounted", needs)
    };
    let proc = |trial: Trial<'_>, name| {
        let trial = trial.with_own_mounts().then("mount proc", mount(c"proc", c""));
        trial.probe(name, "mounted in a PID namespace", "a kernel with CONFIG_PROC_FS")
    };
    let detached = || own().then("mount tmpfs by fsopen", Attempt::DetachedMount { kind: CStrRef::new(c"tmpfs") });
    vec![
        proc(Trial::as_this_user(host, CloneFlags::CLONE_NEWPID), "procMount"),
        proc(Trial::in_user_namespace(host, CloneFlags::CLONE_NEWPID), "procMountInUserNamespace"),
        own()
            .then("mount tmpfs", mount(c"tmpfs", c""))
            .then("change to the new root", Attempt::Chdir { path: FOLDER })
            .then("pivot_root", Attempt::PivotHere)
            .probe("pivotRoot", "the root was changed", "a root that is not the initramfs"),
        mounted("tmpfs", c"tmpfs", "mount tmpfs", CloneFlags::empty(), "a kernel with CONFIG_TMPFS"),
        mounted("mqueue", c"mqueue", "mount mqueue", CloneFlags::CLONE_NEWIPC, "a kernel with CONFIG_POSIX_MQUEUE"),
        own().then("mount devpts", mount(c"devpts", c"newinstance,ptmxmode=0666,mode=0620")).probe(
            "devpts",
            "a new instance was mounted",
            "a kernel with CONFIG_UNIX98_PTYS",
        ),
        overlay(own()).probe("overlay", "mounted over tmpfs", OVERLAY),
        overlay(Trial::in_user_namespace(host, CloneFlags::empty()).with_own_mounts()).probe(
            "overlayInUserNamespace",
            "mounted over tmpfs",
            &format!("Linux 5.11, and {OVERLAY}"),
        ),
        detached()
            .then("move_mount", Attempt::MoveMount { target: FOLDER })
            .then("open_tree", Attempt::CopyMount { path: FOLDER })
            .probe("mountApi", "fsopen, fsmount, move_mount, open_tree", API),
        detached().then("mount_setattr", Attempt::MakeReadOnly).probe(
            "mountSetattr",
            "a mount was made read-only",
            "Linux 5.12",
        ),
        idmapped::probe(host),
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
