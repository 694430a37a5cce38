//! What happens between `clone` and `exec`.
//!
//! The child of a multithreaded process inherits one thread and every lock as it was: a lock that another thread held
//! (the allocator's among them) stays held for ever. Here the child even shares the parent's memory (`CLONE_VM`), so
//! what it writes the parent finds. Hence three rules, which the compiler holds up:
//!
//! - nothing allocates: the crate is `no_std` and does not link `alloc`;
//! - nothing panics: the lints above `[dependencies]` in `Cargo.toml` deny what could;
//! - nothing calls glibc: [`sys`] makes each system call by its own instruction, so neither `errno` nor a thread's
//!   control block, both the parent's, is touched.
//!
//! The parent builds a [`Program`]; [`run`] walks over it, and returns only when a step failed.

#![no_std]

mod copy;
mod fault;
mod holder;
mod identity;
pub mod image;
mod interpreter;
pub mod monitor;
mod mounted;
mod mounts;
mod nodes;
mod place;
mod probe;
mod program;
mod report;
mod root;
mod run;
mod sleep;
mod step;
mod sys;
mod table;
mod terminal;

pub use fault::Fault;
pub use holder::{GIVE_UP, Hold, START, end, hold};
pub use mounted::{Attributes, Bind, Filesystem};
pub use probe::{Attempt, attempt};
pub use program::{CStrArray, CStrRef, Program};
pub use report::{Handshake, Report};
pub use run::run;
pub use sleep::sleep;
pub use step::{Failure, Part, Step};
pub use table::{Blob, Fd, Filter, Groups, List, Place, Str};
