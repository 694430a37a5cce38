//! Whether other processes may look into this one, `PR_SET_DUMPABLE(2const)`.
//!
//! The mark belongs to the memory, which the child shares until it executes the program: a change of its ids clears it,
//! for us too. And a child that joins a container's namespaces can be seen there, with all that Deno's memory holds.

use nix::libc;

/// The mark as it was; dropping it puts it back.
pub(super) struct Visibility {
    before: i32,
}

impl Visibility {
    /// Remembers the mark; where `hides`, nobody may look into this process until it is put back.
    pub(super) fn keep(hides: bool) -> Self {
        // SAFETY: a number comes back, and nothing changes.
        let before = unsafe { libc::prctl(libc::PR_GET_DUMPABLE) };
        if hides {
            set(0);
        }
        Self { before }
    }
}

impl Drop for Visibility {
    fn drop(&mut self) {
        // Only these two can be set; the third value comes from the kernel alone.
        if self.before == 0 || self.before == 1 {
            set(self.before);
        }
    }
}

fn set(mark: i32) {
    // SAFETY: numbers only.
    let _ = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, mark, 0, 0, 0) };
}
