//! The way out where a user namespace is refused. The kernel says `EPERM` for five causes; files tell which one it was.

use std::fs;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;

use crate::status::Status;

/// What the machine says of user namespaces, as recorded.
#[derive(Clone, Debug, Default)]
pub struct UsernsFacts {
    /// `/proc/sys/user/max_user_namespaces`.
    pub max_user_namespaces: Option<String>,
    /// `/proc/sys/kernel/unprivileged_userns_clone`, Debian's.
    pub unprivileged_userns_clone: Option<String>,
    /// `/proc/sys/kernel/apparmor_restrict_unprivileged_userns`, Ubuntu's.
    pub apparmor_restrict: Option<String>,
    /// `/proc/self/attr/current`: the AppArmor profile that this process is under.
    pub apparmor_profile: Option<String>,
    /// `/proc/self/status`.
    pub status: String,
    /// `/proc/self/uid_map`.
    pub uid_map: Option<String>,
    /// Whether this process's root is not its mount namespace's.
    pub is_chrooted: bool,
}

impl UsernsFacts {
    /// Reads the files; what cannot be read is absent.
    #[must_use]
    pub fn gather() -> Self {
        let read = |path: &str| fs::read_to_string(path).ok();
        Self {
            max_user_namespaces: read("/proc/sys/user/max_user_namespaces"),
            unprivileged_userns_clone: read("/proc/sys/kernel/unprivileged_userns_clone"),
            apparmor_restrict: read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"),
            apparmor_profile: read("/proc/self/attr/apparmor/current").or_else(|| read("/proc/self/attr/current")),
            status: read("/proc/self/status").unwrap_or_default(),
            uid_map: read("/proc/self/uid_map"),
            is_chrooted: is_chrooted(),
        }
    }
}

/// What to do, in one line, where creating a user namespace, or mounting inside of one, failed with `errno`; `None`
/// where nothing that was recorded explains it.
#[must_use]
pub fn userns_advice(facts: &UsernsFacts, errno: Errno) -> Option<String> {
    match errno {
        Errno::ENOSPC | Errno::EUSERS => Some(limit_advice(facts)),
        Errno::EPERM | Errno::EACCES => permission_advice(facts),
        Errno::EINVAL | Errno::ENOSYS => Some("the kernel is built without user namespaces (CONFIG_USER_NS)".into()),
        _ => None,
    }
}

fn limit_advice(facts: &UsernsFacts) -> String {
    match number(facts.max_user_namespaces.as_ref()) {
        Some(0) => "user namespaces are switched off: sysctl -w user.max_user_namespaces=15000 as root".into(),
        Some(limit) => format!(
            "too many user namespaces: user.max_user_namespaces is {limit} here, and one further out may have less; \
             or they are nested more than 32 deep"
        ),
        None => "too many user namespaces, or nested more than 32 deep".into(),
    }
}

/// In the order in which the kernel asks.
fn permission_advice(facts: &UsernsFacts) -> Option<String> {
    let status = Status::parse(&facts.status);
    let is_privileged = status.has_admin();
    if !is_privileged && number(facts.unprivileged_userns_clone.as_ref()) == Some(0) {
        return Some("sysctl -w kernel.unprivileged_userns_clone=1 as root; this system keeps them to root".into());
    }
    if facts.is_chrooted {
        return Some("this process is in a chroot, where the kernel allows none: enter by pivot_root instead".into());
    }
    if facts.uid_map.as_ref().is_some_and(|map| !maps(map, status.uid)) {
        let uid = status.uid;
        return Some(format!("user {uid} has no mapping in the user namespace around this process: map it"));
    }
    if status.seccomp == 2 {
        return Some(
            "a seccomp filter is on this process: start the outer container with --security-opt seccomp=unconfined, \
             or a profile that allows clone, unshare, mount and pivot_root"
                .into(),
        );
    }
    if !is_privileged && number(facts.apparmor_restrict.as_ref()) == Some(1) {
        return Some(
            "AppArmor keeps them from ordinary users: install an AppArmor profile for the program with `userns,`, or \
             sysctl -w kernel.apparmor_restrict_unprivileged_userns=0 as root"
                .into(),
        );
    }
    let profile = facts.apparmor_profile.as_ref().and_then(|text| text.trim().strip_suffix(" (enforce)"));
    profile.map(|profile| {
        format!(
            "the AppArmor profile {profile} is on this process: start the outer container with --security-opt \
             apparmor=unconfined"
        )
    })
}

fn number(text: Option<&String>) -> Option<u64> {
    text?.trim().parse().ok()
}

/// Whether a `uid_map` (user_namespaces(7): id inside, id outside, how many) has this id inside.
fn maps(uid_map: &str, uid: u32) -> bool {
    let mut ranges = uid_map.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().map(|word| word.parse::<u64>().ok());
        let (first, _, count) = (numbers.next()??, numbers.next()??, numbers.next()??);
        Some(first..first.saturating_add(count))
    });
    ranges.any(|range| range.contains(&u64::from(uid)))
}

