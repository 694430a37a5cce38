//! What stands in the container's root without being mounted there: devices, links, files from memory.

use crate::mounts::open_device;
use crate::place::Kind;
use crate::program::CStrRef;
use crate::run::Machine;
use crate::step::Place;
use crate::sys::{self, Errno};

impl Machine<'_> {
    pub(crate) fn make_node(
        &mut self,
        place: Place,
        mode: u32,
        (major, minor): (u32, u32),
        (uid, gid): (u32, u32),
    ) -> Result<(), Errno> {
        let (folder, name) = self.folder_of(place)?;
        let device = libc::makedev(major, minor);
        match sys::mknodat(folder, name, mode, device) {
            Ok(()) => {}
            Err(Errno(libc::EEXIST)) => return self.check_node(place, mode, (major, minor)),
            Err(errno) => return Err(errno),
        }
        // Whatever the umask is; and the name is still the node's, for nobody else is here.
        sys::fchmodat(folder, name, mode & 0o7777)?;
        if (uid, gid) == (0, 0) { Ok(()) } else { sys::fchownat(folder, name, uid, gid) }
    }

    /// A node that is there already is as good, where it is the same.
    fn check_node(&self, place: Place, mode: u32, device: (u32, u32)) -> Result<(), Errno> {
        let names = self.program.list(place.0)?;
        let whole = names.strings().next().ok_or(Errno(libc::EFAULT))?;
        let flags = libc::O_PATH | libc::O_NOFOLLOW;
        let status = sys::status(sys::open_in_root(self.root()?, whole, flags)?.number())?;
        let kind = mode & libc::S_IFMT;
        let is_device = kind == libc::S_IFCHR || kind == libc::S_IFBLK;
        let is_same = status.is(kind) && (!is_device || status.device == device);
        if is_same { Ok(()) } else { Err(Errno(libc::EEXIST)) }
    }

    pub(crate) fn bind_node(&self, source: CStrRef<'_>, place: Place, device: (u32, u32)) -> Result<(), Errno> {
        let file = open_device(source, device)?;
        let target = self.open_or_make(place, Kind::File, false)?;
        self.attach_copy(file.number(), target.number(), false).map(|_| ())
    }

    pub(crate) fn make_link(&mut self, text: CStrRef<'_>, place: Place) -> Result<(), Errno> {
        let (folder, name) = self.folder_of(place)?;
        match sys::symlinkat(text, folder, name) {
            Err(Errno(libc::EEXIST)) | Ok(()) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    pub(crate) fn stage_file(&self, name: CStrRef<'_>, contents: &[u8], mode: u32) -> Result<(), Errno> {
        let stage = self.stage()?;
        sys::write_all(&sys::create(stage, name, mode)?, contents)?;
        sys::fchmodat(stage, name, mode)
    }
}
