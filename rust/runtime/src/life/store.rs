//! Where containers are kept: `<root>/<id>/`, with `state.json`, and `config.json` as it was when they were made.
//!
//! A folder appears and disappears by one rename, so nobody sees half of one. Who changes a container holds a lock on its
//! folder (flock(2)), which ends with the process that took it; a look takes none. What a killed process left of making or
//! removing one has a name that no container can have, and is swept away by the next.

mod disk;

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg, OFlag, open as open_file};
use nix::sys::stat::{Mode, fstat};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Done;
use super::ended::of_folder;
use super::files::read_regular;
use crate::error::Error;
use crate::spec::Spec;

use disk::sync;
pub(super) use disk::{failed, io_failed, replace, write};

/// What stands in a container's folder.
pub(super) const STATE: &str = "state.json";
const CONFIG: &str = "config.json";
const START: &str = "start";

/// What a state may hold; it is ours, so this is only against a foreign file.
const LARGEST_STATE: u64 = 4 << 20;

/// What an id may have at most, and so a folder's name with what a killed process leaves.
const LONGEST_ID: usize = 1024;

/// In front of a name that is being made or removed: no id can have it.
const PASSING: char = '~';

/// So often another process may be quicker than us at one id; then it is no accident.
const TRIES: u32 = 64;

/// A container that this process has locked, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    /// Its folder, absolute.
    pub(crate) path: PathBuf,
    lock: Flock<OwnedFd>,
}

impl Held {
    /// Its configuration, as it was when it was made.
    ///
    /// # Errors
    /// [`Error::System`] where it cannot be read.
    pub(crate) fn config(&self) -> Result<Spec, Error> {
        Spec::parse(read_regular(&self.path.join(CONFIG), super::files::LARGEST_CONFIG)?.as_bytes())
    }

    /// Changes its state.
    ///
    /// # Errors
    /// [`Error::System`]; then the state is as it was.
    pub(super) fn save(&self, state: &str) -> Result<(), Error> {
        replace(self.folder(), STATE, state).map_err(failed("write the state of", &self.path))
    }

    /// As [`Held::save`], of a container that is made now: its configuration lasts from now on, too.
    ///
    /// # Errors
    /// As [`Held::save`].
    pub(super) fn save_made(&self, state: &str) -> Result<(), Error> {
        sync(self.folder(), CONFIG).map_err(failed("write the config of", &self.path))?;
        self.save(state)
    }

    /// Its folder, open.
    pub(crate) fn folder(&self) -> &OwnedFd {
        &self.lock
    }
}

static HELD: Mutex<Option<HashMap<u32, Arc<Held>>>> = Mutex::new(None);
static NEXT: AtomicU32 = AtomicU32::new(1);

/// The container that a handle stands for.
///
/// # Errors
/// [`Error::Internal`] where it stands for none.
pub(crate) fn held(handle: u32) -> Result<Arc<Held>, Error> {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let found = held.as_ref().and_then(|held| held.get(&handle)).map(Arc::clone);
    found.ok_or_else(|| Error::Internal { message: format!("there is no container of handle {handle}") })
}

fn hold(held: Held) -> u32 {
    let handle = NEXT.fetch_add(1, Ordering::Relaxed);
    HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(handle, Arc::new(held));
    handle
}

pub(super) fn release(handle: u32) -> Option<Arc<Held>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(|held| held.remove(&handle))
}

/// Which container.
#[derive(Deserialize)]
pub(crate) struct Place {
    root: PathBuf,
    id: String,
}

/// A new container.
#[derive(Deserialize)]
pub(crate) struct New {
    #[serde(flatten)]
    place: Place,
    state: Box<RawValue>,
    config: Option<Box<RawValue>>,
}

/// A container that was found.
#[derive(Serialize)]
pub(crate) struct Found {
    folder: PathBuf,
    /// Absent where the file is damaged.
    state: Option<Box<RawValue>>,
    /// Whether it waits to be started: the socket for that is there.
    waits: bool,
    /// How it ended, where a monitor has noted that down.
    exit: Option<Box<RawValue>>,
}

/// A container that was locked.
#[derive(Serialize)]
pub(crate) struct Locked {
    /// What the other calls name it by; absent where another process has it locked.
    handle: Option<u32>,
}

