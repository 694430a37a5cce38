//! Other limits for a cgroup that is there.

use std::path::PathBuf;

use nix::errno::Errno;

use super::file::read;
use super::layout::SYSTEMD;
use super::make::set;
use super::place::Place;
use super::resources::{Resources, Version, Write, writes};
use super::systemd;
use crate::error::Error;

impl Place {
    /// Changes the limits that are given, and no others.
    ///
    /// # Errors
    /// [`Error::Spec`] with the field that cannot be; [`Error::Unsupported`] where there is no such controller;
    /// [`Error::System`] with what was refused.
    pub fn update(&self, resources: &Resources) -> Result<(), Error> {
        let name = |controller: &str| if controller == "io" { "blkio" } else { controller }.to_string();
        let version_of = |controller: &str| {
            if self.legacy(&name(controller)).is_some() { Version::One } else { Version::Two }
        };
        let writes = writes(resources, version_of)?;
        self.check_memory(resources)?;
        let folder_of = |write: &Write| {
            let is_of_unified = write.field.starts_with("linux.resources.unified.");
            let legacy = if is_of_unified { None } else { self.legacy(&name(&write.controller)) };
            legacy.or(self.unified()).map(PathBuf::from)
        };
        let missing = |write: &Write| Error::Unsupported {
            feature: write.field.clone(),
            needs: format!("a cgroup with the controller {}", write.controller),
        };
        let placed =
            writes.iter().map(|write| folder_of(write).map(|folder| (folder, write)).ok_or_else(|| missing(write)));
        let placed: Vec<_> = placed.collect::<Result<_, _>>()?;
        let set = || set(placed.iter().map(|(folder, write)| (folder, *write)));
        let Some(unit) = &self.unit else { return set() };
        // Version 1 has no quota above that of the scope: a lower one is the container's first, a higher one the scope's.
        let is_set = self.legacy(SYSTEMD).is_some() && set().is_ok();
        let known = self.quota_before(&writes);
        let properties = systemd::property::properties(known.iter().chain(&writes));
        systemd::scope::update(unit, systemd::is_users(), &properties)?;
        if is_set { Ok(()) } else { set() }
    }

    /// The quota and its period, where one of both is about to be changed, as if they were written: systemd has them as one.
    fn quota_before(&self, writes: &[Write]) -> Vec<Write> {
        let is_changed = |file: &str| writes.iter().flat_map(|write| &write.files).any(|(other, _)| other == file);
        let (folder, files) = match (self.legacy("cpu"), self.unified()) {
            (Some(folder), _) => (folder, &["cpu.cfs_period_us", "cpu.cfs_quota_us"][..]),
            (None, Some(folder)) => (folder, &["cpu.max"][..]),
            (None, None) => return Vec::new(),
        };
        if !files.iter().any(|file| is_changed(file)) {
            return Vec::new();
        }
        let known = files.iter().filter_map(|file| Some((file, read(&folder.join(file)).ok()?)));
        known.map(|(file, text)| Write::new("cpu", file, text.trim(), "cpu")).collect()
    }

    /// OCI's `checkBeforeUpdate`: the kernel would take back what is above the limit, and kill where it can't.
    fn check_memory(&self, resources: &Resources) -> Result<(), Error> {
        let Some(memory) = resources.memory.as_ref().filter(|memory| memory.check_before_update == Some(true)) else {
            return Ok(());
        };
        let file = match (self.legacy("memory"), self.unified()) {
            (Some(folder), _) => folder.join("memory.usage_in_bytes"),
            (None, Some(folder)) => folder.join("memory.current"),
            (None, None) => return Ok(()),
        };
        let used = read(&file).ok().and_then(|text| text.trim().parse::<i64>().ok()).unwrap_or(0);
        match memory.limit.filter(|limit| *limit > 0 && *limit < used) {
            Some(limit) => {
                let error = Error::system(format!("limit memory to {limit} bytes: {used} are used"), Errno::EBUSY);
                Err(error.with_advice("checkBeforeUpdate refuses that"))
            }
            None => Ok(()),
        }
    }
}
