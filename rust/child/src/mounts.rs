//! Mounts in the container's root, each on a descriptor of where it goes.

use crate::copy::copy_folder;
use crate::mounted::{Attributes, Bind, Filesystem};
use crate::place::Kind;
use crate::program::{CStrArray, CStrRef};
use crate::run::Machine;
use crate::sys::{self, Errno, Handle};

/// `MOUNT_ATTR_IDMAP`.
const IDMAP: u64 = libc::MOUNT_ATTR_IDMAP;

/// `/dev/null`, as devices.txt of the kernel numbers it.
const NULL_DEVICE: (u32, u32) = (1, 3);

impl Machine<'_> {
    pub(crate) fn mount(&mut self, filesystem: &Filesystem) -> Result<(), Errno> {
        // What is mounted may hide it.
        self.last_folder = None;
        let program = self.program;
        let (kind, source) = (program.string(filesystem.kind)?, program.string(filesystem.source)?);
        let place = self.open_or_make(filesystem.place, Kind::Folder, filesystem.refuses_links)?;
        let propagation = filesystem.propagation;
        if program.has_classic_mounts {
            match sys::mount(source, place.number(), kind, filesystem.flags, program.string(filesystem.data)?) {
                // The very same filesystem is mounted there already: sysfs, where the root is the host's own.
                Err(Errno(libc::EBUSY)) => remount(place.number(), filesystem.flags)?,
                other => other?,
            }
            if filesystem.copies_up {
                copy_folder(place.number(), self.top_of(filesystem.place)?.number(), 0)?;
            }
            if propagation != 0 {
                let top = self.top_of(filesystem.place)?;
                sys::mount(CStrRef::NULL, top.number(), CStrRef::NULL, propagation, CStrRef::NULL)?;
            }
            return Ok(());
        }
        let mount = new_filesystem(kind, source, program.list(filesystem.options)?, filesystem.attributes)?;
        if filesystem.copies_up {
            copy_folder(place.number(), mount.number(), 0)?;
        }
        sys::move_mount(&mount, place.number())?;
        if propagation != 0 {
            sys::mount_setattr(mount.number(), Attributes { propagation, ..Attributes::default() }, false)?;
        }
        Ok(())
    }

    pub(crate) fn bind(&mut self, bind: &Bind) -> Result<(), Errno> {
        // What is mounted may hide it.
        self.last_folder = None;
        let name = self.program.string(bind.source)?;
        let source = match bind.tree {
            // A copy of the number, which is the parent's to close. By its path it may be out of this one's reach.
            Some(tree) => sys::copy_descriptor(self.program.descriptor(tree)?)?,
            None if bind.is_staged => sys::open_in_root(self.stage()?, name, libc::O_PATH)?,
            None => sys::open(name, libc::O_PATH)?,
        };
        let kind = if sys::status(source.number())?.is(libc::S_IFDIR) { Kind::Folder } else { Kind::File };
        if self.program.has_classic_mounts {
            let place = self.open_or_make(bind.place, kind, false)?;
            return self.bind_classic(bind, source.number(), place.number());
        }
        let mount = match bind.tree {
            Some(_) => source,
            None => sys::open_tree(source.number(), CStrRef::EMPTY, bind.recursive)?,
        };
        for (attributes, recursive) in [(bind.all_attributes, true), (bind.attributes, false)] {
            let attributes = Attributes { propagation: 0, ..attributes };
            if !attributes.is_empty() {
                let user_namespace = match bind.ids_of {
                    Some(fd) if attributes.set & IDMAP != 0 => self.program.descriptor(fd)?,
                    _ => 0,
                };
                sys::mount_setattr(mount.number(), Attributes { user_namespace, ..attributes }, recursive)?;
            }
        }
        let place = self.open_or_make(bind.place, kind, false)?;
        sys::move_mount(&mount, place.number())?;
        for (propagation, recursive) in [(bind.all_attributes.propagation, true), (bind.attributes.propagation, false)]
        {
            if propagation != 0 {
                let change = Attributes { propagation, ..Attributes::default() };
                sys::mount_setattr(mount.number(), change, recursive)?;
            }
        }
        Ok(())
    }

    /// mount(2) makes a bind mount and changes it by a second call; what it changes of all below it, it can't.
    fn bind_classic(&self, bind: &Bind, source: i32, place: i32) -> Result<(), Errno> {
        if bind.ids_of.is_some() || bind.all_attributes.set != 0 || bind.all_attributes.clear != 0 {
            return Err(Errno(libc::ENOSYS));
        }
        self.attach_copy(source, place, bind.recursive)?;
        let mount = self.top_of(bind.place)?;
        must_be_same(source, mount.number())?;
        if bind.flags != 0 {
            remount(mount.number(), bind.flags)?;
        }
        for (propagation, recursive) in
            [(bind.all_attributes.propagation, libc::MS_REC), (bind.attributes.propagation, 0)]
        {
            if propagation != 0 {
                let flags = propagation | recursive;
                sys::mount(CStrRef::NULL, mount.number(), CStrRef::NULL, flags, CStrRef::NULL)?;
            }
        }
        Ok(())
    }

    /// Binds what one descriptor names over what another does: a descriptor of the mount, where the kernel gives one.
    pub(crate) fn attach_copy(&self, source: i32, target: i32, recursive: bool) -> Result<Option<Handle>, Errno> {
        if self.program.has_classic_mounts {
            let from = sys::DescriptorPath::new(source);
            let flags = libc::MS_BIND | if recursive { libc::MS_REC } else { 0 };
            sys::mount(from.as_c_str(), target, CStrRef::NULL, flags, CStrRef::NULL)?;
            return Ok(None);
        }
        let mount = sys::open_tree(source, CStrRef::EMPTY, recursive)?;
        sys::move_mount(&mount, target)?;
        Ok(Some(mount))
    }

    /// Opens what a path in the root leads to; `None` where nothing is there.
    fn find(&self, path: CStrRef<'_>) -> Result<Option<Handle>, Errno> {
        match sys::open_in_root(self.root()?, path, libc::O_PATH) {
            Ok(found) => Ok(Some(found)),
            Err(Errno(libc::ENOENT | libc::ENOTDIR)) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    pub(crate) fn mask(&mut self, path: CStrRef<'_>) -> Result<(), Errno> {
        let Some(found) = self.find(path)? else { return Ok(()) };
        if sys::status(found.number())?.is(libc::S_IFDIR) {
            return self.cover_folder(found.number());
        }
        // The host's, not the container's: who wrote the root has no say in what covers a file.
        let null = match self.null.take() {
            Some(null) => null,
            None => open_device(CStrRef::new(c"/dev/null"), NULL_DEVICE)?,
        };
        let null = self.null.insert(null).number();
        self.attach_copy(null, found.number(), false).map(|_| ())
    }

    fn cover_folder(&mut self, folder: i32) -> Result<(), Errno> {
        let tmpfs = CStrRef::new(c"tmpfs");
        if self.program.has_classic_mounts {
            return sys::mount(tmpfs, folder, tmpfs, libc::MS_RDONLY, CStrRef::NULL);
        }
        // One empty folder covers all, where the kernel copies a mount that is attached nowhere (6.15) or now is.
        if let Some(nothing) = &self.nothing {
            let copy = sys::open_tree(nothing.number(), CStrRef::EMPTY, false)?;
            return sys::move_mount(&copy, folder);
        }
        let nothing = new_filesystem(tmpfs, tmpfs, CStrArray::EMPTY, libc::MOUNT_ATTR_RDONLY)?;
        sys::move_mount(&nothing, folder)?;
        self.nothing = Some(nothing);
        Ok(())
    }

    pub(crate) fn protect(&self, path: CStrRef<'_>) -> Result<(), Errno> {
        let Some(found) = self.find(path)? else { return Ok(()) };
        if self.program.has_classic_mounts {
            self.attach_copy(found.number(), found.number(), true)?;
            let mount = sys::open_in_root(self.root()?, path, libc::O_PATH)?;
            must_be_same(found.number(), mount.number())?;
            return remount(mount.number(), libc::MS_RDONLY);
        }
        let mount = sys::open_tree(found.number(), CStrRef::EMPTY, true)?;
        let read_only = Attributes { set: libc::MOUNT_ATTR_RDONLY, ..Attributes::default() };
        sys::mount_setattr(mount.number(), read_only, true)?;
        sys::move_mount(&mount, found.number())
    }
}

/// A path leads to what was just mounted there, or somebody has put another in its place: what changes then would be
/// another mount, and the one that was meant would stay as it is.
fn must_be_same(mounted: i32, found: i32) -> Result<(), Errno> {
    let is_same = sys::status(mounted)?.identity == sys::status(found)?.identity;
    if is_same { Ok(()) } else { Err(Errno(libc::ESTALE)) }
}

/// Opens a character device of the host's, and looks whether it is the one that it should be.
pub(crate) fn open_device(path: CStrRef<'_>, device: (u32, u32)) -> Result<Handle, Errno> {
    let file = sys::open(path, libc::O_PATH)?;
    let status = sys::status(file.number())?;
    if status.is(libc::S_IFCHR) && status.device == device { Ok(file) } else { Err(Errno(libc::ENODEV)) }
}

/// A filesystem that is mounted nowhere yet.
pub(crate) fn new_filesystem(
    kind: CStrRef<'_>,
    source: CStrRef<'_>,
    options: CStrArray<'_>,
    attributes: u64,
) -> Result<Handle, Errno> {
    let context = sys::fsopen(kind)?;
    if !source.is_empty() {
        sys::fsconfig(&context, CStrRef::new(c"source"), source)?;
    }
    let mut options = options.strings();
    while let (Some(name), Some(value)) = (options.next(), options.next()) {
        sys::fsconfig(&context, name, value)?;
    }
    sys::fsconfig_create(&context)?;
    sys::fsmount(&context, attributes)
}

/// Adds `MS_…` to a mount: those that it has stay, for in a user namespace they are locked.
pub(crate) fn remount(mount: i32, flags: u64) -> Result<(), Errno> {
    let (_, present) = sys::filesystem_of(mount)?;
    let kept = present & sys::KEPT_BY_A_REMOUNT;
    let flags = libc::MS_REMOUNT | libc::MS_BIND | flags | kept;
    sys::mount(CStrRef::NULL, mount, CStrRef::NULL, flags, CStrRef::NULL)
}
