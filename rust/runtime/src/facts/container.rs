//! Facts that only a container needs: who we are, which ids there are, what the kernel can.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;

use super::{Facts, HostDevice, io_reason, read_text};
use crate::cgroup::{Survey, arrange};
use crate::check::mountinfo;
use crate::error::Error;
use crate::id_ranges::{self, IdMapping};
use crate::launch::{features, probe, tty};
use crate::seccomp::spec::Seccomp;
use crate::spec::{MapIds, MountApi, Namespace, NamespaceKind, Spec, Tty};
use crate::users;

/// Capabilities 6 and 7 of capabilities(7): `CAP_SETGID` and `CAP_SETUID`.
const SET_IDS: u64 = 1 << 6 | 1 << 7;

/// Adds what `spec` asks for.
pub(super) fn gather(mut facts: Facts, spec: &Spec) -> Result<Facts, Error> {
    if arrange::is_wanted(spec) {
        facts.cgroups = Some(Survey::take(spec)?);
    }
    let has_files = spec.root.is_some() || !spec.mounts.is_empty();
    let makes_user_namespace =
        spec.linux.namespaces.iter().any(|ns| ns.kind == NamespaceKind::User && ns.path.is_none());
    if has_files {
        facts.folder = std::env::current_dir().unwrap_or_default();
        facts.has_classic_mounts = match spec.minicontainer.mount_api {
            MountApi::Auto => !features::has_mounts_by_descriptor(),
            MountApi::New => false,
            MountApi::Classic => true,
        };
    }
    if facts.has_classic_mounts && spec.mounts.iter().any(|mount| mount.kind.starts_with("cgroup")) {
        let text = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let below = mountinfo::mounts(&text).filter_map(|mount| mount.point.strip_prefix("/sys/fs/cgroup/"));
        facts.cgroup_hierarchies = below.map(String::from).collect();
    }
    if makes_user_namespace || spec.process.capabilities.is_some() {
        (facts.uid, facts.gid) = (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        facts.capabilities = features::permitted_capabilities();
        facts.may_set_ids = facts.capabilities & SET_IDS == SET_IDS;
    }
    if makes_user_namespace && spec.linux.uid_mappings.is_empty() && spec.linux.gid_mappings.is_empty() {
        facts.id_mappings = id_mappings(&mut facts, spec.minicontainer.map_ids);
    }
    if spec.root.is_some() || spec.minicontainer.run_as.is_some() || spec.minicontainer.users_of.is_some() {
        find_user(&mut facts, spec)?;
    }
    if spec.minicontainer.landlock.is_some() {
        facts.landlock_version =
            probe::landlock_version().ok().and_then(|version| u32::try_from(version).ok()).unwrap_or(0);
    }
    facts.denies_groups = spec.linux.namespaces.iter().any(denies_groups);
    if let Some(path) = &spec.minicontainer.seccomp_file {
        facts.seccomp = Some(read_filter(path)?);
    }
    for (index, path) in spec.minicontainer.host_devices.iter().enumerate() {
        facts.host_devices.push(device(path, &format!("minicontainer.hostDevices[{index}]"))?);
    }
    if spec.minicontainer.foreground && (spec.process.terminal || spec.minicontainer.tty != Tty::Never) {
        look_at_terminals(&mut facts, spec.minicontainer.tty);
    }
    if spec.linux.intel_rdt.is_some() {
        let mounted = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        facts.resctrl =
            mountinfo::mounts(&mounted).find(|mount| mount.kind == "resctrl").map(|mount| mount.point.to_string());
    }
    if !spec.process.apparmor_profile.is_empty() {
        let enabled = fs::read_to_string("/sys/module/apparmor/parameters/enabled").unwrap_or_default();
        facts.has_apparmor = enabled.starts_with('Y');
        let own = "/proc/self/attr/apparmor/exec";
        facts.apparmor_file = if Path::new(own).exists() { own } else { "/proc/self/attr/exec" };
    }
    facts.has_selinux = !(spec.process.selinux_label.is_empty() && spec.linux.mount_label.is_empty())
        && Path::new("/sys/fs/selinux/enforce").exists();
    Ok(facts)
}

/// `/proc/PID/setgroups` of a user namespace that is named as `/proc/PID/ns/user`, user_namespaces(7).
fn denies_groups(namespace: &Namespace) -> bool {
    let process = namespace.path.as_deref().and_then(|path| path.strip_suffix("ns/user"));
    process.is_some_and(|process| {
        fs::read_to_string(format!("{process}setgroups")).is_ok_and(|word| word.trim_end() == "deny")
    })
}

/// What of this process's streams is a terminal: only where stdin is one does the program need one unasked.
fn look_at_terminals(facts: &mut Facts, wanted: Tty) {
    if wanted == Tty::Auto && io::stdin().is_terminal() {
        facts.terminals = [true, io::stdout().is_terminal(), io::stderr().is_terminal()];
    }
    facts.terminal_size = tty::own_size();
}

/// Reads a file with OCI's `linux.seccomp`.
fn read_filter(path: &str) -> Result<Seccomp, Error> {
    let field = || "minicontainer.seccompFile".to_string();
    let text = read_text(field, path)?;
    serde_json::from_str(&text)
        .map_err(|error| Error::spec(field(), format!("{path:?} is no seccomp profile: {error}")))
}

/// Looks at a device file of the host's.
fn device(path: &str, field: &str) -> Result<HostDevice, Error> {
    let status = fs::metadata(path).map_err(|error| Error::spec(field, format!("{path:?}: {}", io_reason(&error))))?;
    let kind = status.mode() & libc::S_IFMT;
    if kind != libc::S_IFCHR && kind != libc::S_IFBLK {
        return Err(Error::spec(field, format!("must name a device; {path:?} is none")));
    }
    let device = (libc::major(status.rdev()), libc::minor(status.rdev()));
    Ok(HostDevice { mode: status.mode(), device, owner: (status.uid(), status.gid()) })
}

/// The caller's own ids as 0, and behind them the ranges that the host has set apart for it.
fn id_mappings(facts: &mut Facts, wanted: MapIds) -> (Vec<IdMapping>, Vec<IdMapping>) {
    let single = (id_ranges::single(facts.uid), id_ranges::single(facts.gid));
    if wanted == MapIds::Single {
        return single;
    }
    let missing_helper = ["newuidmap", "newgidmap"].into_iter().find(|helper| find_helper(helper).is_none());
    if let (false, Some(helper)) = (facts.may_set_ids, missing_helper) {
        facts.degraded.push(format!("only one user id is mapped: {helper} is not installed (Debian: uidmap)"));
        return single;
    }
    let name = fs::read("/etc/passwd").ok().and_then(|text| users::user_name(&text, facts.uid));
    let ranges = |file: &str| {
        let text = fs::read_to_string(file).unwrap_or_default();
        id_ranges::ranges_of(&text, name.as_deref(), facts.uid)
    };
    let (uids, gids) = (ranges("/etc/subuid"), ranges("/etc/subgid"));
    if uids.is_empty() || gids.is_empty() {
        let file = if uids.is_empty() { "/etc/subuid" } else { "/etc/subgid" };
        let who = name.unwrap_or_else(|| facts.uid.to_string());
        facts.degraded.push(format!("only one user id is mapped: {file} has no range for {who}"));
        return single;
    }
    (id_ranges::with_ranges(facts.uid, &uids), id_ranges::with_ranges(facts.gid, &gids))
}

/// Folders that a helper is looked for in: whoever sets PATH must not choose what maps ids.
const HELPER_FOLDERS: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];

