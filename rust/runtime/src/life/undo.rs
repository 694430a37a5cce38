//! What is known of a container before it is made, for whoever finds it half-made.

use std::os::fd::OwnedFd;

use minicontainer_child::GIVE_UP;

use super::Done;
use super::door;
use super::files::read_regular;
use super::store::{self, Handle};
use crate::cgroup::Place;
use crate::error::Error;

const FILE: &str = "undo.json";
const LARGEST: u64 = 1 << 20;

/// Notes down where a container's cgroup is going to be: all that is made for it is in there, and goes with it.
///
/// # Errors
/// [`Error::System`]
pub(super) fn note(folder: &OwnedFd, cgroup: &Place) -> Result<(), Error> {
    // Who is in it already is not ours to end; it cannot be the container's then.
    if !cgroup.processes().is_ok_and(|processes| processes.is_empty()) {
        return Ok(());
    }
    let text = serde_json::to_string(cgroup).map_err(|error| Error::Internal { message: error.to_string() })?;
    store::write(folder, FILE, &text).map_err(|errno| Error::system("note down the container's cgroup", errno))
}

/// `undo`: ends what there is of a half-made container, and removes its cgroup.
///
/// # Errors
/// [`Error::System`] with what could not be removed.
pub(super) fn undo(Handle { handle }: &Handle) -> Result<Done, Error> {
    let held = store::held(*handle)?;
    // Whoever waits there does so in vain; where nobody does, there is nothing to end.
    let _ = door::knock(held.folder(), GIVE_UP, &mut drop);
    // Its maker had not come so far where there is none.
    let Ok(text) = read_regular(&held.path.join(FILE), LARGEST) else { return Ok(Done {}) };
    let place: Place = serde_json::from_str(&text).map_err(|error| Error::Internal { message: error.to_string() })?;
    place.remove()?;
    Ok(Done {})
}
