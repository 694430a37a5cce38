//! What a plan would execute: Deno's `--allow-run=PATH` is checked against it before anything is started.

use std::path::PathBuf;

use nix::unistd::{AccessFlags, access};
use serde::Serialize;

use crate::plan::Plan;

/// What would be executed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// The absolute path of the first file that exec would take; of none, the first that it would try.
    pub program: String,
    /// The variables among the program's that make the dynamic loader load other code: ld.so(8).
    pub loader_variables: Vec<String>,
}

/// Looks for what `plan` would execute.
#[must_use]
pub fn resolve(plan: &Plan) -> Resolved {
    let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    let is_executable = |path: &PathBuf| path.is_file() && access(path, AccessFlags::X_OK).is_ok();
    let first = plan.program_paths(&folder).find(is_executable);
    let program = first.or_else(|| plan.program_paths(&folder).next()).unwrap_or_else(|| folder.join(&plan.program));
    let names = plan.environment().iter().map(|entry| entry.to_string_lossy());
    let loader_variables = names
        .filter(|entry| entry.starts_with("LD_"))
        .map(|entry| entry.split('=').next().unwrap_or_default().to_string())
        .collect();
    Resolved { program: program.to_string_lossy().into_owned(), loader_variables }
}
