//! A container's cgroup from its making to its removal.

use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::libc;

use super::arrange::{Arrangement, Folder};
use super::devices::attach::attach;
use super::file::{errno, read, read_at_once, write};
use super::members::folders_below;
use super::place::Place;
use super::resources::Write;
use super::stats::Used;
use super::sweep;
use super::systemd::{self, Purpose, Scope};
use crate::error::Error;

/// A cgroup that was made for one program; dropping it ends what is in it and removes it.
#[derive(Debug)]
pub struct Cgroup {
    /// Where it is.
    pub place: Place,
    /// After how much time on processors all of it is killed.
    pub cpu_time: Option<Duration>,
    /// What was made and is there still, in this order: the undoing's list, written before the doing.
    made: Vec<PathBuf>,
    /// The scope that it is in, where systemd has made one; it goes last.
    scope: Option<Scope>,
    /// Whether systemd has made one for this process instead.
    is_in_own_scope: bool,
    /// The folder that the program is cloned into, where that is not the one that is locked.
    entrance: Option<OwnedFd>,
    is_entered_by_lock: bool,
    /// Says that its owner is there, to whoever would remove what nobody owns.
    lock: Option<Flock<File>>,
}

/// Makes the cgroup of an arrangement, with its limits, and nobody in it.
///
/// # Errors
/// [`Error::System`] with what was refused; what had been made is removed again.
pub fn make(arrangement: &Arrangement) -> Result<Cgroup, Error> {
    sweep::once(arrangement);
    let mut cgroup = Cgroup {
        place: arrangement.place.clone(),
        cpu_time: arrangement.cpu_time,
        made: Vec::with_capacity(arrangement.folders.len()),
        scope: arrangement.scope.as_ref().map(systemd::make).transpose()?.flatten(),
        is_in_own_scope: arrangement.scope.as_ref().is_some_and(|scope| scope.systemd.purpose != Purpose::Container),
        entrance: None,
        is_entered_by_lock: false,
        lock: None,
    };
    for folder in &arrangement.folders {
        cgroup.make_folder(folder, arrangement.is_named)?;
    }
    if let Some(first) = arrangement.folders.first().filter(|_| !arrangement.is_named) {
        cgroup.lock = Some(lock(&first.path)?);
    }
    set(arrangement.writes.iter().filter_map(|(index, write)| Some((&arrangement.folders.get(*index)?.path, write))))?;
    if let Some(policy) = &arrangement.devices
        && let Some(folder) = arrangement.folders.iter().find(|folder| folder.is_unified)
    {
        attach(open_folder(&folder.path)?.as_fd(), policy)?;
    }
    cgroup.is_entered_by_lock = cgroup.lock.is_some() && arrangement.clone_into == Some(0);
    let clone_into = arrangement.clone_into.filter(|_| !cgroup.is_entered_by_lock);
    if let Some(folder) = clone_into.and_then(|index| arrangement.folders.get(index)) {
        cgroup.entrance = Some(open_folder(&folder.path)?.into());
    }
    Ok(cgroup)
}

impl Cgroup {
    /// The cgroup of a container, for a further program of that; it stays.
    ///
    /// # Errors
    /// [`Error::System`] where it is gone.
    pub fn of_container(place: &Place) -> Result<Self, Error> {
        systemd::reach(place)?;
        let entrance = place.unified().map(open_folder).transpose()?.map(OwnedFd::from);
        Ok(Self {
            place: place.clone(),
            cpu_time: None,
            made: Vec::new(),
            scope: None,
            is_in_own_scope: false,
            entrance,
            is_entered_by_lock: false,
            lock: None,
        })
    }

