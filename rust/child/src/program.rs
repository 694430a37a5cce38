//! The plan with everything that its steps name.

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;
use core::ptr;

use crate::fault::Fault;
use crate::holder::Hold;
use crate::monitor::Monitor;
use crate::report::Report;
use crate::step::Step;
use crate::sys::Errno;
use crate::table::{Blob, Fd, Filter, Groups, List, Str};

/// A C string that lives as long as the plan, or NULL.
#[repr(transparent)]
#[derive(Clone, Copy, Debug)]
pub struct CStrRef<'p>(*const c_char, PhantomData<&'p CStr>);

impl<'p> CStrRef<'p> {
    /// What ends a list.
    pub const NULL: Self = Self(ptr::null(), PhantomData);

    /// The string's address.
    #[must_use]
    pub const fn new(text: &'p CStr) -> Self {
        Self(text.as_ptr(), PhantomData)
    }

    pub(crate) const fn as_ptr(self) -> *const c_char {
        self.0
    }

    pub(crate) const fn is_null(self) -> bool {
        self.0.is_null()
    }
}

/// Strings with a NULL behind the last, as `argv` and `envp` are.
#[derive(Clone, Copy, Debug)]
pub struct CStrArray<'p>(&'p [CStrRef<'p>]);

impl<'p> CStrArray<'p> {
    /// No strings.
    pub const EMPTY: CStrArray<'static> = CStrArray(&[CStrRef::NULL]);

    /// Takes a list that ends with NULL; `None` for any other.
    #[must_use]
    pub fn new(list: &'p [CStrRef<'p>]) -> Option<Self> {
        list.last().is_some_and(|last| last.is_null()).then_some(Self(list))
    }

    pub(crate) const fn as_ptr(self) -> *const *const c_char {
        // `CStrRef` is transparent over the pointer.
        self.0.as_ptr().cast()
    }

    pub(crate) fn strings(self) -> impl Iterator<Item = CStrRef<'p>> + Clone {
        self.0.iter().copied().take_while(|text| !text.is_null())
    }
}

/// A plan with everything that its steps name.
#[derive(Clone, Copy, Debug)]
pub struct Program<'p> {
    /// What is done, in this order; the last one is [`Step::Exec`].
    pub steps: &'p [Step],
    /// What a [`Str`] names.
    pub strings: &'p [CStrRef<'p>],
    /// What a [`List`] names.
    pub lists: &'p [CStrArray<'p>],
    /// What an [`Fd`] names.
    pub descriptors: &'p [i32],
    /// What a [`Blob`] names.
    pub blobs: &'p [&'p [u8]],
    /// What [`Groups`] name.
    pub groups: &'p [&'p [u32]],
    /// What a [`Filter`] names.
    pub filters: &'p [&'p [libc::sock_filter]],
    /// Whether mounts are made by mount(2), as before Linux 5.12.
    pub has_classic_mounts: bool,
    /// The step that a test has fail.
    pub fault: Fault,
    /// Where the child tells how it went.
    pub report: &'p Report,
    /// Signals that have their default action already: bit N-1 for signal N.
    pub untouched_signals: u64,
    /// Whether the table of descriptors is the parent's own (`CLONE_FILES`) until they are closed.
    pub shares_files: bool,
    /// What [`Step::Hold`] executes, where the plan has one.
    pub hold: Option<Hold<'p>>,
    /// What [`Step::Monitor`] executes, where the plan has one.
    pub monitor: Option<Monitor<'p>>,
}

/// A number that stands in no table is the planner's mistake; `EFAULT`, as the kernel says of a bad address.
impl<'p> Program<'p> {
    pub(crate) fn string(&self, text: Str) -> Result<CStrRef<'p>, Errno> {
        entry(self.strings, text.0)
    }

    pub(crate) fn list(&self, list: List) -> Result<CStrArray<'p>, Errno> {
        entry(self.lists, list.0)
    }

    pub(crate) fn descriptor(&self, fd: Fd) -> Result<i32, Errno> {
        entry(self.descriptors, fd.0)
    }

    pub(crate) fn blob(&self, blob: Blob) -> Result<&'p [u8], Errno> {
        entry(self.blobs, blob.0)
    }

    pub(crate) fn group_ids(&self, groups: Groups) -> Result<&'p [u32], Errno> {
        entry(self.groups, groups.0)
    }

    pub(crate) fn filter(&self, filter: Filter) -> Result<&'p [libc::sock_filter], Errno> {
        entry(self.filters, filter.0)
    }
}

fn entry<T: Copy>(table: &[T], place: u32) -> Result<T, Errno> {
    table.get(place as usize).copied().ok_or(Errno(libc::EFAULT))
}
