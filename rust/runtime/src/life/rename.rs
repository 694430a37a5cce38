//! Another name for a container.

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Done;
use super::store::{STATE, failed, held, is_id, release, replace};
use crate::error::Error;

/// Which container, and what it is to be called.
#[derive(Deserialize)]
pub(crate) struct Asked {
    handle: u32,
    id: String,
    /// Its state with that name.
    state: Box<RawValue>,
}

/// `store.rename`: gives a container another id, and gives up the handle. Whoever looks at the folder meanwhile goes by
/// its name, so the one rename is what counts.
///
/// # Errors
/// [`Error::System`], of EEXIST where another container has that id; then nothing has changed.
pub(crate) fn rename(Asked { handle, id, state }: &Asked) -> Result<Done, Error> {
    if !is_id(id) {
        return Err(Error::spec("id", format!("{id:?} is no id of a container")));
    }
    let held = held(*handle)?;
    let path = held.path.with_file_name(id);
    let failed = failed("rename the container to", &path);
    match renameat2(AT_FDCWD, &held.path, AT_FDCWD, &path, RenameFlags::RENAME_NOREPLACE) {
        Ok(()) => {}
        Err(Errno::ENOTEMPTY) => return Err(failed(Errno::EEXIST)),
        Err(errno) => return Err(failed(errno)),
    }
    replace(held.folder(), STATE, state.get()).map_err(failed)?;
    release(*handle);
    Ok(Done {})
}
