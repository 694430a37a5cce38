//! Who the program is and what it may: ids, capabilities, Landlock, seccomp.

use crate::program::{CStrArray, CStrRef};
use crate::sys::{self, Errno};

/// More capabilities than any kernel has: a set is 64 bits.
const CAPABILITIES: u32 = 64;

/// Writes a file of the host's procfs in one call, as procfs wants it; what is there must be procfs.
pub(crate) fn write_file(path: CStrRef<'_>, text: CStrRef<'_>) -> Result<(), Errno> {
    let file = sys::open(path, libc::O_WRONLY)?;
    let (magic, _) = sys::filesystem_of(file.number())?;
    if magic != sys::PROC_SUPER_MAGIC {
        return Err(Errno(libc::EXDEV));
    }
    sys::write_all(&file, text.bytes())
}

/// Drops from the bounding set what is not in `keep`.
pub(crate) fn limit_capabilities(keep: u64) -> Result<(), Errno> {
    for capability in missing_from(keep) {
        match sys::prctl(libc::PR_CAPBSET_DROP, capability as usize, 0) {
            Ok(_) => {}
            // Above the last that this kernel knows.
            Err(Errno(libc::EINVAL)) => break,
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

fn missing_from(set: u64) -> impl Iterator<Item = u32> {
    (0..CAPABILITIES).filter(move |capability| set & bit(*capability) == 0)
}

fn bit(capability: u32) -> u64 {
    1_u64.checked_shl(capability).unwrap_or(0)
}

/// Group first: afterwards there may be no right to change it. The permitted capabilities stay until they are set.
pub(crate) fn set_ids(uid: u32, gid: u32) -> Result<(), Errno> {
    sys::prctl(libc::PR_SET_KEEPCAPS, 1, 0)?;
    sys::setresgid(gid)?;
    sys::setresuid(uid)?;
    sys::prctl(libc::PR_SET_KEEPCAPS, 0, 0).map(|_| ())
}

/// Raises what can be raised: OCI has a runtime go on where a capability cannot be granted.
pub(crate) fn raise_ambient(set: u64) -> Result<(), Errno> {
    let raise = usize::try_from(libc::PR_CAP_AMBIENT_RAISE).unwrap_or(0);
    for capability in missing_from(!set) {
        match sys::prctl(libc::PR_CAP_AMBIENT, raise, capability as usize) {
            Ok(_) | Err(Errno(libc::EPERM | libc::EINVAL)) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// What Landlock can govern of a file that is no folder: landlock(7).
const OF_A_FILE: u64 = sys::LANDLOCK_EXECUTE
    | sys::LANDLOCK_WRITE_FILE
    | sys::LANDLOCK_READ_FILE
    | sys::LANDLOCK_TRUNCATE
    | sys::LANDLOCK_IOCTL_DEV;

/// Governs all that is `handled`; what lies below the paths may be done.
pub(crate) fn restrict_files(
    handled: u64,
    (read_only, read_access): (CStrArray<'_>, u64),
    read_write: CStrArray<'_>,
) -> Result<(), Errno> {
    let rules = sys::landlock_create_ruleset(handled)?;
    let read_only = read_only.strings().map(|path| (path, read_access));
    let read_write = read_write.strings().map(|path| (path, handled));
    for (path, access) in read_only.chain(read_write) {
        let file = sys::open(path, libc::O_PATH)?;
        let is_folder = sys::status(file.number())?.is(libc::S_IFDIR);
        let access = if is_folder { access } else { access & OF_A_FILE };
        sys::landlock_add_path(&rules, file.number(), access)?;
    }
    sys::landlock_restrict_self(&rules)
}

/// Installs a filter; a listener goes to the parent.
pub(crate) fn install_filter(filter: &[libc::sock_filter], flags: u32, listener: Option<i32>) -> Result<(), Errno> {
    let answer = sys::seccomp(filter, flags)?;
    match listener {
        Some(socket) => sys::send_descriptor(socket, answer),
        None => Ok(()),
    }
}
