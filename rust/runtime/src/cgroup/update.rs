//! Other limits for a cgroup that is there.

use std::path::PathBuf;

use nix::errno::Errno;

use super::file::read;
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
        if let Some(unit) = &self.unit {
            let properties = systemd::property::properties(writes.iter());
            systemd::scope::update(unit, systemd::is_users(), &properties)?;
        }
        set(placed.iter().map(|(folder, write)| (folder, *write)))
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