/// A container's handle.
#[derive(Deserialize)]
pub(crate) struct Handle {
    pub(super) handle: u32,
}

/// What a container's state is to be.
#[derive(Deserialize)]
pub(crate) struct Change {
    handle: u32,
    state: Box<RawValue>,
}

/// Which folder holds containers.
#[derive(Deserialize)]
pub(crate) struct Root {
    root: PathBuf,
}

/// One of the containers of a root.
#[derive(Serialize)]
pub(crate) struct Entry {
    id: String,
    state: Option<Box<RawValue>>,
    waits: bool,
    exit: Option<Box<RawValue>>,
}

/// `store.create`: makes a container's folder, locked, with its first state.
///
/// # Errors
/// [`Error::System`], of EEXIST where there is one of that id.
pub(crate) fn create(New { place, state, config }: &New) -> Result<Locked, Error> {
    let path = place.path()?;
    make_root(&place.root)?;
    sweep(&place.root);
    let (passing, lock) = Passing::make(place)?;
    write(&lock, STATE, state.get()).map_err(failed("write the state of", &path))?;
    if let Some(config) = config {
        write(&lock, CONFIG, config.get()).map_err(failed("write the config of", &path))?;
    }
    passing.settle(&path)?;
    Ok(Locked { handle: Some(hold(Held { path, lock })) })
}

/// `store.open`: locks a container; no handle where another has it locked, for this does not wait.
///
/// # Errors
/// [`Error::System`], of ENOENT where there is none.
pub(crate) fn open(place: &Place) -> Result<Locked, Error> {
    let path = place.path()?;
    for _ in 0..TRIES {
        let folder = open_folder(&path).map_err(failed("open", &path))?;
        let Some(lock) = try_lock(folder).map_err(failed("lock", &path))? else {
            return Ok(Locked { handle: None });
        };
        // It may have been removed between the two, and another one made.
        if is_at(&lock, &path) {
            return Ok(Locked { handle: Some(hold(Held { path, lock })) });
        }
    }
    Err(failed("lock", &path)(Errno::EAGAIN))
}

/// `store.read`: a look at a container.
///
/// # Errors
/// [`Error::System`], of ENOENT where there is none.
pub(crate) fn read(place: &Place) -> Result<Found, Error> {
    let path = place.path()?;
    Ok(Found { state: state_of(&path)?, waits: waits(&path), exit: of_folder(&path), folder: path })
}

/// `store.save`: changes a container's state.
///
/// # Errors
/// [`Error::System`]; then the state is as it was.
pub(crate) fn save(Change { handle, state }: &Change) -> Result<Done, Error> {
    held(*handle)?.save(state.get()).map(|()| Done {})
}

/// `store.remove`: removes a container's folder, and gives up the handle.
///
/// # Errors
/// [`Error::System`]
pub(crate) fn removed(Handle { handle }: &Handle) -> Result<Done, Error> {
    remove(*handle).map(|()| Done {})
}

/// As [`removed`].
pub(super) fn remove(handle: u32) -> Result<(), Error> {
    let held = held(handle)?;
    let passing = passing_name(&held.path);
    fs::rename(&held.path, &passing).map_err(io_failed("remove", &held.path))?;
    release(handle);
    fs::remove_dir_all(&passing).map_err(io_failed("remove", &passing))
}

/// `store.close`: gives up a handle, and with it the lock; nothing where it was given up before.
pub(crate) fn close(Handle { handle }: &Handle) -> Done {
    release(*handle);
    Done {}
}

/// `store.list`: the containers of a root, by their ids.
///
/// # Errors
/// [`Error::System`] where the root is there and cannot be read.
pub(crate) fn list(Root { root }: &Root) -> Result<Vec<Entry>, Error> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_failed("list", root)(error)),
    };
    sweep(root);
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let found = names.filter(|name| is_id(name)).filter_map(|id| {
        // Nothing of ours where there is no state, and removed meanwhile where there is none any more.
        let folder = root.join(&id);
        let state = state_of(&folder).ok()?;
        Some(Entry { id, state, waits: waits(&folder), exit: of_folder(&folder) })
    });
    let mut found: Vec<Entry> = found.collect();
    found.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(found)
}

