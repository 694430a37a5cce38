//! What is told of changes: to TypeScript as JSON, to people as lines.

use std::fmt;
use std::path::Path;

use nix::errno::Errno;
use serde::Serialize;

use crate::error::reason;

/// What the paths may come to, in bytes: a program can make as many files as it likes.
const MOST_BYTES: usize = 16 << 20;
/// What an entry takes beside its path.
const ENTRY_BYTES: usize = 40;
/// How many folders that could not be looked into are named.
const MOST_MISSED: usize = 20;

/// How a path was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It was not there before.
    Added,
    /// It was, and is another, or was written to; or, of a folder, something in it was changed.
    Changed,
    /// It is there no more.
    Deleted,
}

/// A path that was changed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// In the container; what is no UTF-8 becomes U+FFFD.
    path: String,
    /// How.
    kind: Kind,
}

/// All that was changed.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    #[serde(rename = "changes")]
    found: Vec<Change>,
    /// What could not be looked at, a sentence each.
    degraded: Vec<String>,
    #[serde(skip)]
    bytes: usize,
}

impl Changes {
    /// Notes a change; `path` is below the root.
    pub(super) fn add(&mut self, path: &Path, kind: Kind) {
        if self.is_full() {
            return;
        }
        let path = in_container(path);
        self.bytes += path.len() + ENTRY_BYTES;
        self.found.push(Change { path, kind });
        if self.is_full() {
            self.degraded.push(format!("only {} changes are told: there are more", self.found.len()));
        }
    }

    /// Notes a folder that could not be looked into.
    pub(super) fn miss(&mut self, folder: &Path, errno: Errno) {
        if self.degraded.len() < MOST_MISSED {
            let folder = in_container(folder);
            self.degraded.push(format!("what was changed in {folder:?} is not told: {}", reason(errno)));
        }
    }

    /// Whether no more is told.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    pub(super) fn sort(&mut self) {
        self.found.sort_unstable();
    }
}

fn in_container(path: &Path) -> String {
    format!("/{}", path.to_string_lossy())
}

/// `A /added`, `C /changed`, `D /deleted`, as `docker diff` has it; what would move a terminal's cursor is escaped.
impl fmt::Display for Changes {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { path, kind } in &self.found {
            let letter = match kind {
                Kind::Added => 'A',
                Kind::Changed => 'C',
                Kind::Deleted => 'D',
            };
            write!(to, "{letter} ")?;
            for character in path.chars() {
                if character.is_control() {
                    write!(to, "{}", character.escape_default())?;
                } else {
                    write!(to, "{character}")?;
                }
            }
            writeln!(to)?;
        }
        self.degraded.iter().try_for_each(|sentence| writeln!(to, "minicontainer: {sentence}"))
    }
}
