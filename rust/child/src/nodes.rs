//! What stands in the container's root without being mounted there: devices, links, files from memory.

use crate::mounts::open_device;
use crate::place::Kind;
use crate::program::CStrRef;
use crate::run::Machine;
use crate::sys::{self, Errno, Handle};
use crate::table::Place;

impl Machine<'_> {
    pub(crate) fn make_node(
        &mut self,
        place: Place,
        mode: u32,
        (major, minor): (u32, u32),
        (uid, gid): (u32, u32),
    ) -> Result<(), Errno> {
        let (folder, name) = self.folder_of(place)?;
        // A chmod afterwards would follow a link that somebody has put there by then.
        let umask = sys::umask(0);
        let result = sys::mknodat(folder, name, mode, libc::makedev(major, minor));
        sys::umask(umask);
        match result {
            Ok(()) if (uid, gid) == (0, 0) => Ok(()),
            Ok(()) => sys::chown(open_node(folder, name, mode, (major, minor))?.number(), uid, gid),
            // One that is there already is as good, where it is the same.
            Err(Errno(libc::EEXIST)) => open_node(folder, name, mode, (major, minor)).map(|_| ()),
            Err(errno) => Err(errno),
        }
    }

    pub(crate) fn bind_node(&self, source: CStrRef<'_>, place: Place, device: (u32, u32)) -> Result<(), Errno> {
        let file = open_device(source, device)?;
        let target = self.open_or_make(place, Kind::File, true)?;
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

/// Opens a node, which must be what was asked for.
fn open_node(folder: i32, name: CStrRef<'_>, mode: u32, device: (u32, u32)) -> Result<Handle, Errno> {
    let node = sys::open_in_root(folder, name, libc::O_PATH | libc::O_NOFOLLOW)?;
    let status = sys::status(node.number())?;
    let kind = mode & libc::S_IFMT;
    let is_device = kind == libc::S_IFCHR || kind == libc::S_IFBLK;
    let is_same = status.is(kind) && (!is_device || status.device == device);
    if is_same { Ok(node) } else { Err(Errno(libc::EEXIST)) }
}
