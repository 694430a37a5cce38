//! Places in the container's root: resolved there, to a descriptor, and made where they are missing.

use crate::program::{CStrArray, CStrRef};
use crate::run::Machine;
use crate::sys::{self, Errno, Handle};
use crate::table::Place;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Folder,
    File,
}

/// Permissions of a folder, and of a file, that something is mounted on.
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

impl<'p> Machine<'p> {
    /// The container's root; `ENOTDIR` in a plan that has not opened it.
    pub(crate) fn root(&self) -> Result<i32, Errno> {
        self.root.as_ref().map(Handle::number).ok_or(Errno(libc::ENOTDIR))
    }

    /// Opens a place to mount something on it, and makes it first where it is missing.
    ///
    /// With `refuses_links` no link may stand on the way: what is mounted there is trusted later.
    pub(crate) fn open_or_make(&self, place: Place, kind: Kind, refuses_links: bool) -> Result<Handle, Errno> {
        let names = self.program.list(place.0)?;
        let mut names = names.strings();
        let whole = names.next().ok_or(Errno(libc::EFAULT))?;
        match self.open_place(whole, kind, refuses_links) {
            Err(Errno(libc::ENOENT)) => {}
            other => return other,
        }
        let mut so_far = None;
        while let (Some(path), Some(name)) = (names.next(), names.next()) {
            let folder = so_far.as_ref().map_or_else(|| self.root(), |folder: &Handle| Ok(folder.number()))?;
            // The list ends with the place itself, which alone is a file where one is wanted.
            let wanted = if path.bytes() == whole.bytes() { kind } else { Kind::Folder };
            let made = match wanted {
                Kind::Folder => sys::mkdirat(folder, name, FOLDER_MODE),
                Kind::File => sys::mknodat(folder, name, libc::S_IFREG | FILE_MODE, 0),
            };
            match made {
                Ok(()) | Err(Errno(libc::EEXIST)) => {}
                Err(errno) => return Err(errno),
            }
            so_far = Some(self.open_place(path, wanted, refuses_links)?);
        }
        so_far.ok_or(Errno(libc::ENOENT))
    }

    fn open_place(&self, path: CStrRef<'p>, kind: Kind, refuses_links: bool) -> Result<Handle, Errno> {
        let flags = libc::O_PATH | if kind == Kind::Folder { libc::O_DIRECTORY } else { 0 };
        let resolve = libc::RESOLVE_IN_ROOT
            | libc::RESOLVE_NO_MAGICLINKS
            | if refuses_links { libc::RESOLVE_NO_SYMLINKS } else { 0 };
        let place = sys::openat2(self.root()?, path, flags, resolve)?;
        if kind == Kind::File && sys::status(place.number())?.is(libc::S_IFDIR) {
            return Err(Errno(libc::EISDIR));
        }
        Ok(place)
    }

    /// Opens what is mounted at a place by now. mount(2) gives no descriptor of a mount, and one that was opened before
    /// it is of what lies below.
    pub(crate) fn top_of(&self, place: Place) -> Result<Handle, Errno> {
        let names = self.program.list(place.0)?;
        let whole = names.strings().next().ok_or(Errno(libc::EFAULT))?;
        sys::open_in_root(self.root()?, whole, libc::O_PATH)
    }

    /// The folder that a place is in, made where it is missing, and the place's name there.
    ///
    /// No link may stand on the way: it could lead into a folder of the host's that is mounted in the root, and what is
    /// made would stand there (CVE-2026-41579).
    pub(crate) fn folder_of(&mut self, place: Place) -> Result<(i32, CStrRef<'p>), Errno> {
        let names = self.program.list(place.0)?;
        let (whole, name) = last_two(names).ok_or(Errno(libc::EFAULT))?;
        let mut pairs = names.strings();
        let _whole = pairs.next();
        let mut above = self.root()?;
        while let (Some(path), Some(folder_name)) = (pairs.next(), pairs.next()) {
            if path.bytes() == whole.bytes() {
                break;
            }
            let is_last = self.last_folder.as_ref().is_some_and(|(_, last)| last.bytes() == path.bytes());
            if !is_last {
                let folder = match self.open_place(path, Kind::Folder, true) {
                    Err(Errno(libc::ENOENT)) => {
                        match sys::mkdirat(above, folder_name, FOLDER_MODE) {
                            Ok(()) | Err(Errno(libc::EEXIST)) => {}
                            Err(errno) => return Err(errno),
                        }
                        self.open_place(path, Kind::Folder, true)?
                    }
                    other => other?,
                };
                self.last_folder = Some((folder, path));
            }
            above = self.last_folder.as_ref().map_or(above, |(folder, _)| folder.number());
        }
        Ok((above, name))
    }
}

fn last_two(names: CStrArray<'_>) -> Option<(CStrRef<'_>, CStrRef<'_>)> {
    let mut last = None;
    let mut one_before = None;
    for name in names.strings() {
        one_before = last;
        last = Some(name);
    }
    Some((one_before?, last?))
}
