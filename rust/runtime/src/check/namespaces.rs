//! Each kind of namespace, by a clone that makes one.

use minicontainer_child::Attempt;
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;

use super::host::{Host, text};
use super::trial::{Refused, Trial};
use super::{Group, Probe};

/// A kind: the probe's name, the kind's name in `/proc/sys/user`, the flag of clone(2), what the kernel must have.
const KINDS: [(&str, &str, CloneFlags, &str); 7] = [
    ("pidNamespace", "pid", CloneFlags::CLONE_NEWPID, "a kernel with CONFIG_PID_NS"),
    ("mountNamespace", "mnt", CloneFlags::CLONE_NEWNS, "a kernel with namespaces"),
    ("utsNamespace", "uts", CloneFlags::CLONE_NEWUTS, "a kernel with CONFIG_UTS_NS"),
    ("ipcNamespace", "ipc", CloneFlags::CLONE_NEWIPC, "a kernel with CONFIG_IPC_NS"),
    ("networkNamespace", "net", CloneFlags::CLONE_NEWNET, "a kernel with CONFIG_NET_NS"),
    ("cgroupNamespace", "cgroup", CloneFlags::CLONE_NEWCGROUP, "Linux 4.6 with CONFIG_CGROUPS"),
    ("timeNamespace", "time", CloneFlags::empty(), "Linux 5.6 with CONFIG_TIME_NS"),
];

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    let kinds = KINDS.iter().map(|(name, kind, flag, needs)| one(host, name, kind, *flag, needs));
    [user(host)].into_iter().chain(kinds).collect()
}

fn user(host: &Host) -> Probe {
    let name = "userNamespace";
    match &host.no_user_namespace {
        None => Probe::works(name, Group::Namespaces, "made, with the user mapped to root"),
        Some(refused) => {
            let remedy = match refused {
                Refused::Kernel { errno, .. } => crate::advice::userns_advice(&host.facts, *errno),
                Refused::UserNamespace => None,
            };
            Probe::fails(name, Group::Namespaces, refused.detail("make a user namespace"), remedy)
        }
    }
}

fn one(host: &Host, name: &'static str, kind: &str, flag: CloneFlags, needs: &str) -> Probe {
    let mut trial = Trial::as_this_user(host, flag);
    if flag.is_empty() {
        // clone(2) has no room for this flag among its signal's bits.
        trial = trial.then("make a time namespace", Attempt::Unshare { flags: libc::CLONE_NEWTIME });
    }
    match trial.run() {
        Ok(()) => {
            let inside = if trial.is_in_user_namespace() { "made, in a user namespace" } else { "made" };
            Probe::works(name, Group::Namespaces, inside)
        }
        Err(refused) => {
            let detail = refused.detail(&format!("make a {kind} namespace"));
            let is_limited = matches!(refused, Refused::Kernel { errno: Errno::ENOSPC, .. });
            let remedy = if is_limited { Some(limit(kind)) } else { refused.remedy(host, needs) };
            Probe::fails(name, Group::Namespaces, detail, remedy)
        }
    }
}

fn limit(kind: &str) -> String {
    let limit = text(&format!("/proc/sys/user/max_{kind}_namespaces"));
    format!("user.max_{kind}_namespaces is {limit}: sysctl -w user.max_{kind}_namespaces=15000 as root")
}
