//! Programs that parts of the work can be left to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Group, Probe};

/// Where they are looked for, whatever PATH says.
const FOLDERS: [&str; 6] = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// A program, and where to get it.
const TOOLS: [(&str, &str); 4] = [
    ("nft", "for published ports: install nftables"),
    ("pasta", "for a rootless network: install passt"),
    ("slirp4netns", "for a rootless network, where there is no pasta: install slirp4netns"),
    ("criu", "for checkpoints: install criu"),
];

pub(super) fn probe() -> Vec<Probe> {
    let one = |(name, remedy): (&'static str, &str)| match find(name) {
        Some(path) => Probe::works(name, Group::Tools, path.display().to_string()),
        None => Probe::fails(name, Group::Tools, "not found", Some(remedy.into())),
    };
    TOOLS.into_iter().map(one).collect()
}

/// Where a program is.
pub(super) fn find(name: &str) -> Option<PathBuf> {
    let is_program =
        |path: &PathBuf| fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
    FOLDERS.iter().map(|folder| Path::new(folder).join(name)).find(is_program)
}