/// The list of mounts shows those below a process's root; in a chroot there is mostly none at `/`. Where the root is a
/// mount all the same, PID 1's may tell.
fn is_chrooted() -> bool {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let has_root = mounts.lines().any(|line| line.split(' ').nth(4) == Some("/"));
    (!mounts.is_empty() && !has_root) || is_unlike_init()
}

fn is_unlike_init() -> bool {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let root = |path: &str| fs::metadata(path).map(|folder| (folder.dev(), folder.ino())).ok();
    match (namespace("1"), namespace("self"), root("/proc/1/root"), root("/")) {
        (Some(init), Some(own), Some(inits_root), Some(own_root)) => init == own && inits_root != own_root,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\nSeccomp:\t0\n";
    const ROOT: &str = "Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\nSeccomp:\t0\n";
    const IN_DOCKER: &str = "Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\nSeccomp:\t2\n";

    fn facts(status: &str) -> UsernsFacts {
        UsernsFacts {
            max_user_namespaces: Some("63214\n".into()),
            status: status.into(),
            uid_map: Some("         0          0 4294967295\n".into()),
            apparmor_profile: Some("unconfined\n".into()),
            ..UsernsFacts::default()
        }
    }

    fn advice(facts: &UsernsFacts, errno: Errno) -> String {
        userns_advice(facts, errno).unwrap_or_default()
    }

    #[test]
    fn a_limit_of_none_is_told_from_one_that_is_reached() {
        let none = UsernsFacts { max_user_namespaces: Some("0\n".into()), ..facts(USER) };
        assert!(advice(&none, Errno::ENOSPC).contains("sysctl -w user.max_user_namespaces="));
        assert!(advice(&facts(USER), Errno::ENOSPC).contains("is 63214 here"));
        assert!(advice(&UsernsFacts::default(), Errno::ENOSPC).contains("32 deep"));
    }

    #[test]
    fn debians_switch_concerns_ordinary_users_only() {
        let off = Some("0\n".to_string());
        let user = UsernsFacts { unprivileged_userns_clone: off.clone(), ..facts(USER) };
        assert!(advice(&user, Errno::EPERM).starts_with("sysctl -w kernel.unprivileged_userns_clone=1"));
        let root = UsernsFacts { unprivileged_userns_clone: off, ..facts(ROOT) };
        assert_eq!(userns_advice(&root, Errno::EPERM), None);
        let on = UsernsFacts { unprivileged_userns_clone: Some("1\n".into()), ..facts(USER) };
        assert_eq!(userns_advice(&on, Errno::EPERM), None);
    }

    #[test]
    fn ubuntus_apparmor_names_the_profile_and_the_sysctl() {
        let ubuntu = UsernsFacts { apparmor_restrict: Some("1\n".into()), ..facts(USER) };
        for errno in [Errno::EPERM, Errno::EACCES] {
            let advice = advice(&ubuntu, errno);
            assert!(advice.contains("`userns,`") && advice.contains("apparmor_restrict_unprivileged_userns=0"));
        }
        let off = UsernsFacts { apparmor_restrict: Some("0\n".into()), ..facts(USER) };
        assert_eq!(userns_advice(&off, Errno::EPERM), None);
    }

    #[test]
    fn dockers_filter_is_told_before_its_profile() {
        let docker = UsernsFacts { apparmor_profile: Some("docker-default (enforce)\n".into()), ..facts(IN_DOCKER) };
        assert!(advice(&docker, Errno::EPERM).contains("--security-opt seccomp=unconfined"));
        let unfiltered = UsernsFacts { status: IN_DOCKER.replace("Seccomp:\t2", "Seccomp:\t0"), ..docker };
        assert!(advice(&unfiltered, Errno::EACCES).contains("the AppArmor profile docker-default is on"));
    }

    #[test]
    fn a_chroot_and_an_unmapped_user_are_told() {
        let chroot = UsernsFacts { is_chrooted: true, ..facts(ROOT) };
        assert!(advice(&chroot, Errno::EPERM).contains("in a chroot"));
        let unmapped = UsernsFacts { uid_map: Some("0 1000 1\n".into()), ..facts(USER) };
        assert!(advice(&unmapped, Errno::EPERM).starts_with("user 1000 has no mapping"));
    }

    #[test]
    fn a_kernel_without_them_is_told_and_what_is_not_known_is_not_guessed() {
        assert!(advice(&facts(USER), Errno::EINVAL).contains("CONFIG_USER_NS"));
        assert_eq!(userns_advice(&facts(ROOT), Errno::EPERM), None);
        assert_eq!(userns_advice(&facts(USER), Errno::ENOMEM), None);
    }

    #[test]
    fn this_machine_can_be_asked() {
        let facts = UsernsFacts::gather();
        assert!(facts.status.starts_with("Name:"));
        assert!(facts.uid_map.is_some());
    }
}
