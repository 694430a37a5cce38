//! The containers that this process has made: who made one hears of its end.

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use crate::launch::wait::{WaitFor, reap};
use crate::plan::Plan;
use crate::run::Watched;

/// By the number of the process.
type Children = HashMap<i32, (Watched, Arc<Plan>)>;

static CHILDREN: Mutex<Option<Children>> = Mutex::new(None);

static MONITORS: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());

/// Keeps a monitor that is our child, and collects those that have ended.
pub(super) fn keep_monitor(pidfd: OwnedFd) {
    let mut monitors = MONITORS.lock().unwrap_or_else(PoisonError::into_inner);
    monitors.retain(|monitor| matches!(reap(monitor.as_raw_fd(), WaitFor::EndNow), Ok(None)));
    monitors.push(pidfd);
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