    /// The folder that the program is cloned into, where it does not enter by itself.
    #[must_use]
    pub fn entrance(&self) -> Option<BorrowedFd<'_>> {
        let lock = self.lock.as_deref().filter(|_| self.is_entered_by_lock);
        self.entrance.as_ref().map(AsFd::as_fd).or(lock.map(AsFd::as_fd))
    }

    /// What a monitor has open for as long as it wants to know what was used here, where systemd would forget it.
    #[must_use]
    pub fn keeper(&self) -> Option<RawFd> {
        self.scope.as_ref().map_or_else(|| self.is_in_own_scope.then(systemd::own_life).flatten(), Scope::life)
    }

    /// The file that tells how often memory ran out, for who is to read it at the end; nothing where it cannot be opened.
    #[must_use]
    pub fn memory_events(&self) -> Option<OwnedFd> {
        File::open(self.place.memory_events()?).ok().map(OwnedFd::from)
    }

    /// Closes what was needed to enter.
    pub fn entered(&mut self) {
        self.entrance = None;
        self.is_entered_by_lock = false;
    }

    fn make_folder(&mut self, folder: &Folder, is_named: bool) -> Result<(), Error> {
        if let Some(room) = &folder.waiting_room {
            self.make_one(room)?;
            write(&room.join("cgroup.procs"), "0").map_err(|errno| failed("leave this process's own cgroup", errno))?;
            // We are in it now, for as long as we live.
            self.made.retain(|path| path != room);
        }
        // Who removes what it had made on the way to its own may remove it before something of ours is there.
        let mut attempts = 0;
        loop {
            match self.make_way(folder, is_named) {
                Err(Error::System { errno, .. }) if errno == Errno::ENOENT as i32 && attempts < 3 => attempts += 1,
                result => return result,
            }
        }
    }

    fn make_way(&mut self, folder: &Folder, is_named: bool) -> Result<(), Error> {
        let below: Vec<_> = folder.path.ancestors().take_while(|path| **path != folder.base).collect();
        let mut parent = folder.base.as_path();
        for (depth, path) in below.iter().rev().enumerate() {
            if folder.is_unified {
                hand_down(parent, &folder.controllers)?;
            }
            let is_last = depth + 1 == below.len();
            let is_new = self.make_one(path)?;
            if is_last && !is_new && !(is_named && is_empty(path)) {
                let operation = format!("make the cgroup {}: processes are in it", path.display());
                return Err(Error::system(operation, Errno::EBUSY));
            }
            if is_last && !is_new {
                // It was left for us, and goes with us.
                self.made.push(path.to_path_buf());
            }
            if folder.is_cpuset {
                inherit_cpuset(parent, path)?;
            }
            parent = path;
        }
        Ok(())
    }

    /// Leaves it to itself: it stays for as long as somebody knows its place, and its scope for a monitor that has what
    /// keeps it; the pidfd of that, which is our child.
    #[must_use]
    pub fn leave(mut self, is_monitored: bool) -> (Place, Option<OwnedFd>) {
        self.made.clear();
        let keeper = self.scope.take().and_then(|scope| scope.leave(is_monitored));
        (self.place.clone(), keeper)
    }

    /// Whether it was not there.
    fn make_one(&mut self, path: &Path) -> Result<bool, Error> {
        self.made.push(path.to_path_buf());
        match fs::create_dir(path) {
            Ok(()) => Ok(true),
            Err(error) => {
                self.made.pop();
                if errno(&error) == Errno::EEXIST {
                    return Ok(false);
                }
                Err(failed(&format!("make the cgroup {}", path.display()), errno(&error)))
            }
        }
    }

    /// Whether it was made for one program, rather than for a container that the program is in beside others.
    #[must_use]
    pub fn is_its_own(&self) -> bool {
        !self.made.is_empty()
    }

    /// What was used; afterwards removes the cgroup, where nobody is left in it. Where somebody is, [`Cgroup::remove`] has
    /// to end them, which can take a moment.
    pub fn finish(&mut self) -> (Used, bool) {
        let used = self.place.used();
        (used, self.remove_empty().is_ok())
    }

    /// Ends what is left in it and removes it.
    ///
    /// # Errors
    /// What could not be removed; all the others are.
    pub fn remove(&mut self) -> Result<(), Error> {
        if self.remove_empty().is_ok() {
            return Ok(());
        }
        let ended = self.place.kill_all();
        self.remove_empty().map_err(|(path, errno)| {
            let error = failed(&format!("remove the cgroup {}", path.display()), errno);
            if ended == Ok(false) { error.with_advice("processes in it do not end") } else { error }
        })
    }

    fn remove_empty(&mut self) -> Result<(), (PathBuf, Errno)> {
        let folders = self.place.folders().into_iter().map(Path::to_path_buf).collect::<Vec<_>>();
        let mut first_failure = None;
        if self.is_in_own_scope {
            let scopes = self.place.scopes_of_ours();
            self.made.retain(|path| !scopes.contains(path));
            self.made.splice(0..0, scopes);
        }
        for path in std::mem::take(&mut self.made).into_iter().rev() {
            // What the program has made in its own cgroup goes with it; what others have made in a folder on the way to
            // it does not.
            let is_ours = folders.contains(&path);
            match if is_ours { remove_tree(&path) } else { remove_folder(&path) } {
                Err(errno) if is_ours => {
                    self.made.insert(0, path.clone());
                    first_failure.get_or_insert((path, errno));
                }
                Err(_) if first_failure.is_some() => self.made.insert(0, path),
                _ => {}
            }
        }
        first_failure.map_or(Ok(()), Err)
    }
}

impl Place {
    /// Ends what is in a cgroup that was left to itself, and removes it; one that is gone is removed.
    ///
    /// # Errors
    /// [`Error::System`] with what could not be removed.
    pub fn remove(&self) -> Result<(), Error> {
        self.remove_folders()?;
        let Some(unit) = &self.unit else { return Ok(()) };
        systemd::scope::stop(unit, systemd::is_users())?;
        // Those that systemd has no use for are ours; those that it has, it may just be making anew.
        self.scopes_of_ours().iter().try_for_each(|scope| match remove_folder(scope) {
            Ok(()) | Err(Errno::EBUSY) => Ok(()),
            Err(errno) => Err(failed(&format!("remove the cgroup {}", scope.display()), errno)),
        })
    }

