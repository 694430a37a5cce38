//! C strings: their constants and lengths.

use core::ffi::{CStr, c_char};

use crate::program::{CStrArray, CStrRef};

impl<'p> CStrRef<'p> {
    /// `""`, for calls on a descriptor itself.
    pub(crate) const EMPTY: CStrRef<'static> = CStrRef::new(c"");
    /// `"."`, this process's folder.
    pub(crate) const HERE: CStrRef<'static> = CStrRef::new(c".");
    /// `"/"`.
    pub(crate) const TOP: CStrRef<'static> = CStrRef::new(c"/");

    /// Bytes that end with a NUL; the empty string where none of them is one.
    pub(crate) fn from_terminated(bytes: &'p [u8]) -> Self {
        CStr::from_bytes_until_nul(bytes).map_or(CStrRef::EMPTY, CStrRef::new)
    }

    /// Where it stands, as a register holds it.
    pub(crate) fn address(self) -> usize {
        self.as_ptr().expose_provenance()
    }

    /// Its bytes; none of NULL.
    pub(crate) fn bytes(self) -> &'p [u8] {
        if self.is_null() {
            return &[];
        }
        // SAFETY: it was made from a CStr that lives as long as `'p`.
        unsafe { CStr::from_ptr(self.as_ptr()) }.to_bytes()
    }

    /// How many bytes it has.
    pub(crate) fn length(self) -> usize {
        self.bytes().len()
    }

    /// Whether it has none.
    pub(crate) fn is_empty(self) -> bool {
        self.bytes().is_empty()
    }
}

impl CStrArray<'static> {
    /// Strings as the kernel lays them out for a program: `count` of them, and a NULL.
    ///
    /// # Safety
    /// They must be there until the process ends.
    #[must_use]
    pub unsafe fn from_stack(first: *const *const c_char, count: usize) -> Self {
        // SAFETY: `CStrRef` is transparent over the pointer, and the caller vouches for the rest.
        let strings = unsafe { core::slice::from_raw_parts(first.cast::<CStrRef<'static>>(), count.saturating_add(1)) };
        Self::new(strings).unwrap_or(CStrArray::EMPTY)
    }
}

impl CStrArray<'_> {
    /// Where it stands, as a register holds it.
    pub(crate) fn address(self) -> usize {
        self.as_ptr().expose_provenance()
    }
}
