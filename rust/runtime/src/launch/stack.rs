//! The stack that the child runs on until it executes the program.

use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use nix::libc::c_void;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::error::Error;

/// The interpreter needs a few hundred bytes; a page is the least there is.
const USABLE_BYTES: usize = 32 * 1024;
/// As large as the largest page of the architectures that we know (64 KiB on some aarch64 kernels).
const GUARD_BYTES: usize = 64 * 1024;
const TOTAL_BYTES: NonZeroUsize = NonZeroUsize::new(GUARD_BYTES + USABLE_BYTES).unwrap();

/// Memory of our own with a page below it that faults: an overflow ends the child, it does not overwrite the parent.
pub(super) struct Stack {
    bottom: NonNull<c_void>,
}

// SAFETY: it owns its mapping as a Box would.
unsafe impl Send for Stack {}

/// The stack of the last start, for the next: to map, protect and unmap one anew costs 16 µs, and an interrupt on every
/// other processor that runs one of our threads.
static SPARE: Mutex<Option<Stack>> = Mutex::new(None);

impl Stack {
    /// The spare one, or a new one.
    pub(super) fn take() -> Result<Self, Error> {
        let spare = SPARE.lock().unwrap_or_else(PoisonError::into_inner).take();
        spare.map_or_else(Self::new, Ok)
    }

    /// Keeps it for the next start; where one is kept already, it is unmapped.
    pub(super) fn give_back(self) {
        SPARE.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(self);
    }

    fn new() -> Result<Self, Error> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let flags = MapFlags::MAP_PRIVATE | MapFlags::MAP_STACK | MapFlags::MAP_NORESERVE;
        // SAFETY: a new anonymous mapping at an address that the kernel chooses touches nothing that is there.
        let bottom = unsafe { mmap_anonymous(None, TOTAL_BYTES, protection, flags) }
            .map_err(|errno| Error::system("map a stack for the child", errno))?;
        let stack = Self { bottom };
        // SAFETY: the lowest part of the mapping just made, which nothing refers to yet.
        unsafe { mprotect(bottom, GUARD_BYTES, ProtFlags::PROT_NONE) }
            .map_err(|errno| Error::system("protect the child's stack", errno))?;
        Ok(stack)
    }

    /// The part above the guard.
    pub(super) fn memory(&mut self) -> &mut [u8] {
        // SAFETY: the guard is shorter than the mapping.
        let start = unsafe { self.bottom.cast::<u8>().add(GUARD_BYTES) };
        // SAFETY: zeroed, writable, of this length, and borrowed from `self` alone.
        unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), USABLE_BYTES) }
    }

    /// Where a child's stack begins, for it grows downwards; aligned as the ABIs want it, for it is the end of a page.
    pub(super) fn top(&mut self) -> *mut c_void {
        self.memory().as_mut_ptr_range().end.cast()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours and nothing runs on it any more: the clone has returned.
        let _ = unsafe { munmap(self.bottom, TOTAL_BYTES.get()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_writable_to_its_ends() {
        let mut stack = Stack::new().unwrap();
        let memory = stack.memory();
        memory[0] = 1;
        memory[USABLE_BYTES - 1] = 2;
        assert_eq!((memory[0], memory[USABLE_BYTES - 1]), (1, 2));
    }

    #[test]
    fn a_stack_that_is_given_back_is_taken_again_and_a_second_one_is_unmapped() {
        let (mut first, mut second) = (Stack::new().unwrap(), Stack::new().unwrap());
        let addresses = [first.memory().as_ptr() as usize, second.memory().as_ptr() as usize];
        first.give_back();
        second.give_back();
        let taken = Stack::take().unwrap().memory().as_ptr() as usize;
        assert_eq!(taken, addresses[0]);
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        assert!(!maps.contains(&format!("{:x}-", addresses[1])), "{maps}");
    }

    #[test]
    fn what_is_below_a_stack_faults() {
        let mut stack = Stack::new().unwrap();
        let below = stack.memory().as_ptr() as usize - 1;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let guard = maps.lines().find(|line| {
            let (from, rest) = line.split_once('-').unwrap();
            let to = rest.split_once(' ').unwrap().0;
            let bound = |text| usize::from_str_radix(text, 16).unwrap();
            (bound(from)..bound(to)).contains(&below)
        });
        assert!(guard.is_some_and(|line| line.contains(" ---p ")), "{guard:?}");
    }
}
