//! Which file a plan would execute: Deno's `--allow-run=PATH` is checked against it before anything is started.

use std::path::PathBuf;

use nix::unistd::{AccessFlags, access};

use crate::plan::Plan;

/// The absolute path of the first file that exec would take; of none, the first that it would try.
#[must_use]
pub fn resolve(plan: &Plan) -> PathBuf {
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let is_executable = |path: &PathBuf| path.is_file() && access(path, AccessFlags::X_OK).is_ok();
    let first = plan.program_paths(&folder).find(is_executable);
    first.or_else(|| plan.program_paths(&folder).next()).unwrap_or_else(|| folder.join(&plan.program))
}
