//! The tables that steps name their strings, lists and descriptors in.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minicontainer_child::{Blob, Fd, Filter, Groups, List, Place, Step, Str};

use super::{Descriptor, Plan, words};
use crate::error::Error;
use crate::seccomp;

/// `PATH_MAX`, less the NUL at the end.
const LONGEST_PATH: usize = 4095;

impl Plan {
    /// The program's environment.
    #[must_use]
    pub fn environment(&self) -> &[CString] {
        let envp = self.steps.iter().find_map(|step| match step {
            Step::Exec { envp, .. } => Some(*envp),
            _ => None,
        });
        envp.map_or(&[], |envp| words::list(self, envp))
    }

    /// The container's root, where it has one of its own.
    #[must_use]
    pub fn root_path(&self) -> Option<&Path> {
        self.steps.iter().find_map(|step| match step {
            Step::OpenRoot { path } => self.strings.get(path.0 as usize).map(|path| as_path(path)),
            _ => None,
        })
    }

    /// The paths that exec tries, as the host names them, from the folder that it starts in; `folder` is this
    /// process's.
    pub fn program_paths(&self, folder: &Path) -> impl Iterator<Item = PathBuf> {
        let root = self.root_path();
        let mut folder = root.unwrap_or(folder).to_path_buf();
        let mut candidates: &[CString] = &[];
        for step in &self.steps {
            match step {
                Step::Chdir { path } => {
                    let path = self.strings.get(path.0 as usize).map(|path| as_path(path));
                    folder = path.map_or(folder.clone(), |path| below(root, &folder, path));
                }
                Step::Exec { candidates: list, .. } => candidates = words::list(self, *list),
                _ => {}
            }
        }
        candidates.iter().map(move |candidate| below(root, &folder, as_path(candidate)))
    }

    pub(super) fn string(&mut self, text: CString) -> Str {
        Str(push(&mut self.strings, text))
    }

    pub(super) fn list(&mut self, list: impl Into<Arc<[CString]>>) -> List {
        List(push(&mut self.lists, list.into()))
    }

    pub(super) fn descriptor(&mut self, source: Descriptor) -> Fd {
        Fd(push(&mut self.descriptors, source))
    }

    pub(super) fn blob(&mut self, bytes: Vec<u8>) -> Blob {
        Blob(push(&mut self.blobs, bytes))
    }

    pub(super) fn group_ids(&mut self, groups: Vec<u32>) -> Groups {
        Groups(push(&mut self.groups, groups))
    }

    pub(super) fn filter(&mut self, filter: Arc<seccomp::Filter>) -> Filter {
        Filter(push(&mut self.filters, filter))
    }

    /// A text of the spec's `field`.
    pub(super) fn text(&mut self, text: &str, field: impl FnOnce() -> String) -> Result<Str, Error> {
        Ok(self.string(c_string(text, field)?))
    }

    /// A text of our own, without a NUL.
    pub(super) fn own_text(&mut self, text: impl Into<Vec<u8>>) -> Str {
        self.string(CString::new(text).unwrap_or_default())
    }

    /// A place in the container's root, by an absolute path of the spec's `field`.
    pub(super) fn place(&mut self, path: &str, field: impl Fn() -> String) -> Result<Place, Error> {
        let names = components(path);
        if names.is_empty() {
            return Err(Error::spec(field(), format!("must be a path below the container's root; it is {path:?}")));
        }
        // Each folder on the way gets a path of its own: what the kernel would refuse must not be multiplied.
        if path.len() > LONGEST_PATH {
            let message = format!("must be a path of at most {LONGEST_PATH} bytes; it has {}", path.len());
            return Err(Error::spec(field(), message));
        }
        let mut list = vec![c_string(&names.join("/"), &field)?];
        for depth in 1..=names.len() {
            list.push(c_string(&names[..depth].join("/"), &field)?);
            list.push(c_string(names[depth - 1], &field)?);
        }
        Ok(Place(self.list(list)))
    }
}

/// The names on an absolute path's way; `..` goes up as far as the root.
pub(super) fn components(path: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names
}

pub(super) fn c_strings(texts: &[String], field: &str) -> Result<Vec<CString>, Error> {
    texts.iter().enumerate().map(|(index, text)| c_string(text, || format!("{field}[{index}]"))).collect()
}

pub(super) fn c_string(text: &str, field: impl FnOnce() -> String) -> Result<CString, Error> {
    CString::new(text).map_err(|error| {
        let place = error.nul_position();
        Error::spec(field(), format!("must not contain a NUL character; there is one at byte {place}"))
    })
}

fn as_path(text: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(text.to_bytes()))
}

/// `path` from `folder`; an absolute one from `root`, where there is one.
fn below(root: Option<&Path>, folder: &Path, path: &Path) -> PathBuf {
    match (root, path.strip_prefix("/")) {
        (Some(root), Ok(rest)) => root.join(rest),
        _ => folder.join(path),
    }
}

fn push<T>(table: &mut Vec<T>, item: T) -> u32 {
    let place = u32::try_from(table.len()).unwrap_or(u32::MAX);
    table.push(item);
    place
}
