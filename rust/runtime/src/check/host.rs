//! What the probes share: this process's standing, and the files that explain a refusal.

use std::fs;

use nix::sched::CloneFlags;

use super::trial::{Refused, Trial};
use crate::advice::UsernsFacts;
use crate::status::Status;

/// This process and its surroundings, before anything is tried.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) kernel: String,
    pub(super) status: Status,
    pub(super) facts: UsernsFacts,
    pub(super) mountinfo: String,
    /// What makes this user root of its user namespace: one line each, as user_namespaces(7) has it.
    pub(super) uid_map: String,
    pub(super) gid_map: String,
    /// Why there is no user namespace, where that is so.
    pub(super) no_user_namespace: Option<Refused>,
}

impl Host {
    pub(super) fn look() -> Self {
        let facts = UsernsFacts::gather();
        let status = Status::parse(&facts.status);
        let mut host = Self {
            kernel: text("/proc/sys/kernel/osrelease"),
            status,
            facts,
            mountinfo: text("/proc/self/mountinfo"),
            uid_map: format!("0 {} 1\n", status.uid),
            gid_map: format!("0 {} 1\n", status.gid),
            no_user_namespace: None,
        };
        host.no_user_namespace = Trial::in_user_namespace(&host, CloneFlags::empty()).run().err();
        host
    }
}

/// A file's text without the end of its last line; empty where it cannot be read.
pub(super) fn text(path: &str) -> String {
    fs::read_to_string(path).map(|text| text.trim_end().to_string()).unwrap_or_default()
}
