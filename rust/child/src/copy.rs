//! `tmpcopyup`: a tmpfs begins with what stood at its place.

use crate::program::CStrRef;
use crate::sys::{self, Errno, Status};

/// Folders within folders: each takes a piece of the child's stack.
const DEEPEST: u32 = 12;

/// Bytes of entries that are read at once: a few, for they stand on the stack of every folder on the way.
const ENTRIES: usize = 1024;

/// Copies what is in one folder to another: files, folders, links and nodes, with their permissions and owners.
pub(crate) fn copy_folder(from: i32, to: i32, depth: u32) -> Result<(), Errno> {
    if depth >= DEEPEST {
        return Err(Errno(libc::ELOOP));
    }
    let source = sys::open_at(from, CStrRef::HERE, libc::O_RDONLY | libc::O_DIRECTORY)?;
    let mut entries = Entries { bytes: [0; ENTRIES] };
    loop {
        let length = sys::getdents64(&source, &mut entries.bytes)?;
        if length == 0 {
            return Ok(());
        }
        let mut rest = entries.bytes.get(..length).unwrap_or_default();
        while let Some((name, behind)) = next(rest) {
            rest = behind;
            if !matches!(name.bytes(), b"." | b"..") {
                copy(source.number(), to, name, depth)?;
            }
        }
    }
}

/// As the kernel aligns it.
#[repr(C, align(8))]
struct Entries {
    bytes: [u8; ENTRIES],
}

/// The name in the first of `struct linux_dirent64`, getdents(2), and the bytes behind that.
fn next(entries: &[u8]) -> Option<(CStrRef<'_>, &[u8])> {
    const LENGTH: usize = 16;
    const NAME: usize = 19;
    let length = entries.get(LENGTH..LENGTH.checked_add(2)?)?.first_chunk().map(|bytes| u16::from_ne_bytes(*bytes))?;
    let (entry, behind) = entries.split_at_checked(usize::from(length))?;
    Some((CStrRef::from_terminated(entry.get(NAME..)?), behind))
}

fn copy(from: i32, to: i32, name: CStrRef<'_>, depth: u32) -> Result<(), Errno> {
    let file = sys::open_at(from, name, libc::O_PATH | libc::O_NOFOLLOW)?;
    let status = sys::status(file.number())?;
    if status.is(libc::S_IFDIR) {
        sys::mkdirat(to, name, status.mode & PERMISSIONS)?;
        let target = sys::open_at(to, name, libc::O_PATH | libc::O_DIRECTORY | libc::O_NOFOLLOW)?;
        copy_folder(file.number(), target.number(), depth.saturating_add(1))?;
    } else if status.is(libc::S_IFREG) {
        let source = sys::open_at(from, name, libc::O_RDONLY | libc::O_NOFOLLOW)?;
        let target = sys::create(to, name, status.mode & PERMISSIONS)?;
        while sys::sendfile(&target, &source)? > 0 {}
    } else if status.is(libc::S_IFLNK) {
        copy_link(from, to, name)?;
    } else {
        let (major, minor) = status.device;
        sys::mknodat(to, name, status.mode, libc::makedev(major, minor))?;
    }
    own(to, name, status)
}

const PERMISSIONS: u32 = 0o7777;

/// Apart from the others: its buffer is on the stack only while it runs.
#[inline(never)]
fn copy_link(from: i32, to: i32, name: CStrRef<'_>) -> Result<(), Errno> {
    let mut text = [0; 4096];
    sys::readlink_at(from, name, &mut text)?;
    sys::symlinkat(CStrRef::from_terminated(&text), to, name)
}

/// Owner first: a change of it clears the set-user-ID bit.
fn own(folder: i32, name: CStrRef<'_>, status: Status) -> Result<(), Errno> {
    let (uid, gid) = status.owner;
    let file = sys::open_at(folder, name, libc::O_PATH | libc::O_NOFOLLOW)?;
    sys::chown(file.number(), uid, gid)?;
    if status.is(libc::S_IFLNK) { Ok(()) } else { sys::fchmodat(folder, name, status.mode & PERMISSIONS) }
}
