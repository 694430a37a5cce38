//! The copying itself, from descriptor to descriptor.

use std::ffi::{CString, OsStr, OsString};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fchmod, fstat, futimens, mkdirat};
use nix::sys::statfs::{
    BPF_FS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEBUGFS_MAGIC, DEVPTS_SUPER_MAGIC, FsType, PROC_SUPER_MAGIC,
    SECURITYFS_MAGIC, SELINUX_MAGIC, SYSFS_MAGIC, TRACEFS_MAGIC, fstatfs,
};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, fchownat, geteuid, symlinkat, unlinkat};

use super::links::Links;
use super::side::{Side, again};
use super::{Asked, Source, kind_of, refusal};
use crate::error::Error;
use crate::life::ids;

/// Each folder keeps two descriptors open, and whoever made the source chose how deep it goes.
const DEEPEST: usize = 256;

/// A file that says 0 for its size may have any, as those of procfs do, and no end.
const MOST_OF_AN_EMPTY_FILE: u64 = 1 << 30;

/// How many of what was left out are told of, and in how many bytes: an answer of 64 KiB must hold them.
const MOST_TOLD: usize = 20;
const MOST_TOLD_BYTES: usize = 16 << 10;

/// Somebody may put something else where we have just removed what was there; so often, it is no accident.
const TRIES: u32 = 32;

const PRIVATE_FILE: Mode = Mode::S_IRUSR.union(Mode::S_IWUSR);

/// Filesystems whose files are the kernel's own words and switches.
const THE_KERNELS: [FsType; 10] = [
    PROC_SUPER_MAGIC,
    SYSFS_MAGIC,
    CGROUP_SUPER_MAGIC,
    CGROUP2_SUPER_MAGIC,
    DEVPTS_SUPER_MAGIC,
    DEBUGFS_MAGIC,
    TRACEFS_MAGIC,
    SECURITYFS_MAGIC,
    SELINUX_MAGIC,
    BPF_FS_MAGIC,
];

/// Copies from one side to the other.
pub(super) struct Copier<'c> {
    from: &'c Side,
    to: &'c Side,
    asked: &'c Asked,
    /// What is copied now, below what was asked for.
    below: PathBuf,
    depth: usize,
    /// The folder that all goes into.
    top: Option<OwnedFd>,
    /// Which that is: it is not copied into itself.
    made: Option<(u64, u64)>,
    links: Links,
    /// What was not copied.
    pub(super) left_out: Vec<String>,
}

impl<'c> Copier<'c> {
    pub(super) fn new(from: &'c Side, to: &'c Side, asked: &'c Asked) -> Self {
        Self {
            from,
            to,
            asked,
            below: PathBuf::new(),
            depth: 0,
            top: None,
            made: None,
            links: Links::default(),
            left_out: Vec::new(),
        }
    }

    /// Copies what was found to a name in a folder.
    pub(super) fn copy(&mut self, source: &Source, folder: &OwnedFd, name: &OsStr) -> Result<(), Error> {
        match kind_of(&source.status) {
            SFlag::S_IFREG => self.copy_file(source, folder, name),
            SFlag::S_IFLNK => self.copy_link(source, folder, name),
            SFlag::S_IFDIR => self.copy_folder(source, folder, name),
            _ => {
                self.leave_out("is a device, a FIFO or a socket");
                Ok(())
            }
        }
    }

    /// Copies what is in a folder into another.
    pub(super) fn copy_contents(&mut self, source: &Source, target: &OwnedFd) -> Result<(), Error> {
        if self.top.is_none() {
            self.made = Some(identity(&fstat(target).map_err(|errno| self.unwritten(errno))?));
            self.top = Some(target.try_clone().map_err(|error| self.unwritten(errno_of(&error)))?);
        }
        if self.depth == DEEPEST {
            return Err(self.unread(Errno::ELOOP).with_advice("folders are this deep in each other"));
        }
        for name in names_in(&source.file).map_err(|errno| self.unread(errno))? {
            self.below.push(&name);
            self.depth += 1;
            if let Some(found) = self.look_at(source, &name)? {
                self.copy(&found, target, &name)?;
            }
            self.depth -= 1;
            self.below.pop();
        }
        Ok(())
    }

    /// Writes over a file; what it is otherwise, it stays.
    pub(super) fn write_over(&self, source: &Source, target: &OwnedFd) -> Result<(), Error> {
        let input = self.open_to_read(source)?;
        let flags = OFlag::O_WRONLY | OFlag::O_TRUNC | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        let output = open(&again(target), flags, Mode::empty()).map_err(|errno| self.unwritten(errno))?;
        self.copy_bytes(input, source, &File::from(output))
    }

