//! Files, folders and nodes, each by a descriptor of the folder that it is in.

use super::{Errno, address, check, done, syscall, word};
use crate::program::CStrRef;

/// What a relative path starts from where it is this process's folder.
pub(crate) const HERE: i32 = libc::AT_FDCWD;

/// A descriptor that is closed when it goes out of scope.
#[derive(Debug)]
pub(crate) struct Handle(i32);

impl Handle {
    /// The number.
    pub(crate) const fn number(&self) -> i32 {
        self.0
    }

    /// The number of a descriptor that stays open.
    pub(crate) fn keep(self) -> i32 {
        core::mem::ManuallyDrop::new(self).0
    }
}

impl Drop for Handle {
    /// `int close(int fd)`, close(2).
    fn drop(&mut self) {
        // SAFETY: a number; the table of descriptors is the child's own.
        let _ = unsafe { syscall(libc::SYS_close, [word(self.0)]) };
    }
}

/// What a call that makes a descriptor answered.
pub(super) fn handle(result: i64) -> Result<Handle, Errno> {
    check(result).map(Handle)
}

/// `struct open_how`, openat2(2).
#[repr(C)]
struct OpenHow {
    flags: u64,
    mode: u64,
    resolve: u64,
}

/// The kernel asks for another try where something above was renamed or mounted while it looked, anywhere on the host;
/// so often, it is no accident.
const TRIES: u32 = 128;

/// `long openat2(int dirfd, const char *pathname, struct open_how *how, size_t size)`, openat2(2), since Linux 5.6;
/// close-on-exec.
pub(crate) fn openat2(folder: i32, path: CStrRef<'_>, flags: i32, resolve: u64) -> Result<Handle, Errno> {
    let flags = u64::from((flags | libc::O_CLOEXEC).unsigned_abs());
    let how = OpenHow { flags, mode: 0, resolve };
    let arguments = [word(folder), path.address(), address(&how), size_of::<OpenHow>()];
    for _ in 0..TRIES {
        // SAFETY: a C string of the plan and an open_how of this frame, with its size.
        match handle(unsafe { syscall(libc::SYS_openat2, arguments) }) {
            Err(Errno(libc::EAGAIN)) => {}
            other => return other,
        }
    }
    Err(Errno(libc::EAGAIN))
}

/// Opens `path` with `root` as the root of all that is resolved on the way, links and `..` among it.
pub(crate) fn open_in_root(root: i32, path: CStrRef<'_>, flags: i32) -> Result<Handle, Errno> {
    openat2(root, path, flags, libc::RESOLVE_IN_ROOT | libc::RESOLVE_NO_MAGICLINKS)
}

/// `int openat(AT_FDCWD, const char *pathname, int flags)`, open(2), of a path of the host's.
pub(crate) fn open(path: CStrRef<'_>, flags: i32) -> Result<Handle, Errno> {
    open_at(HERE, path, flags)
}

/// `int openat(int dirfd, const char *pathname, int flags)`, open(2).
pub(crate) fn open_at(folder: i32, path: CStrRef<'_>, flags: i32) -> Result<Handle, Errno> {
    // SAFETY: a C string that outlives the call.
    handle(unsafe { syscall(libc::SYS_openat, [word(folder), path.address(), word(flags | libc::O_CLOEXEC), 0]) })
}

