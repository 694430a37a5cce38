//! The processes of a cgroup: who they are, and how they are ended, stopped and let go on.

use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;

use super::file::{number_of, read, wait_for, write};
use super::place::Place;
use crate::launch::wait::{pidfd_of, send_signal};
use crate::poll::{readable, wait_for_any};

/// How long the kernel may take to stop or end what is there: what sleeps in it without a way out is not waited for.
const PATIENCE: Duration = Duration::from_secs(10);

impl Place {
    /// The numbers of its processes, those of the cgroups below it too.
    ///
    /// # Errors
    /// What the kernel said; a cgroup that is gone has none.
    pub fn processes(&self) -> Result<BTreeSet<i32>, Errno> {
        let mut found = BTreeSet::new();
        for folder in self.folders() {
            collect(folder, &mut found)?;
        }
        Ok(found)
    }

    /// Kills all of them and waits until they are gone; whether they are.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn kill_all(&self) -> Result<bool, Errno> {
        let end = Instant::now() + PATIENCE;
        let left = || end.saturating_duration_since(Instant::now());
        if let Some(folder) = self.unified()
            && write(&folder.join("cgroup.kill"), "1").is_ok()
        {
            wait_for(&folder.join("cgroup.events"), "populated", 0, left()).or_else(gone)?;
        }
        // Version 1, or a kernel before 5.14. While they are stopped none can make another, and the signal is the first
        // thing that each sees when it goes on.
        loop {
            let members = self.processes()?;
            if members.is_empty() {
                return Ok(true);
            }
            if left().is_zero() {
                return Ok(false);
            }
            let was_stopped = self.freeze();
            let handles: Vec<OwnedFd> = self.processes()?.into_iter().filter_map(|pid| pidfd_of(pid).ok()).collect();
            for handle in &handles {
                // Who has just ended needs no signal any more.
                let _ = send_signal(handle.as_raw_fd(), libc::SIGKILL);
            }
            if was_stopped.is_ok() {
                self.thaw()?;
            }
            for handle in &handles {
                wait_for_any([Some(readable(handle))], Some(left())).map_err(|_| Errno::ENOMEM)?;
            }
            if handles.is_empty() {
                // Ended and not collected yet: they are counted, but nobody can be waited for.
                return Ok(self.processes()?.is_empty());
            }
        }
    }

    /// Stops all of them, and waits until they stand still.
    ///
    /// # Errors
    /// `EBUSY` where that takes the kernel too long; `EOPNOTSUPP` where there is no freezer; else what the kernel said.
    pub fn freeze(&self) -> Result<(), Errno> {
        self.set_frozen(true)
    }

    /// Lets them go on.
    ///
    /// # Errors
    /// As [`Place::freeze`].
    pub fn thaw(&self) -> Result<(), Errno> {
        self.set_frozen(false)
    }

    /// Whether they are stopped.
    ///
    /// # Errors
    /// As [`Place::freeze`].
    pub fn is_frozen(&self) -> Result<bool, Errno> {
        match self.freezer()? {
            Freezer::Unified(folder) => Ok(number_of(&read(&folder.join("cgroup.events"))?, "frozen") == Some(1)),
            Freezer::Legacy(file) => Ok(read(&file)?.trim() == "FROZEN"),
        }
    }

    fn set_frozen(&self, wanted: bool) -> Result<(), Errno> {
        match self.freezer()? {
            Freezer::Unified(folder) => {
                write(&folder.join("cgroup.freeze"), if wanted { "1" } else { "0" })?;
                let is_so = wait_for(&folder.join("cgroup.events"), "frozen", wanted.into(), PATIENCE)?;
                if is_so { Ok(()) } else { Err(Errno::EBUSY) }
            }
            Freezer::Legacy(file) => {
                let state = if wanted { "FROZEN" } else { "THAWED" };
                let end = Instant::now() + PATIENCE;
                // Reading the state has the kernel look whether all stand still; a process that was being made meanwhile
                // is caught by writing it once more.
                loop {
                    write(&file, state)?;
                    if read(&file)?.trim() == state {
                        return Ok(());
                    }
                    if Instant::now() > end {
                        let _ = write(&file, "THAWED");
                        return Err(Errno::EBUSY);
                    }
                    std::thread::yield_now();
                }
            }
        }
    }

    fn freezer(&self) -> Result<Freezer, Errno> {
        if let Some(folder) = self.legacy("freezer") {
            return Ok(Freezer::Legacy(folder.join("freezer.state")));
        }
        let folder = self.unified().filter(|folder| folder.join("cgroup.freeze").exists());
        folder.map(|folder| Freezer::Unified(folder.to_path_buf())).ok_or(Errno::EOPNOTSUPP)
    }
}

enum Freezer {
    /// Since Linux 5.2.
    Unified(PathBuf),
    Legacy(PathBuf),
}

fn collect(folder: &Path, found: &mut BTreeSet<i32>) -> Result<(), Errno> {
    let Some(text) = read(&folder.join("cgroup.procs")).map(Some).or_else(|errno| gone(errno).map(|_| None))? else {
        return Ok(());
    };
    // 0: in a PID namespace that we don't see.
    found.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()).filter(|pid| *pid > 0));
    for below in folders_below(folder) {
        collect(&below, found)?;
    }
    Ok(())
}

/// The cgroups that were made in a cgroup.
pub(super) fn folders_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

/// A cgroup that was removed meanwhile has nobody in it.
fn gone(errno: Errno) -> Result<bool, Errno> {
    if matches!(errno, Errno::ENOENT | Errno::ENODEV) { Ok(true) } else { Err(errno) }
}