    /// What a name stands for in a folder that is copied; none where it is gone, or is not copied.
    fn look_at(&mut self, parent: &Source, name: &OsStr) -> Result<Option<Source>, Error> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let file = match openat(&parent.file, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::ENOENT) => return Ok(None),
            Err(errno) => return Err(self.unread(errno)),
        };
        let status = fstat(&file).map_err(|errno| self.unread(errno))?;
        if self.made == Some(identity(&status)) {
            self.leave_out("is where it is copied to");
            return Ok(None);
        }
        if status.st_dev != parent.status.st_dev && is_the_kernels(&file).map_err(|errno| self.unread(errno))? {
            self.leave_out("is a filesystem of the kernel's");
            return Ok(None);
        }
        Ok(Some(Source { file, status }))
    }

    fn copy_file(&mut self, source: &Source, folder: &OwnedFd, name: &OsStr) -> Result<(), Error> {
        if self.top.as_ref().is_some_and(|top| self.links.give(source, top, folder, name)) {
            return Ok(());
        }
        let input = self.open_to_read(source)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let output = match in_the_place_of(folder, name, || openat(folder, name, flags, PRIVATE_FILE)) {
            Ok(output) => File::from(output),
            // Something is mounted on it.
            Err(Errno::EBUSY) => return self.write_over(source, &self.found_at(folder, name)?),
            Err(errno) => return Err(self.unwritten(errno)),
        };
        self.copy_bytes(input, source, &output)?;
        let status =
            self.dress(&output, source).and_then(|()| fstat(&output)).map_err(|errno| self.unwritten(errno))?;
        self.links.note(source, &self.below, &status);
        Ok(())
    }

    fn copy_link(&self, source: &Source, folder: &OwnedFd, name: &OsStr) -> Result<(), Error> {
        let target = readlinkat(&source.file, "").map_err(|errno| self.unread(errno))?;
        in_the_place_of(folder, name, || symlinkat(target.as_os_str(), folder, name))
            .map_err(|errno| self.unwritten(errno))?;
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let Ok(link) = openat(folder, name, flags, Mode::empty()) else { return Ok(()) };
        // It may be something else by now.
        let status = fstat(&link).map_err(|errno| self.unwritten(errno))?;
        if let Some((uid, gid)) = self.other_owner(&status, source)
            && kind_of(&status) == SFlag::S_IFLNK
        {
            let given = fchownat(&link, "", Some(uid), Some(gid), AtFlags::AT_EMPTY_PATH);
            given.or_else(unless_not_allowed).map_err(|errno| self.unwritten(errno))?;
        }
        Ok(())
    }

    fn copy_folder(&mut self, source: &Source, folder: &OwnedFd, name: &OsStr) -> Result<(), Error> {
        let unwritten = |errno| self.unwritten(errno);
        let made = match mkdirat(folder, name, Mode::S_IRWXU) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(unwritten(errno)),
        };
        let access = if made { OFlag::O_RDONLY } else { OFlag::O_PATH };
        let flags = access | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let target = openat(folder, name, flags, Mode::empty()).map_err(unwritten)?;
        let status = fstat(&target).map_err(unwritten)?;
        must_not_be_the_kernels(self.to, &target, &self.path(&self.asked.to.path))?;
        self.copy_contents(source, &target)?;
        // One that was swapped for ours keeps what it is.
        if made && status.st_uid == self.creator() && status.st_mode & 0o777 == 0o700 {
            self.dress(&target, source).map_err(|errno| self.unwritten(errno))?;
        }
        Ok(())
    }

    fn open_to_read(&self, source: &Source) -> Result<File, Error> {
        if kind_of(&source.status) != SFlag::S_IFREG {
            return Err(refusal("copy", self.from, &self.path(&self.asked.from.path), (Errno::ELOOP, "it is a link")));
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
        open(&again(&source.file), flags, Mode::empty()).map(File::from).map_err(|errno| self.unread(errno))
    }

    /// As many bytes as it had when it was looked at: whoever goes on writing does not keep us for ever.
    fn copy_bytes(&self, input: File, source: &Source, mut output: &File) -> Result<(), Error> {
        let size = u64::try_from(source.status.st_size).unwrap_or(0);
        let limit = if size == 0 { MOST_OF_AN_EMPTY_FILE } else { size };
        let copied = io::copy(&mut input.take(limit), &mut output);
        copied.map(drop).map_err(|error| self.unwritten(errno_of(&error)))
    }

    /// Gives what was made its owner, its permissions and its time.
    fn dress(&self, copy: impl AsFd, source: &Source) -> Result<(), Errno> {
        let status = fstat(&copy)?;
        let is_given = match self.other_owner(&status, source) {
            Some((uid, gid)) => match fchown(&copy, Some(uid), Some(gid)) {
                Ok(()) => true,
                Err(errno) => unless_not_allowed(errno).map(|()| false)?,
            },
            None => geteuid().is_root(),
        };
        let mut mode = Mode::from_bits_truncate(source.status.st_mode & 0o7777);
        // What a container has made runs as nobody else on the host, and nobody else's runs as who has got it.
        if self.from.is_containers() || !is_given {
            mode.remove(Mode::S_ISUID | Mode::S_ISGID);
        }
        fchmod(&copy, mode)?;
        let time = TimeSpec::new(source.status.st_mtime, source.status.st_mtime_nsec);
        futimens(&copy, &time, &time)
    }

    /// Who is to own a copy, where that is somebody else; only root gives files away.
    fn other_owner(&self, made: &FileStat, source: &Source) -> Option<(Uid, Gid)> {
        if !geteuid().is_root() {
            return None;
        }
        let root = self.to.creator().unwrap_or((0, 0));
        let (mut uid, mut gid) = (Some(source.status.st_uid), Some(source.status.st_gid));
        if let Some(own) = self.from.ids() {
            uid = uid.and_then(|uid| ids::inside(&own.uids, uid));
            gid = gid.and_then(|gid| ids::inside(&own.gids, gid));
        }
        if let Some(own) = self.to.ids() {
            uid = uid.and_then(|uid| ids::outside(&own.uids, uid));
            gid = gid.and_then(|gid| ids::outside(&own.gids, gid));
        }
        let owner = (uid.unwrap_or(root.0), gid.unwrap_or(root.1));
        (owner != (made.st_uid, made.st_gid)).then(|| (Uid::from_raw(owner.0), Gid::from_raw(owner.1)))
    }

    fn creator(&self) -> u32 {
        let own = geteuid();
        self.to.creator().filter(|_| own.is_root()).map_or(own.as_raw(), |(uid, _)| uid)
    }

    /// A regular file that is there.
    fn found_at(&self, folder: &OwnedFd, name: &OsStr) -> Result<OwnedFd, Error> {
        let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let found = openat(folder, name, flags, Mode::empty()).map_err(|errno| self.unwritten(errno))?;
        let status = fstat(&found).map_err(|errno| self.unwritten(errno))?;
        must_not_be_the_kernels(self.to, &found, &self.asked.to.path)?;
        if kind_of(&status) == SFlag::S_IFREG { Ok(found) } else { Err(self.unwritten(Errno::EBUSY)) }
    }

    fn leave_out(&mut self, why: &str) {
        let told: usize = self.left_out.iter().map(String::len).sum();
        if self.left_out.len() < MOST_TOLD && told < MOST_TOLD_BYTES {
            let path = self.from.shown(&self.path(&self.asked.from.path));
            self.left_out.push(format!("{path:?} is left out: it {why}"));
        }
    }

    fn unread(&self, errno: Errno) -> Error {
        Error::system(format!("copy {:?}", self.from.shown(&self.path(&self.asked.from.path))), errno)
    }

    fn unwritten(&self, errno: Errno) -> Error {
        Error::system(format!("write {:?}", self.to.shown(&self.path(&self.asked.to.path))), errno)
    }

    /// A path of what is copied now.
    fn path(&self, top: &str) -> String {
        if self.depth == 0 {
            return top.into();
        }
        format!("{}/{}", top.trim_end_matches("/.").trim_end_matches('/'), self.below.to_string_lossy())
    }
}

