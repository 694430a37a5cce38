//! What happens to a cgroup, as the kernel tells who waits for it.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::epoll::EpollFlags;
use nix::sys::eventfd::{EfdFlags, EventFd};
use serde::Serialize;

use super::file::{errno, number_of, read_again, write};
use super::place::Place;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum Happened {
    /// So many processes were killed because no memory was left.
    Oom {
        /// How many.
        count: u64,
    },
    /// All stand still.
    Frozen,
    /// They go on.
    Thawed,
}

/// Descriptors that tell of a cgroup.
#[derive(Debug, Default)]
pub struct Watch {
    /// `memory.events` of version 2, `memory.oom_control` of version 1.
    memory: Option<File>,
    /// Version 1 tells by this of the latter.
    notice: Option<EventFd>,
    /// `cgroup.events` of version 2, or `freezer.state` of version 1, of which nothing tells but those who write it.
    freezer: Option<(File, bool)>,
    oom_kills: u64,
    is_frozen: bool,
}

impl Watch {
    /// Begins to watch; what this host does not tell of is not told.
    ///
    /// # Errors
    /// `EMFILE` where descriptors are short.
    pub fn begin(place: &Place) -> Result<Self, Errno> {
        let open = |path: &Path| match File::open(path).map_err(|error| errno(&error)) {
            Ok(file) => Ok(Some(file)),
            Err(Errno::EMFILE) => Err(Errno::EMFILE),
            Err(_) => Ok(None),
        };
        let mut watch = Self::default();
        if let Some(path) = place.memory_events() {
            watch.memory = open(&path)?;
        }
        if let (Some(folder), Some(file)) = (place.legacy("memory"), &watch.memory) {
            let notice = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
            let text = format!("{} {}", notice.as_fd().as_raw_fd(), file.as_raw_fd());
            watch.notice = write(&folder.join("cgroup.event_control"), &text).ok().map(|()| notice);
        }
        watch.freezer = match (place.legacy("freezer"), place.unified()) {
            (Some(folder), _) => open(&folder.join("freezer.state"))?.map(|file| (file, false)),
            (None, Some(folder)) => open(&folder.join("cgroup.events"))?.map(|file| (file, true)),
            (None, None) => None,
        };
        watch.oom_kills = watch.count_oom_kills().unwrap_or(0);
        watch.is_frozen = watch.sees_frozen().unwrap_or(false);
        Ok(watch)
    }

    /// What is waited for, and how.
    pub fn sources(&self) -> impl Iterator<Item = (BorrowedFd<'_>, EpollFlags)> {
        let memory = match (&self.notice, &self.memory) {
            (Some(notice), _) => Some((notice.as_fd(), EpollFlags::EPOLLIN)),
            (None, Some(file)) => Some((file.as_fd(), EpollFlags::EPOLLPRI)),
            (None, None) => None,
        };
        let freezer = self.freezer.as_ref().filter(|(_, tells)| *tells);
        memory.into_iter().chain(freezer.map(|(file, _)| (file.as_fd(), EpollFlags::EPOLLPRI)))
    }

    /// What has happened since the last call; files of a cgroup that is gone tell nothing.
    pub fn take(&mut self) -> Vec<Happened> {
        let mut happened = Vec::new();
        if let Some(notice) = &self.notice {
            let _ = notice.read();
        }
        if let Some(count) = self.count_oom_kills().filter(|count| *count > self.oom_kills) {
            happened.push(Happened::Oom { count: count - self.oom_kills });
            self.oom_kills = count;
        }
        if let Some(is_frozen) = self.sees_frozen().filter(|is_frozen| *is_frozen != self.is_frozen) {
            happened.push(if is_frozen { Happened::Frozen } else { Happened::Thawed });
            self.is_frozen = is_frozen;
        }
        happened
    }

    fn count_oom_kills(&self) -> Option<u64> {
        number_of(&read_again(self.memory.as_ref()?).ok()?, "oom_kill")
    }

    fn sees_frozen(&self) -> Option<bool> {
        let (file, is_unified) = self.freezer.as_ref()?;
        let text = read_again(file).ok()?;
        Some(if *is_unified { number_of(&text, "frozen") == Some(1) } else { text.trim() == "FROZEN" })
    }
}
