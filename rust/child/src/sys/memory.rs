//! Memory of a process's own, for one that is not a guest in another's.

use core::cell::Cell;

use super::{Errno, check, syscall, word};

/// Memory that is handed out from the front, and never given back: the process ends with it.
pub(crate) struct Arena {
    next: Cell<usize>,
    end: usize,
}

impl Arena {
    /// `void *mmap(NULL, size_t length, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)`, mmap(2).
    pub(crate) fn new(length: usize) -> Result<Self, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let start = map(length, libc::PROT_READ | libc::PROT_WRITE, flags, -1)?;
        Ok(Self { next: Cell::new(start), end: start.saturating_add(length) })
    }

    /// `count` entries, each as `make` has it; `None` where that gives none, or the memory is at its end.
    pub(crate) fn fill<T: Copy + 'static>(
        &mut self,
        count: usize,
        mut make: impl FnMut() -> Option<T>,
    ) -> Option<&'static [T]> {
        self.fill_with(count, |_| make())
    }

    /// As [`Arena::fill`], where an entry needs memory itself.
    pub(crate) fn fill_with<T: Copy + 'static>(
        &mut self,
        count: usize,
        mut make: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<&'static [T]> {
        let start = self.next.get().checked_next_multiple_of(align_of::<T>())?;
        let bytes = count.checked_mul(size_of::<T>())?;
        let end = start.checked_add(bytes)?;
        if end > self.end {
            return None;
        }
        self.next.set(end);
        let entries = core::ptr::with_exposed_provenance_mut::<T>(start);
        for place in 0..count {
            let entry = make(self)?;
            // SAFETY: aligned, inside of the mapping, and handed out to nobody else.
            unsafe { entries.add(place).write(entry) };
        }
        // SAFETY: all `count` entries are written, and the memory is there until the process ends.
        Some(unsafe { core::slice::from_raw_parts(entries, count) })
    }
}

/// `void *mmap(NULL, size_t length, PROT_READ, MAP_PRIVATE, int fd, 0)`, mmap(2): the bytes of a file of this length,
/// which nobody changes any more.
pub(crate) fn map_file(file: i32, length: usize) -> Result<&'static [u8], Errno> {
    let start = map(length, libc::PROT_READ, libc::MAP_PRIVATE, file)?;
    // SAFETY: mapped for the length, to be read, until the process ends; the file is sealed.
    Ok(unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(start), length) })
}

fn map(length: usize, protection: i32, flags: i32, file: i32) -> Result<usize, Errno> {
    let arguments = [0, length, word(protection), word(flags), word(file), 0];
    // SAFETY: a new mapping at an address of the kernel's choice.
    let result = unsafe { syscall(libc::SYS_mmap, arguments) };
    if result < 0 && result > -4096 {
        return check(result).map(|_| 0);
    }
    usize::try_from(result).map_err(|_| Errno(libc::ENOMEM))
}

/// The instructions of a filter, as they stand in bytes.
pub(crate) fn as_filter(bytes: &'static [u8]) -> Option<&'static [libc::sock_filter]> {
    // SAFETY: a sock_filter is numbers only: any bytes are one.
    let (before, filter, behind) = unsafe { bytes.align_to() };
    (before.is_empty() && behind.is_empty()).then_some(filter)
}
