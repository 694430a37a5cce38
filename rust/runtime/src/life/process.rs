//! Whether a process is still the one that was noted down, and who we are.

use std::env;
use std::fs;
use std::path::PathBuf;

use nix::unistd::{getegid, geteuid};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::users::database::accounts;

/// A process, and when it started, in clock ticks since boot: a number is given anew, the two together are not.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// Its number as we see it.
    pub pid: i32,
    /// Field 22 of proc_pid_stat(5).
    pub start_time: u64,
}

/// What became of it.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct Condition {
    /// It can still do something.
    alive: bool,
    /// It has ended, and nobody has waited for it.
    zombie: bool,
}

/// Where containers are to be kept.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// A folder; absent: the usual one.
    root: Option<PathBuf>,
    /// Whether the usual one is a user's own; absent: where we are no root, or root of a user namespace alone.
    rootless: Option<bool>,
}

/// Who we are, and where.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Host {
    /// This process.
    #[serde(flatten)]
    process: Process,
    /// The folder of the containers, absolute.
    root: PathBuf,
    /// Our user.
    uid: u32,
    /// Our group.
    gid: u32,
    /// The name of our user, or its number where it has none.
    owner: String,
    /// Seconds since 1970, and nanoseconds.
    now: (u64, u32),
}

impl Process {
    /// The process that has this number now.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        Stat::of(pid).map(|stat| Self { pid, start_time: stat.start_time })
    }

    /// Whether it is still there, be it as a zombie.
    pub(crate) fn is_there(&self) -> bool {
        Self::of(self.pid) == Some(*self)
    }
}

/// `process`: whether a process is there.
pub(crate) fn process(process: &Process) -> Condition {
    match Stat::of(process.pid) {
        Some(stat) if stat.start_time == process.start_time => {
            Condition { alive: !stat.has_ended(), zombie: stat.state == b'Z' }
        }
        _ => Condition { alive: false, zombie: false },
    }
}

/// `host`: who we are, and where containers are kept.
///
/// # Errors
/// [`Error::System`] where this folder is gone, and a relative root with it; [`Error::Spec`] where there is no place.
pub(crate) fn host(Asked { root, rootless }: &Asked) -> Result<Host, Error> {
    let pid = nix::unistd::getpid().as_raw();
    let start_time = Stat::of(pid).map_or(0, |stat| stat.start_time);
    let root = match root {
        Some(root) => std::path::absolute(root).map_err(|_| Error::spec("root", "must be a folder; it is empty"))?,
        None => usual_root(*rootless)?,
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = (now.as_secs(), now.subsec_nanos());
    let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
    Ok(Host { process: Process { pid, start_time }, root, uid, gid, owner: owner(uid), now })
}

/// Where root keeps containers.
pub(super) const SYSTEM_ROOT: &str = "/run/minicontainer";

fn usual_root(rootless: Option<bool>) -> Result<PathBuf, Error> {
    if !rootless.unwrap_or_else(is_rootless) {
        return Ok(SYSTEM_ROOT.into());
    }
    let folder = env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder =
        folder.or_else(|| Some(format!("/run/user/{}", geteuid()).into()).filter(|folder: &PathBuf| folder.is_dir()));
    match folder {
        Some(folder) if folder.is_absolute() => Ok(folder.join("minicontainer")),
        _ => {
            Err(Error::spec("root", "must be given: neither XDG_RUNTIME_DIR nor /run/user has a folder of this user's"))
        }
    }
}

/// As runc has it: who is root only of a user namespace, as Podman's processes are, has a user's own folder.
fn is_rootless() -> bool {
    if !geteuid().is_root() {
        return true;
    }
    let all_ids = "         0          0 4294967295";
    let in_user_namespace = fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.trim_end() != all_ids);
    let has_folder = env::var_os("XDG_RUNTIME_DIR").is_some_and(|folder| !folder.is_empty());
    in_user_namespace && has_folder && env::var_os("USER").is_none_or(|user| user != "root")
}

fn owner(uid: u32) -> String {
    let passwd = fs::read("/etc/passwd").unwrap_or_default();
    accounts(&passwd).find(|account| account.uid == uid).map_or_else(|| uid.to_string(), |account| account.name)
}

/// What stands in proc_pid_stat(5).
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: u8,
    start_time: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The program's name stands in parentheses, and may have anything in it.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split(' ');
        Some(Self { state: *fields.next()?.as_bytes().first()?, start_time: fields.nth(18)?.parse().ok()? })
    }

    fn has_ended(&self) -> bool {
        matches!(self.state, b'Z' | b'X' | b'x')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let own = host(&Asked { root: Some("/x".into()), rootless: None }).unwrap().process;
        assert_eq!(process(&own), Condition { alive: true, zombie: false });
        let another = Process { start_time: own.start_time + 1, ..own };
        assert_eq!(process(&another), Condition { alive: false, zombie: false });
    }

    #[test]
    fn a_child_that_nobody_waited_for_is_a_zombie() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        while Stat::of(pid).is_some_and(|stat| !stat.has_ended()) {
            std::thread::yield_now();
        }
        let start_time = Stat::of(pid).unwrap().start_time;
        assert_eq!(process(&Process { pid, start_time }), Condition { alive: false, zombie: true });
        child.wait().unwrap();
        assert_eq!(process(&Process { pid, start_time }), Condition { alive: false, zombie: false });
    }

    #[test]
    fn a_name_may_look_like_fields() {
        let rest = "R 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4711 0";
        let stat = Stat::parse(&format!("7 (a) S 1 (b) {rest}")).unwrap();
        assert_eq!(stat, Stat { state: b'R', start_time: 4711 });
        assert_eq!(Stat::parse("7 (a"), None);
    }

    #[test]
    fn a_root_is_absolute() {
        let root = host(&Asked { root: Some("relative".into()), rootless: None }).unwrap().root;
        assert_eq!(root, env::current_dir().unwrap().join("relative"));
        assert!(matches!(host(&Asked { root: Some("".into()), rootless: None }), Err(Error::Spec { .. })));
    }
}