    fn remove_folders(&self) -> Result<(), Error> {
        let is_removed =
            || self.folders().into_iter().try_for_each(|path| remove_tree(path).map_err(|errno| (path, errno)));
        if is_removed().is_ok() {
            return Ok(());
        }
        let ended = self.kill_all();
        is_removed().map_err(|(path, errno)| {
            let error = failed(&format!("remove the cgroup {}", path.display()), errno);
            if ended == Ok(false) { error.with_advice("processes in it do not end") } else { error }
        })
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        // Who is to hear of a failure calls `remove`.
        let _ = self.remove();
    }
}

/// Writes settings. What depends on another (memory and swap together, a quota and its period) is tried once more after
/// all others.
///
/// # Errors
/// [`Error::System`] with the file and what was refused.
pub fn set<'w>(writes: impl Iterator<Item = (&'w PathBuf, &'w Write)>) -> Result<(), Error> {
    let refused: Vec<_> = writes.filter(|(folder, write)| set_one(folder, write).is_err()).collect();
    refused.into_iter().try_for_each(|(folder, write)| set_one(folder, write))
}

fn set_one(folder: &Path, setting: &Write) -> Result<(), Error> {
    let mut missing = None;
    for (file, text) in &setting.files {
        let path = folder.join(file);
        match write(&path, text) {
            Err(Errno::ENOENT) => missing = Some(path),
            Ok(()) => return Ok(()),
            Err(errno) => {
                let error = failed(&format!("write {text:?} to {}", path.display()), errno);
                return Err(error.with_advice(&format!("{} asks for it", setting.field)));
            }
        }
    }
    match missing {
        Some(path) if !setting.is_optional => Err(Error::Unsupported {
            feature: setting.field.clone(),
            needs: format!(
                "the file {}, which this kernel does not have or this cgroup was not handed",
                path.display()
            ),
        }),
        _ => Ok(()),
    }
}

/// Hands controllers down to what is below a cgroup, those that are not yet.
fn hand_down(folder: &Path, controllers: &[String]) -> Result<(), Error> {
    let control = folder.join("cgroup.subtree_control");
    let enabled = read_at_once(&control).map_err(|errno| failed(&format!("read {}", control.display()), errno))?;
    let missing = controllers.iter().filter(|name| !enabled.split_whitespace().any(|other| other == *name));
    let text = missing.map(|name| format!("+{name}")).collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Ok(());
    }
    // The kernel would take some controllers all the same, and let no process into what is below then.
    let is_root = !folder.join("cgroup.type").exists();
    let is_busy = !is_root && read(&folder.join("cgroup.procs")).is_ok_and(|processes| !processes.is_empty());
    let written = if is_busy { Err(Errno::EBUSY) } else { write(&control, &text) };
    written.map_err(|errno| {
        let error = failed(&format!("write {text:?} to {}", control.display()), errno);
        match errno {
            Errno::EBUSY => error.with_advice("processes are in that cgroup itself: version 2 wants them below it"),
            _ => error,
        }
    })
}

/// A new cpuset of version 1 is empty, and nobody can enter it.
fn inherit_cpuset(parent: &Path, path: &Path) -> Result<(), Error> {
    for name in ["cpuset.cpus", "cpuset.mems"] {
        let is_filled_in = read(&path.join(name)).is_ok_and(|text| !text.trim().is_empty());
        if !is_filled_in {
            let text = read(&parent.join(name)).unwrap_or_default();
            write(&path.join(name), text.trim())
                .map_err(|errno| failed(&format!("fill in {}", path.join(name).display()), errno))?;
        }
    }
    Ok(())
}

fn is_empty(folder: &Path) -> bool {
    read(&folder.join("cgroup.procs")).is_ok_and(|text| text.is_empty()) && folders_below(folder).is_empty()
}

/// Removes a cgroup and all below it; one that is gone is removed.
pub(super) fn remove_tree(folder: &Path) -> Result<(), Errno> {
    match remove_folder(folder) {
        Err(Errno::EBUSY) => {
            let below = folders_below(folder);
            if below.is_empty() {
                return Err(Errno::EBUSY);
            }
            for path in below {
                remove_tree(&path)?;
            }
            remove_folder(folder)
        }
        result => result,
    }
}

pub(super) fn remove_folder(folder: &Path) -> Result<(), Errno> {
    match fs::remove_dir(folder).map_err(|error| errno(&error)) {
        Err(Errno::ENOENT) => Ok(()),
        result => result,
    }
}

fn open_folder(path: &Path) -> Result<File, Error> {
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_DIRECTORY | libc::O_CLOEXEC).open(path);
    opened.map_err(|error| failed(&format!("open the cgroup {}", path.display()), errno(&error)))
}

fn lock(path: &Path) -> Result<Flock<File>, Error> {
    let locked = Flock::lock(open_folder(path)?, FlockArg::LockSharedNonblock);
    locked.map_err(|(_, errno)| failed(&format!("lock the cgroup {}", path.display()), errno))
}

pub(super) fn failed(operation: &str, errno: Errno) -> Error {
    let error = Error::system(operation, errno);
    match errno {
        Errno::EACCES | Errno::EPERM => error.with_advice("run as root, or in a cgroup that is delegated to you"),
        Errno::EROFS => {
            error.with_advice("it is mounted read-only, as in Docker: start the outer container with --privileged")
        }
        _ => error,
    }
}
