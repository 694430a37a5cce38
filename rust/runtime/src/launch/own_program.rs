//! Whether a process executes this process's own program: CVE-2019-5736.
//!
//! The child looks at what it will execute, in [`minicontainer_child`]; who writes to the container's files meanwhile
//! could still put a link to `/proc/self/exe` there after that.

use std::ffi::CString;
use std::fs;
use std::mem::MaybeUninit;
use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use nix::libc;

/// A file of one mount: the filesystem's major and minor number, the file's number there, the mount's number.
type Identity = (u32, u32, u64, u64);

/// What this process executes, which never changes.
static OWN: LazyLock<Option<Identity>> = LazyLock::new(|| identity("/proc/self/exe"));

/// Whether process `pid` executes the file that this one does, by the mount that this one has: a container whose root is
/// the host's `/` may well execute it, by a mount of its own. Where the two have their mounts in common, so may it.
pub(super) fn is_executed_by(pid: i32) -> bool {
    let seems_so = || OWN.is_some() && *OWN == identity(&format!("/proc/{pid}/exe")) && !has_our_mounts(pid);
    // We are woken a moment before the child leaves our memory for the program's, and until then is seen to execute ours.
    let mut looks = 0;
    while seems_so() {
        match has_our_memory(pid) {
            Some(false) => return seems_so(),
            Some(true) => {}
            None if looks == MOST_LOOKS => return true,
            None => looks += 1,
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

/// How often is looked where the kernel does not tell whose memory a process has.
const MOST_LOOKS: u32 = 100;

/// `int kcmp(pid_t pid1, pid_t pid2, KCMP_VM)`, kcmp(2); none where that is not to be known.
fn has_our_memory(pid: i32) -> Option<bool> {
    const KCMP_VM: i32 = 1;
    // SAFETY: numbers only.
    let order = unsafe { libc::syscall(libc::SYS_kcmp, libc::getpid(), pid, KCMP_VM, 0, 0) };
    (order >= 0).then_some(order == 0)
}

fn has_our_mounts(pid: i32) -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    namespace("self") == namespace(&pid.to_string())
}

/// `int statx(AT_FDCWD, const char *pathname, 0, STATX_INO|STATX_MNT_ID, struct statx *)`, statx(2); none where there is
/// no such process, or the kernel does not number mounts (before 5.8).
fn identity(path: &str) -> Option<Identity> {
    let path = CString::new(path).ok()?;
    let mut found = MaybeUninit::<libc::statx>::zeroed();
    let mask = libc::STATX_INO | libc::STATX_MNT_ID;
    // SAFETY: a C string, and a statx of this frame that the kernel fills in.
    let result = unsafe { libc::statx(libc::AT_FDCWD, path.as_ptr(), 0, mask, found.as_mut_ptr()) };
    // SAFETY: all zeroes is a valid statx.
    let found = unsafe { found.assume_init() };
    let is_known = result == 0 && found.stx_mask & mask == mask;
    is_known.then_some((found.stx_dev_major, found.stx_dev_minor, found.stx_ino, found.stx_mnt_id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_mount_and_number() {
        assert!(identity("/proc/self/exe").is_some());
        assert_eq!(identity("/proc/self/exe"), identity(&format!("/proc/{}/exe", std::process::id())));
        assert_ne!(identity("/proc/self/exe"), identity("/bin/sh"));
        assert_eq!(identity("/no/such/file"), None);
    }

    #[test]
    fn memory_is_ours_or_anothers() {
        let own = std::process::id().try_into().unwrap();
        // Where a filter or the kernel's configuration forbids the call, it is unknown.
        assert_ne!(has_our_memory(own), Some(false));
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert_ne!(has_our_memory(child.id().try_into().unwrap()), Some(true));
        drop(child.stdin.take());
        child.wait().unwrap();
    }

    #[test]
    fn who_has_our_mounts_may_execute_what_we_do() {
        assert!(!is_executed_by(std::process::id().try_into().unwrap()));
    }
}
