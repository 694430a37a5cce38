//! The scope that all containers of this process are below: systemd is asked for it once, with the first that has limits.

use std::os::fd::RawFd;
use std::sync::{Mutex, PoisonError};

use super::arrange::{Purpose, Systemd};
use super::name::Unit;
use super::scope::{self, Scope, Wanted};
use crate::cgroup::place::Place;
use crate::cgroup::survey::{own_layout, unique_name};
use crate::error::Error;

/// It goes with its last process, and its keeper with this one.
struct Own {
    wanted: Wanted,
    /// Not where this library was loaded before, and made it then.
    scope: Option<Scope>,
}

static OWN: Mutex<Option<Own>> = Mutex::new(None);

/// Has systemd make it, unless it is there.
///
/// # Errors
/// As [`Scope::start`].
pub fn ensure(wanted: &Wanted) -> Result<(), Error> {
    let mut own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    if own.as_ref().is_some_and(|own| own.wanted.folder == wanted.folder && own.wanted.folder.is_dir()) {
        return Ok(());
    }
    // Somebody else may have stopped it.
    drop(own.take());
    let scope = if scope::is_kept(wanted) { None } else { Some(Scope::start(wanted)?) };
    *own = Some(Own { scope, wanted: wanted.clone() });
    Ok(())
}

/// Moves to where a container's cgroup can be entered from: a user's process that is outside of its manager's cgroups, in a
/// session, leads nobody there.
///
/// # Errors
/// As [`Scope::start`].
pub fn reach(place: &Place) -> Result<(), Error> {
    let Some(folder) = place.unified().filter(|_| super::is_users() && super::is_booted()) else { return Ok(()) };
    let layout = own_layout();
    if !super::kept(&layout).is_some_and(|kept| super::is_session(super::unit_of(kept))) {
        return Ok(());
    }
    let Ok(systemd) = super::look(&layout) else { return Ok(()) };
    if !folder.starts_with(&systemd.root) {
        return Ok(());
    }
    let unit = Unit::of_owner(&unique_name(), systemd.is_user)?;
    let folder = systemd.root.join(unit.folder());
    let systemd = Systemd { purpose: Purpose::OwnerInside, ..systemd };
    ensure(&Wanted { unit, systemd, folder, properties: Vec::new() })
}

/// What keeps it, for who is to keep it as well: its keeper's [`super::keeper::Keeper::life`].
pub fn own_life() -> Option<RawFd> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|own| own.scope.as_ref()?.life())
}

/// What is known of systemd by the scope that is there; who has moved into it finds it without.
pub(super) fn known() -> Option<Systemd> {
    let own = OWN.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted = &own.as_ref()?.wanted;
    let is_there = wanted.systemd.purpose == Purpose::Owner && wanted.folder.is_dir();
    is_there.then(|| wanted.systemd.clone())
}
