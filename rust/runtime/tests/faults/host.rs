//! The host that the containers of these tests start from: a root filesystem, folders, and what must be left of a start
//! that failed, which is nothing.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sched::{CloneFlags, unshare};
use nix::sys::wait::{Id, WaitPidFlag, waitid};

/// Tests that count this process's descriptors and children run one after the other.
static ALONE: Mutex<()> = Mutex::new(());

/// Set in a process that runs one test again, in another way: its root filesystem.
const AGAIN: &str = "MINICONTAINER_TEST_ROOTFS";

/// Folders of a test's own.
pub struct Host {
    folder: PathBuf,
    /// The root filesystem.
    pub rootfs: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Host {
    /// Makes the folders; `None`, with the reason printed, where that cannot be.
    pub fn new(name: &str) -> Option<Self> {
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = env::temp_dir().join(format!("minicontainer-faults-{}-{name}", std::process::id()));
        let given = env::var_os(AGAIN).map(PathBuf::from);
        let rootfs = given.clone().unwrap_or_else(|| folder.join("rootfs"));
        // Dropped where the rest fails, and then removed.
        let host = Self { folder, rootfs, _alone: alone };
        for part in ["volume/below", "layer"] {
            fs::create_dir_all(host.folder.join(part)).unwrap();
        }
        fs::write(host.folder.join("volume/file"), "text").unwrap();
        if given.is_none() {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/rootfs.sh");
            let made = Command::new("sh").arg(script).arg(&host.rootfs).output().unwrap();
            if !made.status.success() {
                skip(name, String::from_utf8_lossy(&made.stderr).trim());
                return None;
            }
        }
        if is_root() {
            share_mounts();
        }
        Some(host)
    }

    /// Makes `user` the owner of the folder and all below: who maps one id sees no other's files as a user's.
    pub fn give_to(&self, user: &str) {
        assert!(Command::new("chown").args(["-R", user]).arg(&self.folder).status().unwrap().success());
    }

    /// A path below the folder, as it stands in JSON.
    pub fn path(&self, part: &str) -> String {
        self.folder.join(part).to_string_lossy().into_owned()
    }

    /// What a start that failed could have left.
    pub fn state(&self) -> State {
        let descriptors = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
        State {
            descriptors: descriptors.map(|path| (path.clone(), fs::read_link(&path).unwrap_or_default())).collect(),
            children: format!(
                "{:?}",
                waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT)
            ),
            mounts: fs::read_to_string("/proc/thread-self/mountinfo").unwrap(),
            hostname: fs::read_to_string("/proc/sys/kernel/hostname").unwrap(),
            files: [files(&self.rootfs), files(&self.folder.join("volume"))].concat(),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // A folder of the temporary ones is left where even that fails.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What a start that failed could have left.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    descriptors: BTreeMap<PathBuf, PathBuf>,
    children: String,
    mounts: String,
    hostname: String,
    files: Vec<PathBuf>,
}

/// All that is below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    let below = found.iter().filter(|path| path.is_dir() && !path.is_symlink()).flat_map(|path| files(path));
    let below: Vec<PathBuf> = below.collect();
    found.extend(below);
    found
}

/// This thread, and what it starts, get mounts of their own that are shared, as systemd has the host's: what a container
/// mounts would be seen here, if it ever left it.
fn share_mounts() {
    unshare(CloneFlags::CLONE_NEWNS).unwrap();
    let shared = Command::new("mount").args(["--make-rshared", "/"]).status().unwrap();
    assert!(shared.success());
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// Whether this process was started by [`again`].
pub fn is_again() -> bool {
    env::var_os(AGAIN).is_some()
}

/// Prints why a test is passed over, past what the test runner keeps to itself.
pub fn skip(name: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "{name}: skipped, for {why}");
}

/// Runs the test `name` once more, alone in a process that `through` starts, with the root filesystem of `host`.
pub fn again(host: &Host, name: &str, through: &[&str]) {
    // A copy, for an ordinary user may not see where this one is.
    let program = host.folder.join("again");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(through[0]);
    command.args(&through[1..]).arg(&program).args(["--exact", name, "--nocapture"]).env(AGAIN, &host.rootfs);
    match command.current_dir("/").output() {
        Ok(output) => {
            let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
            assert!(output.status.success() && text.contains(" 1 passed"), "{through:?}: {text}");
        }
        Err(error) => skip(name, &format!("{} cannot be started: {error}", through[0])),
    }
}
