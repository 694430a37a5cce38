//! The ids of a user namespace, `user_namespaces(7)`: which the host has set apart for a user, and how they are mapped.

pub mod mapping;
pub mod subordinate;

pub use mapping::{IdMapping, helper_arguments, map_text, single, validate, with_ranges};
pub use subordinate::{IdRange, ranges_of};
