//! What child and parent tell each other where the child gets a copy of all other memory.

use std::num::NonZeroUsize;
use std::ptr::NonNull;

use minicontainer_child::Report;
use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous, munmap};

use crate::error::Error;

/// A report in memory of its own, which is no copy in the child.
pub(super) struct SharedReport(NonNull<Report>);

const BYTES: NonZeroUsize = NonZeroUsize::new(size_of::<Report>()).unwrap();

impl SharedReport {
    /// Nothing reported yet.
    pub(super) fn new() -> Result<Self, Error> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: a new anonymous mapping at an address that the kernel chooses touches nothing that is there.
        let memory = unsafe { mmap_anonymous(None, BYTES, protection, MapFlags::MAP_SHARED) }
            .map_err(|errno| Error::system("map memory that the child shares", errno))?
            .cast::<Report>();
        // SAFETY: the mapping is new, writable, as large as that, and begins with a page.
        unsafe { memory.write(Report::new()) };
        Ok(Self(memory))
    }

    /// The report.
    pub(super) fn report(&self) -> &Report {
        // SAFETY: written above, and mapped as long as this lives; whatever changes in it is atomic.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for SharedReport {
    fn drop(&mut self) {
        // SAFETY: the mapping that was made, of that length; nobody borrows the report any more.
        let _ = unsafe { munmap(self.0.cast(), BYTES.get()) };
    }
}
