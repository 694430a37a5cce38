//! The containers that this process has made: who made one hears of its end.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use crate::launch::wait::{WaitFor, reap};
use crate::plan::Plan;
use crate::run::Watched;

/// By the number of the process.
type Children = HashMap<i32, (Watched, Arc<Plan>)>;

static CHILDREN: Mutex<Option<Children>> = Mutex::new(None);

/// Waits for what stands by containers and is our child; one thread for all of them, from the first one on.
struct Reaper {
    epoll: Epoll,
    awaited: Mutex<HashMap<u64, OwnedFd>>,
}

static REAPER: OnceLock<Option<Arc<Reaper>>> = OnceLock::new();

impl Reaper {
    fn start() -> Option<Arc<Self>> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).ok()?;
        let reaper = Arc::new(Self { epoll, awaited: Mutex::default() });
        let shared = Arc::clone(&reaper);
        thread::Builder::new().name("reaper".into()).spawn(move || shared.run()).ok()?;
        Some(reaper)
    }

    fn run(&self) {
        let mut events = [EpollEvent::empty(); 16];
        loop {
            let ready = self.epoll.wait(&mut events, EpollTimeout::NONE).unwrap_or(0);
            for event in events.iter().take(ready) {
                let mut awaited = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(pidfd) = awaited.remove(&event.data()) {
                    let _ = reap(pidfd.as_raw_fd(), WaitFor::End);
                }
            }
        }
    }
}

/// Has the end of a child of ours be collected, whenever it comes. Where there is no thread for it, it stays
/// until this process ends.
pub(super) fn collect(pidfd: OwnedFd) {
    let Some(reaper) = REAPER.get_or_init(Reaper::start) else { return };
    let name = u64::from(pidfd.as_raw_fd().unsigned_abs());
    // The thread may be told of it at once: by then it must be known here.
    let mut awaited = reaper.awaited.lock().unwrap_or_else(PoisonError::into_inner);
    if reaper.epoll.add(&pidfd, EpollEvent::new(EpollFlags::EPOLLIN, name)).is_ok() {
        awaited.insert(name, pidfd);
    }
}

/// Keeps a container's process until somebody asks for it.
pub(super) fn keep(pid: i32, program: Watched, plan: Arc<Plan>) {
    let mut children = CHILDREN.lock().unwrap_or_else(PoisonError::into_inner);
    children.get_or_insert_default().insert(pid, (program, plan));
}

/// The process, to wait for; `None` where this process has not made it, or somebody has it already.
///
/// Its number is its own for as long as it is kept: nobody has collected its end.
pub(crate) fn take(pid: i32) -> Option<(Watched, Arc<Plan>)> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&pid)
}
