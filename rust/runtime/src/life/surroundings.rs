//! The environment of this process, for what another is to have of it.

use std::env;

use serde::{Deserialize, Serialize};

/// Which variables.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// Absent: all.
    names: Option<Vec<String>>,
}

/// What was found.
#[derive(Serialize)]
pub(crate) struct Found {
    /// `NAME=value`; what is no text is left out.
    variables: Vec<String>,
}

/// `environment`: variables of this process.
pub(crate) fn environment(Asked { names }: &Asked) -> Found {
    let all = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let wanted = all.filter(|(name, _)| names.as_ref().is_none_or(|names| names.contains(name)));
    Found { variables: wanted.map(|(name, value)| format!("{name}={value}")).collect() }
}
