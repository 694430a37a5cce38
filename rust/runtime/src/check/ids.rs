//! Ranges of ids for user namespaces: subuid(5), subgid(5), and the programs that hand them out.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use super::host::{Host, text};
use super::tools::find;
use super::{Group, Probe};
use crate::launch::probe::has_file_capabilities;

const PACKAGE: &str = "install uidmap (Debian, Ubuntu) or shadow-utils (Fedora)";

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    vec![
        ranges(host, "subordinateUids", "/etc/subuid", 7, "--add-subuids"),
        ranges(host, "subordinateGids", "/etc/subgid", 6, "--add-subgids"),
        mapper("newuidmap"),
        mapper("newgidmap"),
    ]
}

/// `capability` is what maps any id without a range: CAP_SETUID or CAP_SETGID.
fn ranges(host: &Host, name: &'static str, path: &str, capability: u32, option: &str) -> Probe {
    let uid = host.status.uid;
    let user = user_name(&text("/etc/passwd"), uid);
    let found = ranges_of(&text(path), user.as_deref(), uid);
    if !found.is_empty() {
        let found = found.iter().map(|(first, count)| format!("{first}-{}", first.saturating_add(count - 1)));
        return Probe::works(name, Group::Ids, format!("{} ({path})", found.collect::<Vec<_>>().join(", ")));
    }
    if host.status.has(capability) {
        return Probe::works(name, Group::Ids, "any, by capability; no range is needed");
    }
    let user = user.unwrap_or_else(|| uid.to_string());
    let remedy = format!("usermod {option} 100000-165535 {user} as root: until then a container has one id only");
    Probe::fails(name, Group::Ids, format!("{path} has no range for {user}"), Some(remedy))
}

/// The name of `passwd(5)` of a user.
fn user_name(passwd: &str, uid: u32) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_string())
    })
}

/// The ranges of a user in subuid(5): `name or uid:first:count`. An empty one is none.
fn ranges_of(file: &str, name: Option<&str>, uid: u32) -> Vec<(u32, u32)> {
    let lines = file.lines().filter_map(|line| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        let (first, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (Some(owner) == name || owner.parse() == Ok(uid)).then_some((first, count))
    });
    lines.filter(|(_, count)| *count > 0).collect()
}

fn mapper(name: &'static str) -> Probe {
    let Some(path) = find(name) else {
        return Probe::fails(name, Group::Ids, "not found", Some(PACKAGE.into()));
    };
    let shown = path.display();
    if let Some(right) = right_of(&path) {
        return Probe::works(name, Group::Ids, format!("{shown} ({right})"));
    }
    let (detail, remedy) = if fs::metadata(&path).is_ok_and(|file| file.uid() != 0) {
        ("does not belong to root", "outside of a user namespace it may")
    } else {
        ("has neither the set-user-ID bit nor capabilities", "chmod u+s as root")
    };
    Probe::fails(name, Group::Ids, format!("{shown} {detail}"), Some(remedy.into()))
}

/// By what a program maps ids that are not its caller's.
fn right_of(path: &Path) -> Option<&'static str> {
    let file = fs::metadata(path).ok()?;
    if file.uid() == 0 && file.permissions().mode() & 0o4000 != 0 {
        return Some("set-user-ID");
    }
    let path = CString::new(path.as_os_str().as_encoded_bytes()).ok()?;
    has_file_capabilities(&path).then_some("file capabilities")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_found_by_name_and_by_number() {
        let file = "ann:100000:65536\n# no entry\n1000:300000:10\nbob:1:2\nann:5:0\nann:x:1\n";
        assert_eq!(ranges_of(file, Some("ann"), 1000), [(100_000, 65536), (300_000, 10)]);
        assert_eq!(ranges_of(file, None, 7), []);
    }

    #[test]
    fn a_users_name_is_the_first_with_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(user_name(passwd, 1000).as_deref(), Some("ann"));
        assert_eq!(user_name(passwd, 1), None);
    }
}
