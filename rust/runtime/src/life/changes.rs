//! What was changed in a container's overlay, while it is there and afterwards.

use nix::errno::Errno;
use nix::sys::statfs::{OVERLAYFS_SUPER_MAGIC, fstatfs};

use super::root::Container;
use crate::error::Error;
use crate::layers::{Changes, Seen};

/// `changes`: what was added, changed and deleted, by its overlay's layer where that is in a folder; in memory, by what is
/// seen in the overlay.
///
/// # Errors
/// [`Error::System`]: `EINVAL` where it has no overlay, `ENOENT` where that is gone.
pub(crate) fn changes(container: &Container) -> Result<Changes, Error> {
    let refused = |errno, why: &str| Error::refused(format!("tell what {:?} has changed", container.id), errno, why);
    let spec = container.config()?;
    if spec.minicontainer.overlay.is_none() {
        return Err(refused(Errno::EINVAL, "it has no overlay (--overlay, --container-dir)"));
    }
    if let Some(layers) = container.layers(&spec)? {
        return Ok(layers.changes());
    }
    if container.process.is_none() {
        return Err(container.is_gone());
    }
    let merged = container.open(false)?.folder;
    if fstatfs(&merged).map(|found| found.filesystem_type()) != Ok(OVERLAYFS_SUPER_MAGIC) {
        return Err(refused(Errno::EINVAL, "its program has another root by now"));
    }
    Ok(Seen { merged, lower: container.below_overlay(&spec)? }.changes())
}