/// The path of `newuidmap(1)` or `newgidmap(1)`.
#[must_use]
pub fn find_helper(name: &str) -> Option<PathBuf> {
    HELPER_FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// Who the program is, by the files of the root that it gets.
fn find_user(facts: &mut Facts, spec: &Spec) -> Result<(), Error> {
    let own = || spec.root.as_ref().map_or_else(|| Ok("/".into()), |root| facts.absolute(&root.path));
    let path = spec.minicontainer.users_of.clone().map_or_else(own, Ok)?;
    let root = match (open_folder(&path), &spec.minicontainer.run_as) {
        (Ok(root), _) => root,
        (Err(errno), Some(_)) => return Err(Error::system(format!("open the root filesystem {path:?}"), errno)),
        // A root that isn't there is for the step that opens it to tell.
        (Err(_), None) => return Ok(()),
    };
    let root: BorrowedFd<'_> = root.as_fd();
    if let Some(name) = &spec.minicontainer.run_as {
        let mut user = users::find(root, name, "minicontainer.runAs")?;
        // Its own group is one of its groups: CVE-2022-2990.
        if !user.additional_gids.contains(&user.gid) {
            user.additional_gids.push(user.gid);
        }
        facts.home.clone_from(&user.home);
        facts.user = Some(user);
    } else {
        let uid = spec.process.user.as_ref().and_then(|user| user.uid).unwrap_or(0);
        // A home is a courtesy: a root whose files cannot be read has none.
        facts.home = users::home(root, uid, "process.user").unwrap_or_default();
    }
    Ok(())
}

fn open_folder(path: &str) -> Result<File, Errno> {
    let mut options = fs::OpenOptions::new();
    options.read(true).custom_flags(libc::O_PATH | libc::O_DIRECTORY);
    options.open(path).map_err(|error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)))
}