/// `ssize_t getdents64(int fd, void *dirp, size_t count)`, getdents(2): the bytes of entries; 0 at the end.
pub(crate) fn getdents64(folder: &Handle, buffer: &mut [u8]) -> Result<usize, Errno> {
    let arguments = [word(folder.0), buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: a buffer with its length.
    let length = check(unsafe { syscall(libc::SYS_getdents64, arguments) })?;
    Ok(usize::try_from(length).unwrap_or(0))
}

/// `ssize_t sendfile(int out_fd, int in_fd, NULL, size_t count)`, sendfile(2): the bytes copied; 0 at the end.
pub(crate) fn sendfile(to: &Handle, from: &Handle) -> Result<i32, Errno> {
    const AT_ONCE: usize = 1 << 20;
    // SAFETY: numbers only; the offset is the file's own.
    check(unsafe { syscall(libc::SYS_sendfile, [word(to.0), word(from.0), 0, AT_ONCE]) })
}

/// `ssize_t write(int fd, const void *buf, size_t count)`, write(2), all of it.
pub(crate) fn write_once(file: i32, bytes: &[u8]) -> Result<(), Errno> {
    // SAFETY: the bytes are borrowed for as long as the call takes.
    done(unsafe { syscall(libc::SYS_write, [word(file), bytes.as_ptr().expose_provenance(), bytes.len()]) })
}

/// `ssize_t write(int fd, const void *buf, size_t count)`, write(2), until all of it is.
pub(crate) fn write_all(file: &Handle, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        // SAFETY: the bytes are borrowed for as long as the call takes.
        let result =
            unsafe { syscall(libc::SYS_write, [word(file.0), bytes.as_ptr().expose_provenance(), bytes.len()]) };
        match check(result) {
            Ok(0) => return Err(Errno(libc::EIO)),
            Ok(written) => bytes = bytes.get(usize::try_from(written).unwrap_or(0)..).unwrap_or_default(),
            Err(Errno(libc::EINTR)) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// What is known of an open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Status {
    /// Type and permissions, as `st_mode` has them.
    pub mode: u32,
    /// The device that a device file stands for: major, minor.
    pub device: (u32, u32),
    /// User and group.
    pub owner: (u32, u32),
    /// Which file it is: the filesystem's major and minor number, and its number there.
    pub identity: (u32, u32, u64),
    /// The number of the mount that it is in, since Linux 5.8.
    pub mount: u64,
}

impl Status {
    /// Whether it is of a type: `S_IFDIR`, `S_IFCHR`, …
    pub(crate) const fn is(&self, kind: u32) -> bool {
        self.mode & libc::S_IFMT == kind
    }
}

/// `int statx(int dirfd, "", AT_EMPTY_PATH, STATX_BASIC_STATS|STATX_MNT_ID, struct statx *)`, statx(2).
pub(crate) fn status(file: i32) -> Result<Status, Errno> {
    let mut found = core::mem::MaybeUninit::<libc::statx>::zeroed();
    let arguments = [
        word(file),
        CStrRef::EMPTY.address(),
        word(libc::AT_EMPTY_PATH),
        (libc::STATX_BASIC_STATS | libc::STATX_MNT_ID) as usize,
        found.as_mut_ptr().expose_provenance(),
    ];
    // SAFETY: an empty C string, and a statx of this frame that the kernel fills in.
    done(unsafe { syscall(libc::SYS_statx, arguments) })?;
    // SAFETY: all zeroes is a valid statx, and the kernel has filled it in.
    let found = unsafe { found.assume_init() };
    Ok(Status {
        mode: u32::from(found.stx_mode),
        device: (found.stx_rdev_major, found.stx_rdev_minor),
        owner: (found.stx_uid, found.stx_gid),
        identity: (found.stx_dev_major, found.stx_dev_minor, found.stx_ino),
        mount: found.stx_mnt_id,
    })
}

/// `int mkdirat(int dirfd, const char *pathname, mode_t mode)`, mkdir(2).
pub(crate) fn mkdirat(folder: i32, name: CStrRef<'_>, mode: u32) -> Result<(), Errno> {
    // SAFETY: a C string that lives as long as the plan.
    done(unsafe { syscall(libc::SYS_mkdirat, [word(folder), name.address(), mode as usize]) })
}

/// `int mknodat(int dirfd, const char *pathname, mode_t mode, dev_t dev)`, mknod(2); a regular file too.
pub(crate) fn mknodat(folder: i32, name: CStrRef<'_>, mode: u32, device: u64) -> Result<(), Errno> {
    let device = usize::try_from(device).unwrap_or(usize::MAX);
    // SAFETY: a C string that lives as long as the plan.
    done(unsafe { syscall(libc::SYS_mknodat, [word(folder), name.address(), mode as usize, device]) })
}

/// `int symlinkat(const char *target, int newdirfd, const char *linkpath)`, symlink(2).
pub(crate) fn symlinkat(target: CStrRef<'_>, folder: i32, name: CStrRef<'_>) -> Result<(), Errno> {
    // SAFETY: two C strings that live as long as the plan.
    done(unsafe { syscall(libc::SYS_symlinkat, [target.address(), word(folder), name.address()]) })
}

/// `int fchmodat(int dirfd, const char *pathname, mode_t mode)`, chmod(2), of a file just made in `folder`.
pub(crate) fn fchmodat(folder: i32, name: CStrRef<'_>, mode: u32) -> Result<(), Errno> {
    // SAFETY: a C string that lives as long as the plan.
    done(unsafe { syscall(libc::SYS_fchmodat, [word(folder), name.address(), mode as usize]) })
}

/// `int fchownat(int dirfd, "", uid_t owner, gid_t group, AT_EMPTY_PATH)`, chown(2): of what a descriptor names.
pub(crate) fn chown(file: i32, uid: u32, gid: u32) -> Result<(), Errno> {
    let path = CStrRef::EMPTY.address();
    let arguments = [word(file), path, uid as usize, gid as usize, word(libc::AT_EMPTY_PATH)];
    // SAFETY: an empty C string.
    done(unsafe { syscall(libc::SYS_fchownat, arguments) })
}

/// `int openat(int dirfd, const char *pathname, O_WRONLY|O_CREAT|O_EXCL|O_NOFOLLOW, mode_t mode)`, open(2).
pub(crate) fn create(folder: i32, name: CStrRef<'_>, mode: u32) -> Result<Handle, Errno> {
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    // SAFETY: a C string that lives as long as the plan.
    handle(unsafe { syscall(libc::SYS_openat, [word(folder), name.address(), word(flags), mode as usize]) })
}

/// `ssize_t read(int fd, void *buf, size_t count)`, read(2): the part of `buffer` that one call filled.
pub(crate) fn read<'b>(file: &Handle, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
    let arguments = [word(file.0), buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: a buffer with its length.
    let length = check(unsafe { syscall(libc::SYS_read, arguments) })?;
    Ok(buffer.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default())
}

/// As [`read`], from what this process has as stdin.
pub(crate) fn read_stdin(buffer: &mut [u8]) -> Result<&[u8], Errno> {
    read(&core::mem::ManuallyDrop::new(Handle(libc::STDIN_FILENO)), buffer)
}

/// `ssize_t readlink(const char *pathname, char *buf, size_t bufsiz)`, readlink(2): the part of `buffer` that it filled.
pub(crate) fn readlink<'b>(path: CStrRef<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
    readlink_at(HERE, path, buffer)
}

/// `ssize_t readlinkat(int dirfd, const char *pathname, char *buf, size_t bufsiz)`, readlink(2): as [`readlink`].
pub(crate) fn readlink_at<'b>(folder: i32, path: CStrRef<'_>, buffer: &'b mut [u8]) -> Result<&'b [u8], Errno> {
    let arguments = [word(folder), path.address(), buffer.as_mut_ptr().expose_provenance(), buffer.len()];
    // SAFETY: a C string of the plan, and a buffer with its length.
    let length = check(unsafe { syscall(libc::SYS_readlinkat, arguments) })?;
    Ok(buffer.get(..usize::try_from(length).unwrap_or(0)).unwrap_or_default())
}

/// `int fchdir(int fd)`, chdir(2).
pub(crate) fn fchdir(folder: i32) -> Result<(), Errno> {
    // SAFETY: a number.
    done(unsafe { syscall(libc::SYS_fchdir, [word(folder)]) })
}

/// `long getcwd(char *buf, unsigned long size)`, getcwd(2): whether this process's folder lies inside its root.
pub(crate) fn is_here_reachable() -> Result<bool, Errno> {
    let mut path = [0_u8; 4096];
    // SAFETY: a buffer of this frame with its length.
    check(unsafe { syscall(libc::SYS_getcwd, [path.as_mut_ptr().expose_provenance(), path.len()]) })?;
    Ok(path.first() == Some(&b'/'))
}

/// `int faccessat(int dirfd, const char *pathname, X_OK)`, faccessat(2), of a regular file; by the effective ids, as
/// exec does.
pub(crate) fn check_executable(path: CStrRef<'_>) -> Result<(), Errno> {
    let file = open(path, libc::O_PATH)?;
    if !status(file.number())?.is(libc::S_IFREG) {
        return Err(Errno(libc::EACCES));
    }
    let flags = libc::AT_EMPTY_PATH | libc::AT_EACCESS;
    let arguments = [word(file.0), CStrRef::EMPTY.address(), word(libc::X_OK), word(flags)];
    // SAFETY: a descriptor and an empty C string.
    match done(unsafe { syscall(libc::SYS_faccessat2, arguments) }) {
        // Before Linux 5.8: exec will tell.
        Err(Errno(libc::ENOSYS)) => Ok(()),
        other => other,
    }
}

/// `int fcntl(int fd, F_DUPFD_CLOEXEC, 0)`, fcntl(2).
pub(crate) fn copy_descriptor(descriptor: i32) -> Result<Handle, Errno> {
    // SAFETY: numbers only.
    handle(unsafe { syscall(libc::SYS_fcntl, [word(descriptor), word(libc::F_DUPFD_CLOEXEC), 0]) })
}

/// `int accept4(int sockfd, NULL, NULL, SOCK_CLOEXEC)`, accept(2).
pub(crate) fn accept(socket: i32) -> Result<Handle, Errno> {
    loop {
        // SAFETY: numbers only; the address is not asked for.
        match handle(unsafe { syscall(libc::SYS_accept4, [word(socket), 0, 0, word(libc::SOCK_CLOEXEC)]) }) {
            Err(Errno(libc::EINTR | libc::ECONNABORTED)) => {}
            other => return other,
        }
    }
}

/// `int close(int fd)`, close(2), of a descriptor that was inherited.
pub(crate) fn close(descriptor: i32) {
    drop(Handle(descriptor));
}

/// `off_t lseek(int fd, 0, SEEK_END)`, lseek(2): how many bytes a file has.
pub(crate) fn length_of(file: i32) -> Result<usize, Errno> {
    // SAFETY: numbers only.
    let length = check(unsafe { syscall(libc::SYS_lseek, [word(file), 0, word(libc::SEEK_END)]) })?;
    usize::try_from(length).map_err(|_| Errno(libc::EIO))
}

/// `int openat(int dirfd, const char *pathname, int flags, mode_t mode)`, open(2), of a file that may be new.
pub(crate) fn open_with_mode(folder: i32, name: CStrRef<'_>, flags: i32, mode: u32) -> Result<Handle, Errno> {
    let arguments = [word(folder), name.address(), word(flags | libc::O_CLOEXEC | libc::O_NOFOLLOW), mode as usize];
    // SAFETY: a C string that outlives the call.
    handle(unsafe { syscall(libc::SYS_openat, arguments) })
}

/// `ssize_t writev(int fd, const struct iovec *iov, int iovcnt)`, readv(2), all of it.
pub(crate) fn write_all_parts(file: &Handle, parts: [&[u8]; 3]) -> Result<(), Errno> {
    let vectors = parts.map(|part| libc::iovec { iov_base: part.as_ptr().cast_mut().cast(), iov_len: part.len() });
    // SAFETY: three parts, borrowed for as long as the call takes, which only reads them.
    let written = check(unsafe { syscall(libc::SYS_writev, [word(file.0), address(&vectors), vectors.len()]) })?;
    let mut written = usize::try_from(written).unwrap_or(0);
    for part in parts {
        let rest = part.get(written.min(part.len())..).unwrap_or_default();
        written = written.saturating_sub(part.len());
        write_all(file, rest)?;
    }
    Ok(())
}

/// `int renameat(int olddirfd, const char *oldpath, int newdirfd, const char *newpath)`, rename(2), in one folder.
pub(crate) fn rename(folder: i32, from: CStrRef<'_>, to: CStrRef<'_>) -> Result<(), Errno> {
    let arguments = [word(folder), from.address(), word(folder), to.address(), 0];
    // SAFETY: two C strings that outlive the call.
    done(unsafe { syscall(libc::SYS_renameat2, arguments) })
}

/// `int unlinkat(int dirfd, const char *pathname, 0)`, unlink(2).
pub(crate) fn unlink(folder: i32, name: CStrRef<'_>) -> Result<(), Errno> {
    // SAFETY: a C string that outlives the call.
    done(unsafe { syscall(libc::SYS_unlinkat, [word(folder), name.address(), 0]) })
}