/// Makes a file by a name; what has it, and is no folder, is removed.
pub(super) fn in_the_place_of<T>(
    folder: &OwnedFd,
    name: &OsStr,
    make: impl Fn() -> Result<T, Errno>,
) -> Result<T, Errno> {
    for _ in 0..TRIES {
        match make() {
            Err(Errno::EEXIST) => match unlinkat(folder, name, UnlinkatFlags::NoRemoveDir) {
                Ok(()) | Err(Errno::ENOENT) => {}
                Err(errno) => return Err(errno),
            },
            answer => return answer,
        }
    }
    Err(Errno::EEXIST)
}

fn errno_of(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

/// Who may not give a file away keeps it: an ordinary user, or root of a user namespace that lacks the id.
fn unless_not_allowed(errno: Errno) -> Result<(), Errno> {
    if matches!(errno, Errno::EPERM | Errno::EINVAL | Errno::EOVERFLOW) { Ok(()) } else { Err(errno) }
}

pub(super) fn identity(status: &FileStat) -> (u64, u64) {
    (status.st_dev, status.st_ino)
}

fn names_in(folder: &OwnedFd) -> Result<Vec<OsString>, Errno> {
    let mut folder = Dir::openat(folder, ".", OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())?;
    let names = folder.iter().map(|entry| entry.map(|entry| CString::from(entry.file_name()).into_bytes()));
    let is_own = |name: &Result<Vec<u8>, Errno>| name.as_ref().is_ok_and(|name| matches!(&name[..], b"." | b".."));
    names.filter(|name| !is_own(name)).map(|name| name.map(OsString::from_vec)).collect()
}

fn is_the_kernels(file: &OwnedFd) -> Result<bool, Errno> {
    let kind = fstatfs(file)?.filesystem_type();
    Ok(THE_KERNELS.contains(&kind))
}

/// Nothing is written where files are switches of the kernel's: what leads there may be the container's doing.
pub(super) fn must_not_be_the_kernels(to: &Side, place: &OwnedFd, path: &str) -> Result<(), Error> {
    match is_the_kernels(place) {
        Ok(false) => Ok(()),
        Ok(true) if !to.is_containers() => Ok(()),
        Ok(true) => Err(refusal("write", to, path, (Errno::EPERM, "it is on a filesystem of the kernel's"))),
        Err(errno) => Err(Error::system(format!("write {:?}", to.shown(path)), errno)),
    }
}
