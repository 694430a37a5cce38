//! Whether other processes may look into this one, `PR_SET_DUMPABLE(2const)`.
//!
//! The mark belongs to the memory, which the child shares until it executes the program: a change of its ids clears it,
//! for us too. And a child that joins a container's namespaces can be seen there, with all that Deno's memory holds.
//! Several children can be under way at once, each from a thread of its own: the mark comes back with the last.

use std::sync::{Mutex, PoisonError};

use nix::libc;

/// How many children need the mark to stay as it is, and what it was before the first.
static UNDER_WAY: Mutex<(usize, i32)> = Mutex::new((0, 0));

/// The mark as it was; dropping the last one puts it back.
pub(super) struct Visibility(());

impl Visibility {
    /// Remembers the mark; where `hides`, nobody may look into this process until it is put back.
    pub(super) fn keep(hides: bool) -> Self {
        let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        if under_way.0 == 0 {
            under_way.1 = get();
        }
        under_way.0 += 1;
        if hides {
            set(0);
        }
        Self(())
    }
}

impl Drop for Visibility {
    fn drop(&mut self) {
        let mut under_way = UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.0 -= 1;
        // Only these two can be set; the third value comes from the kernel alone.
        if under_way.0 == 0 && matches!(under_way.1, 0 | 1) {
            set(under_way.1);
        }
    }
}

fn get() -> i32 {
    // SAFETY: a number comes back, and nothing changes.
    unsafe { libc::prctl(libc::PR_GET_DUMPABLE) }
}

fn set(mark: i32) {
    // SAFETY: numbers only.
    let _ = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, mark, 0, 0, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_comes_back_with_the_last_and_not_before() {
        set(1);
        let first = Visibility::keep(true);
        let second = Visibility::keep(false);
        drop(first);
        assert_eq!(get(), 0);
        drop(second);
        assert_eq!(get(), 1);
    }
}
