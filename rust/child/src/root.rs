//! The container's root: from a folder of the host's to `/`.

use crate::mounted::Attributes;
use crate::mounts::{new_filesystem, remount};
use crate::program::{CStrArray, CStrRef};
use crate::run::Machine;
use crate::sys::{self, Errno, Handle};

/// Names in the stage.
const LOWER: CStrRef<'static> = CStrRef::new(c"lower");
const LAYER: CStrRef<'static> = CStrRef::new(c"layer");
const UPPER: CStrRef<'static> = CStrRef::new(c"layer/upper");
const WORK: CStrRef<'static> = CStrRef::new(c"layer/work");
const MERGED: CStrRef<'static> = CStrRef::new(c"merged");

/// The root itself, or what is mounted on it.
const ABOVE_TOP: CStrRef<'static> = CStrRef::new(c"/..");

/// The former root, and the stage.
const MOST_LAYERS: usize = 2;

/// To resolve paths from, and to mount on.
const OPEN_FOLDER: i32 = libc::O_PATH | libc::O_DIRECTORY;

const PRIVATE_MODE: u32 = 0o700;
const FOLDER_MODE: u32 = 0o755;

impl<'p> Machine<'p> {
    pub(crate) fn open_root(&mut self, path: CStrRef<'p>) -> Result<(), Errno> {
        self.folder = Some((sys::open(path, OPEN_FOLDER)?, path));
        Ok(())
    }

    pub(crate) fn keep_root(&mut self) -> Result<(), Errno> {
        self.root = Some(sys::open(CStrRef::TOP, OPEN_FOLDER)?);
        Ok(())
    }

    pub(crate) fn mount_stage(&mut self, options: CStrArray<'_>, data: CStrRef<'_>) -> Result<(), Errno> {
        let (folder, path) = self.folder()?;
        let kind = CStrRef::new(c"tmpfs");
        self.stage = Some(if self.program.has_classic_mounts {
            sys::mount(kind, folder, kind, 0, data)?;
            what_covers(folder, path)?
        } else {
            self.copy = Some(sys::open_tree(folder, CStrRef::EMPTY, true)?);
            let stage = new_filesystem(kind, kind, options, 0)?;
            sys::move_mount(&stage, folder)?;
            stage
        });
        Ok(())
    }

    pub(crate) fn bind_root(&mut self) -> Result<(), Errno> {
        let (folder, path) = self.folder()?;
        let target = self.place_of_root()?;
        let attached = self.attach_folder(folder, target.as_ref().map_or(folder, Handle::number))?;
        self.root = Some(match (attached, &self.stage) {
            (Some(root), _) => root,
            (None, Some(stage)) => sys::open_in_root(stage.number(), MERGED, OPEN_FOLDER)?,
            (None, None) => what_covers(folder, path)?,
        });
        Ok(())
    }

    pub(crate) fn overlay_root(
        &mut self,
        layer: Option<CStrRef<'_>>,
        options: CStrArray<'_>,
        data: CStrRef<'_>,
    ) -> Result<(), Errno> {
        let stage = self.stage()?;
        sys::mkdirat(stage, LOWER, PRIVATE_MODE)?;
        sys::mkdirat(stage, LAYER, PRIVATE_MODE)?;
        let lower = sys::open_in_root(stage, LOWER, OPEN_FOLDER)?;
        self.attach_folder(self.folder()?.0, lower.number())?;
        if let Some(path) = layer {
            let source = sys::open(path, OPEN_FOLDER)?;
            let target = sys::open_in_root(stage, LAYER, OPEN_FOLDER)?;
            self.attach_copy(source.number(), target.number(), false)?;
        }
        for name in [UPPER, WORK] {
            match sys::mkdirat(stage, name, FOLDER_MODE) {
                Ok(()) | Err(Errno(libc::EEXIST)) => {}
                Err(errno) => return Err(errno),
            }
            // A link would make a folder of the host's the layer.
            sys::openat2(stage, name, OPEN_FOLDER, libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_SYMLINKS)?;
        }
        // The options name the layers from here.
        sys::fchdir(stage)?;
        let target = self.place_of_root()?.ok_or(Errno(libc::ENOTDIR))?;
        let kind = CStrRef::new(c"overlay");
        self.root = Some(if self.program.has_classic_mounts {
            sys::mount(kind, target.number(), kind, 0, data)?;
            sys::open_in_root(stage, MERGED, OPEN_FOLDER)?
        } else {
            let overlay = new_filesystem(kind, kind, options, 0)?;
            sys::move_mount(&overlay, target.number())?;
            overlay
        });
        Ok(())
    }

