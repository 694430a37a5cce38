//! One thing that is tried: the namespaces it happens in, and its steps, each with its words.

use std::os::fd::OwnedFd;

use minicontainer_child::{Attempt, CStrRef};
use nix::errno::Errno;
use nix::libc;
use nix::sched::CloneFlags;

use super::host::Host;
use super::{Group, Probe, mountinfo};
use crate::advice::userns_advice;
use crate::error::{code, reason};
use crate::launch::probe::{Refusal, open_in, try_in};

/// The one folder that every host has to mount on. What is mounted there is seen by the child alone.
pub(super) const FOLDER: CStrRef<'_> = CStrRef::new(c"/proc");

/// Steps that a child takes in namespaces of its own.
pub(super) struct Trial<'h> {
    host: &'h Host,
    namespaces: CloneFlags,
    steps: Vec<(&'static str, Attempt<'h>)>,
}

/// Why a trial ended before its end.
#[derive(Clone, Debug)]
pub(super) enum Refused {
    /// It needs a user namespace, and there is none.
    UserNamespace,
    /// The kernel refused.
    Kernel {
        /// What it refused, as it follows `cannot`; `None`: to make the namespaces.
        what: Option<&'static str>,
        /// What it said.
        errno: Errno,
    },
}

impl<'h> Trial<'h> {
    /// As this user would have it: in a user namespace where nothing else gives the right to the others.
    pub(super) fn as_this_user(host: &'h Host, namespaces: CloneFlags) -> Self {
        if host.status.has_admin() { Self::bare(host, namespaces) } else { Self::in_user_namespace(host, namespaces) }
    }

    /// As root of a user namespace of its own.
    pub(super) fn in_user_namespace(host: &'h Host, namespaces: CloneFlags) -> Self {
        Self::bare(host, namespaces | CloneFlags::CLONE_NEWUSER).mapped(&host.uid_map, &host.gid_map)
    }

    /// In no other namespaces than these, without a step.
    pub(super) fn bare(host: &'h Host, namespaces: CloneFlags) -> Self {
        Self { host, namespaces, steps: Vec::new() }
    }

    /// With these maps, as user_namespaces(7) has them.
    pub(super) fn mapped(self, uid_map: &'h str, gid_map: &'h str) -> Self {
        let write = |path, text: &'h str| Attempt::Write { path: CStrRef::new(path), text: text.as_bytes() };
        self.then("map the user into a user namespace", write(c"/proc/self/uid_map", uid_map))
            .then("give up setgroups in a user namespace", write(c"/proc/self/setgroups", "deny"))
            .then("map the group into a user namespace", write(c"/proc/self/gid_map", gid_map))
    }

    /// With mounts of its own, of which the host sees none.
    pub(super) fn with_own_mounts(mut self) -> Self {
        self.namespaces |= CloneFlags::CLONE_NEWNS;
        self.with_private_mounts()
    }

    /// With no mount that the host could see; the mount namespace is its own already.
    pub(super) fn with_private_mounts(self) -> Self {
        let private = Attempt::Mount {
            kind: CStrRef::NULL,
            target: CStrRef::new(c"/"),
            flags: libc::MS_REC | libc::MS_PRIVATE,
            data: CStrRef::NULL,
        };
        self.then("make the mounts private", private)
    }

    /// One step more; `what` follows `cannot`.
    pub(super) fn then(mut self, what: &'static str, attempt: Attempt<'h>) -> Self {
        self.steps.push((what, attempt));
        self
    }

    pub(super) fn run(&self) -> Result<(), Refused> {
        if self.is_in_user_namespace() && self.host.no_user_namespace.is_some() {
            return Err(Refused::UserNamespace);
        }
        try_in(self.namespaces, &self.attempts()).map_err(|refusal| self.in_words(refusal))
    }

    /// As [`Self::run`], for steps of which the last one opens something.
    pub(super) fn open(&self) -> Result<OwnedFd, Refused> {
        if self.is_in_user_namespace() && self.host.no_user_namespace.is_some() {
            return Err(Refused::UserNamespace);
        }
        open_in(self.namespaces, &self.attempts()).map_err(|refusal| self.in_words(refusal))
    }

    fn attempts(&self) -> Vec<Attempt<'h>> {
        self.steps.iter().map(|(_, attempt)| *attempt).collect()
    }

    fn in_words(&self, Refusal { attempt, errno }: Refusal) -> Refused {
        let what = attempt.and_then(|index| self.steps.get(index)).map(|(what, _)| *what);
        Refused::Kernel { what, errno }
    }

    pub(super) fn is_in_user_namespace(&self) -> bool {
        self.namespaces.contains(CloneFlags::CLONE_NEWUSER)
    }

    /// Runs it, and tells what came of it; `needs` is what the kernel must have.
    pub(super) fn probe(&self, name: &'static str, works: &str, needs: &str) -> Probe {
        match self.run() {
            Ok(()) if self.is_in_user_namespace() => {
                Probe::works(name, Group::Mounts, format!("{works}, in a user namespace"))
            }
            Ok(()) => Probe::works(name, Group::Mounts, works),
            Err(refused) => {
                let detail = refused.detail("make the namespaces");
                Probe::fails(name, Group::Mounts, detail, refused.remedy(self.host, needs))
            }
        }
    }
}

impl Refused {
    /// What was seen; `clone` is what could not be done where the clone failed.
    pub(super) fn detail(&self, clone: &str) -> String {
        match self {
            Self::UserNamespace => "needs a user namespace, which cannot be had".into(),
            Self::Kernel { what, errno } => {
                format!("cannot {}: {} ({})", what.unwrap_or(clone), reason(*errno), code(*errno))
            }
        }
    }

    /// The way out.
    pub(super) fn remedy(&self, host: &Host, needs: &str) -> Option<String> {
        let Self::Kernel { what, errno } = self else {
            return Some("see userNamespace".into());
        };
        if *what == Some("make the mounts private") && *errno == Errno::EINVAL {
            return Some("the root is no mount point, as in a chroot: enter by pivot_root instead".into());
        }
        let is_refused = matches!(errno, Errno::EPERM | Errno::EACCES);
        match *what {
            Some("mount proc") if is_refused && mountinfo::covered_proc(&host.mountinfo).is_some() => {
                mountinfo::covered_proc(&host.mountinfo).map(covered)
            }
            _ if is_refused => {
                userns_advice(&host.facts, *errno).or_else(|| Some("run as root, or with CAP_SYS_ADMIN".into()))
            }
            _ if matches!(errno, Errno::ENOSYS | Errno::ENODEV | Errno::EINVAL) => Some(if host.status.seccomp == 2 {
                format!("needs {needs}, and that no seccomp filter hides it")
            } else {
                format!("needs {needs}")
            }),
            _ => None,
        }
    }
}

/// The kernel's `mount_too_revealing`: a new /proc would show what is covered in the one that is there.
fn covered(path: &str) -> String {
    format!(
        "parts of /proc are covered ({path}), as Docker does: start the outer container with --security-opt \
         systempaths=unconfined (Podman: unmask=ALL), or bind the /proc that is there"
    )
}
