//! Idmapped mounts: which filesystems can be mounted so is the kernel's to say, and grew with time.

use std::os::fd::{AsRawFd, OwnedFd};

use minicontainer_child::{Attempt, CStrRef};
use nix::libc;
use nix::sched::CloneFlags;

use super::host::Host;
use super::trial::{Refused, Trial};
use super::{Group, Probe};

/// Of a tmpfs, and of the root's filesystem.
pub(super) fn probe(host: &Host) -> Probe {
    let name = "idmappedMount";
    let told = |detail| Probe::works(name, Group::Mounts, detail);
    match outcomes(host) {
        Ok((Ok(()), Ok(()))) => told("of tmpfs, and of the root's filesystem"),
        Ok((Ok(()), Err(_))) => told("of tmpfs; not of the root's filesystem"),
        Ok((Err(_), Ok(()))) => told("of the root's filesystem; not of tmpfs"),
        Ok((Err(refused), Err(_))) | Err(refused) => {
            let remedy = refused.remedy(host, "Linux 5.12, and 6.3 for tmpfs; or another filesystem");
            Probe::fails(name, Group::Mounts, refused.detail("make the namespaces"), remedy)
        }
    }
}

type Outcome = Result<(), Refused>;

/// The kernel wants whoever maps to be in charge of both, the filesystem's user namespace and the mapping's.
fn outcomes(host: &Host) -> Result<(Outcome, Outcome), Refused> {
    let outer = Trial::in_user_namespace(host, CloneFlags::empty()).then(OPEN, own_namespace()).open()?;
    if host.status.has_admin() {
        return Ok(both(&outer, || Trial::as_this_user(host, CloneFlags::empty()).with_own_mounts()));
    }
    let joined = || Trial::bare(host, CloneFlags::empty()).then("join a user namespace", join(&outer));
    let inner = joined()
        .then("make a user namespace in another", Attempt::Unshare { flags: libc::CLONE_NEWUSER })
        .mapped("0 0 1\n", "0 0 1\n")
        .then(OPEN, own_namespace())
        .open()?;
    let mounts = Attempt::Unshare { flags: libc::CLONE_NEWNS };
    Ok(both(&inner, || joined().then("make a mount namespace", mounts).with_private_mounts()))
}

const OPEN: &str = "open a user namespace";

fn own_namespace() -> Attempt<'static> {
    Attempt::Open { path: CStrRef::new(c"/proc/self/ns/user") }
}

fn join(namespace: &OwnedFd) -> Attempt<'static> {
    Attempt::Join { namespace: namespace.as_raw_fd() }
}

fn both<'h>(namespace: &OwnedFd, own: impl Fn() -> Trial<'h>) -> (Outcome, Outcome) {
    let map = Attempt::MapIds { namespace: namespace.as_raw_fd() };
    let tmpfs = Attempt::DetachedMount { kind: CStrRef::new(c"tmpfs") };
    let root = Attempt::CopyMount { path: CStrRef::new(c"/") };
    (
        own().then("mount tmpfs by fsopen", tmpfs).then("map the ids of a tmpfs", map).run(),
        own().then("open_tree", root).then("map the ids of the root's filesystem", map).run(),
    )
}
