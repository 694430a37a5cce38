//! The containers that this process has made: who made one hears of its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::plan::Plan;
use crate::run::Watched;

/// By the number of the process.
type Children = HashMap<i32, (Watched, Arc<Plan>)>;

static CHILDREN: Mutex<Option<Children>> = Mutex::new(None);

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