impl Place {
    pub(super) fn path(&self) -> Result<PathBuf, Error> {
        if is_id(&self.id) && self.root.is_absolute() {
            return Ok(self.root.join(&self.id));
        }
        Err(Error::spec("id", format!("{:?} is no id of a container", self.id)))
    }
}

/// What stands for one path component and nothing else; TypeScript says what is wrong with another.
pub(super) fn is_id(id: &str) -> bool {
    let is_dots = id == "." || id == "..";
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_+.-".contains(&byte);
    !id.is_empty() && id.len() <= LONGEST_ID && !is_dots && id.bytes().all(is_known)
}

/// A folder that is being made, which is removed unless it gets its name.
struct Passing(Option<PathBuf>);

impl Passing {
    fn make(place: &Place) -> Result<(Self, Flock<OwnedFd>), Error> {
        for _ in 0..TRIES {
            let path = passing_name(&place.root.join(&place.id));
            DirBuilder::new().mode(0o700).create(&path).map_err(io_failed("make", &path))?;
            let passing = Self(Some(path.clone()));
            match open_folder(&path).and_then(try_lock) {
                Ok(Some(lock)) if is_at(&lock, &path) => return Ok((passing, lock)),
                // Somebody who sweeps was quicker.
                Ok(_) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(failed("lock", &path)(errno)),
            }
        }
        Err(failed("make", &place.root.join(&place.id))(Errno::EAGAIN))
    }

    /// Gives it its name, for all to see: fails where something has that.
    fn settle(mut self, path: &Path) -> Result<(), Error> {
        // rename(2) puts a folder in the place of an empty one, and no container's is.
        match self.0.as_deref().map(|from| fs::rename(from, path)) {
            Some(Err(error)) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                Err(failed("make", path)(Errno::EEXIST))
            }
            Some(Err(error)) => Err(io_failed("make", path)(error)),
            Some(Ok(())) | None => {
                self.0 = None;
                Ok(())
            }
        }
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// A name beside a container's own, of nobody else's.
fn passing_name(path: &Path) -> PathBuf {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!("{PASSING}{}-{number}", std::process::id()))
}

/// Removes what killed processes have left, as far as it can be removed: whoever is at one has it locked.
fn sweep(root: &Path) {
    let names = fs::read_dir(root).into_iter().flatten().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    for name in names.filter(|name| name.starts_with(PASSING)) {
        let path = root.join(name);
        if let Ok(Some(_lock)) = open_folder(&path).and_then(try_lock) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

fn make_root(root: &Path) -> Result<(), Error> {
    DirBuilder::new().mode(0o700).recursive(true).create(root).map_err(io_failed("make", root))
}

pub(super) fn open_folder(path: &Path) -> Result<OwnedFd, Errno> {
    open_file(path, OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC, Mode::empty())
}

/// The lock, or none where another has it.
fn try_lock(folder: OwnedFd) -> Result<Option<Flock<OwnedFd>>, Errno> {
    match Flock::lock(folder, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, errno)) => Err(errno),
    }
}

/// Whether a folder that was opened is what its path leads to.
fn is_at(folder: &OwnedFd, path: &Path) -> bool {
    let found = fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()));
    let opened = fstat(folder).map(|opened| (opened.st_dev, opened.st_ino));
    matches!((found, opened), (Ok(found), Ok(opened)) if found == opened)
}

/// The state in a folder; none where the file is no JSON.
fn state_of(folder: &Path) -> Result<Option<Box<RawValue>>, Error> {
    let path = folder.join(STATE);
    let text = read_regular(&path, LARGEST_STATE).map_err(|error| match error {
        // No folder and a folder without a state are the same: no container.
        Error::System { errno, .. } if errno == Errno::ENOTDIR as i32 => failed("open", folder)(Errno::ENOENT),
        error => error,
    })?;
    Ok(RawValue::from_string(text).ok())
}

/// Whether there is a socket in a folder for starting its container.
fn waits(folder: &Path) -> bool {
    fs::symlink_metadata(folder.join(START)).is_ok()
}

#[cfg(test)]
mod tests;
