//! The plan as the child reads it: steps are plain numbers, and what they name stands in tables beside them.

use core::ffi::{CStr, c_char};
use core::marker::PhantomData;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

/// A string of the plan: its place in [`Program::strings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Str(pub u32);

/// A NULL-terminated list of strings, as `execve` takes them: its place in [`Program::lists`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List(pub u32);

/// A descriptor that the parent opens before the clone: its place in [`Program::descriptors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd(pub u32);

/// One thing that the child does, in terms of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `getpid`, `getppid`: tells the parent which ids the child sees.
    ReportIds,
    /// `prctl(PR_SET_PDEATHSIG)`: the kernel sends `signal` when the thread that cloned ends. `owner` is a pidfd of
    /// that thread's process, looked at afterwards: an owner that ended before the call would never be noticed.
    DieWithOwner {
        /// The pidfd of the owner.
        owner: Fd,
        /// What the kernel sends.
        signal: i32,
    },
    /// `prlimit64`.
    SetRlimit {
        /// `RLIMIT_…`.
        resource: u32,
        /// The soft limit.
        soft: u64,
        /// The hard limit.
        hard: u64,
    },
    /// `chdir`.
    Chdir {
        /// The folder.
        path: Str,
    },
    /// `dup3` without `O_CLOEXEC`: the program finds `from` as descriptor `to`.
    Dup {
        /// What is handed on.
        from: Fd,
        /// The number that the program finds it at.
        to: i32,
    },
    /// `close_range(first, ~0)`: nothing else of the parent's is handed on.
    CloseFrom {
        /// The lowest descriptor that is closed.
        first: u32,
    },
    /// `rt_sigaction(SIG_DFL)` for every signal but those in `keep` (bit N-1 for signal N), which stay as inherited.
    ResetSignals {
        /// The signals that are left alone.
        keep: u64,
    },
    /// `rt_sigprocmask`: blocks nothing any more. It comes after [`Step::ResetSignals`], so that no handler of the
    /// parent's ever runs in the child.
    UnblockSignals,
    /// `execve` of the first of `candidates` that can be executed.
    Exec {
        /// Paths, in the order in which they are tried.
        candidates: List,
        /// The arguments.
        argv: List,
        /// The environment.
        envp: List,
    },
}

/// Why the child ended before it became the program: what failed, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step's place in the plan.
    pub step: u32,
    /// The kernel's error number, above 0.
    pub errno: i32,
}

/// What the child tells the parent, in memory that both see.
///
/// With `CLONE_VM | CLONE_VFORK` the parent's thread sleeps until the child has become the program or ended, so a word
/// in shared memory does what a pipe would, at no cost, and cannot fail when descriptors are short.
#[derive(Debug, Default)]
pub struct Report {
    failure: AtomicU64,
    pid: AtomicI32,
    ppid: AtomicI32,
}

impl Report {
    /// Nothing reported yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { failure: AtomicU64::new(0), pid: AtomicI32::new(-1), ppid: AtomicI32::new(-1) }
    }

    /// Keeps `failure` for the parent.
    pub fn fail(&self, failure: Failure) {
        let word = (u64::from(failure.step) << 32) | u64::from(failure.errno.unsigned_abs());
        self.failure.store(word, Ordering::Release);
    }

    pub(crate) fn tell_ids(&self, own: i32, parent: i32) {
        self.pid.store(own, Ordering::Release);
        self.ppid.store(parent, Ordering::Release);
    }

    /// What failed, if anything did.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "two 32-bit halves of one word")]
    pub fn failure(&self) -> Option<Failure> {
        match self.failure.load(Ordering::Acquire) {
            0 => None,
            word => Some(Failure { step: (word >> 32) as u32, errno: word as u32 as i32 }),
        }
    }

    /// PID and parent's PID as the child saw them, if the plan asked for them.
    #[must_use]
    pub fn ids(&self) -> Option<(i32, i32)> {
        let pid = self.pid.load(Ordering::Acquire);
        (pid > 0).then(|| (pid, self.ppid.load(Ordering::Acquire)))
    }
}

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
    /// Takes a list that ends with NULL; `None` for any other.
    #[must_use]
    pub fn new(list: &'p [CStrRef<'p>]) -> Option<Self> {
        list.last().is_some_and(|last| last.is_null()).then_some(Self(list))
    }

    pub(crate) const fn as_ptr(self) -> *const *const c_char {
        // `CStrRef` is transparent over the pointer.
        self.0.as_ptr().cast()
    }

    pub(crate) fn strings(self) -> impl Iterator<Item = CStrRef<'p>> {
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
    /// Where the child tells how it went.
    pub report: &'p Report,
}