    pub(crate) fn send_layers(&self, socket: i32) -> Result<(), Errno> {
        for name in [UPPER, LOWER] {
            let folder = sys::open_in_root(self.stage()?, name, OPEN_FOLDER)?;
            sys::send_descriptor(socket, folder.number())?;
        }
        Ok(())
    }

    pub(crate) fn protect_root(&self, attributes: u64) -> Result<(), Errno> {
        let root = self.root()?;
        if self.program.has_classic_mounts {
            return remount(root, attributes);
        }
        sys::mount_setattr(root, Attributes { set: attributes, ..Attributes::default() }, false)
    }

    /// `pivot_root(".", ".")` leaves the former root on top of the new one, from where it is detached: pivot_root(2).
    ///
    /// Where the host's own `/` is the folder, the stage lies on that, and both are there, one above the other. Nothing
    /// may be left: `/..` would lead to it.
    pub(crate) fn enter_root(&mut self) -> Result<(), Errno> {
        let root = self.root()?;
        let mount = sys::status(root)?.mount;
        sys::fchdir(root)?;
        sys::pivot_root_here()?;
        for _ in 0..MOST_LAYERS {
            // What happens to it must not reach the host. `.` is the new root here, but for umount2.
            sys::mount_at(CStrRef::NULL, ABOVE_TOP, CStrRef::NULL, libc::MS_SLAVE | libc::MS_REC, CStrRef::NULL)?;
            sys::detach_here()?;
            if sys::status(sys::open(ABOVE_TOP, OPEN_FOLDER)?.number())?.mount == mount {
                return self.leave_former_root();
            }
        }
        Err(Errno(libc::EBUSY))
    }

    /// Makes the mount the root of this process alone.
    pub(crate) fn change_root(&mut self, moves: bool) -> Result<(), Errno> {
        let root = self.root()?;
        sys::fchdir(root)?;
        if moves {
            sys::mount_at(CStrRef::HERE, CStrRef::TOP, CStrRef::NULL, libc::MS_MOVE, CStrRef::NULL)?;
        }
        sys::chroot_here()?;
        self.leave_former_root()
    }

    fn leave_former_root(&mut self) -> Result<(), Errno> {
        sys::chdir(CStrRef::TOP)?;
        (self.folder, self.stage, self.last_folder) = (None, None, None);
        (self.null, self.nothing) = (None, None);
        Ok(())
    }

    /// The folder with all that is mounted below it. By mount(2), once there is a stage over it, it comes alone: what is
    /// mounted below it would be the stage.
    fn attach_folder(&mut self, folder: i32, target: i32) -> Result<Option<Handle>, Errno> {
        match self.copy.take() {
            Some(copy) => {
                sys::move_mount(&copy, target)?;
                Ok(Some(copy))
            }
            None => self.attach_copy(folder, target, self.stage.is_none()),
        }
    }

    /// Where the root is mounted: in the stage, where there is one.
    fn place_of_root(&self) -> Result<Option<Handle>, Errno> {
        let Some(stage) = &self.stage else { return Ok(None) };
        sys::mkdirat(stage.number(), MERGED, PRIVATE_MODE)?;
        sys::open_in_root(stage.number(), MERGED, OPEN_FOLDER).map(Some)
    }

    fn folder(&self) -> Result<(i32, CStrRef<'p>), Errno> {
        self.folder.as_ref().map(|(folder, path)| (folder.number(), *path)).ok_or(Errno(libc::ENOTDIR))
    }

    pub(crate) fn stage(&self) -> Result<i32, Errno> {
        self.stage.as_ref().map(Handle::number).ok_or(Errno(libc::ENOTDIR))
    }
}

/// What is mounted on a folder by now. A path leads to it, but `/`, which passes by what is mounted on this process's
/// root: `..` does not.
fn what_covers(folder: i32, path: CStrRef<'_>) -> Result<Handle, Errno> {
    let found = sys::open(path, OPEN_FOLDER)?;
    if sys::status(found.number())?.mount == sys::status(folder)?.mount {
        return sys::open(ABOVE_TOP, OPEN_FOLDER);
    }
    Ok(found)
}

pub(crate) fn set_propagation(flags: u64) -> Result<(), Errno> {
    sys::mount_at(CStrRef::NULL, CStrRef::TOP, CStrRef::NULL, flags, CStrRef::NULL)
}
