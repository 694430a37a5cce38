//! Places in the tables of a plan: steps are plain numbers, and these name what they are about.

/// A string of the plan: its place in [`Program::strings`](crate::Program::strings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Str(pub u32);

/// A NULL-terminated list of strings, as `execve` takes them: its place in [`Program::lists`](crate::Program::lists).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List(pub u32);

/// A descriptor that the parent opens before the clone: its place in
/// [`Program::descriptors`](crate::Program::descriptors).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd(pub u32);

/// Bytes of the plan: their place in [`Program::blobs`](crate::Program::blobs).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blob(pub u32);

/// Group ids: their place in [`Program::groups`](crate::Program::groups).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups(pub u32);

/// A seccomp filter: its place in [`Program::filters`](crate::Program::filters).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter(pub u32);

/// A place in the container's root, opened there and never named.
///
/// The list holds the whole path, and then for each folder on the way and for the place itself the path so far and its
/// last name: `dev/pts`, `dev`, `dev`, `dev/pts`, `pts`. The first serves where all is there, the others make what is
/// missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub List);
