//! What is around this process, for what another is to have of it.

use std::env;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::error::Error;
use crate::facts::{Facts, filter_text};
use crate::plan::environment::merge;
use crate::spec::Spec;

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

/// A spec that says what is taken from here.
#[derive(Deserialize)]
pub(crate) struct Taking {
    spec: Box<RawValue>,
}

/// What it takes.
#[derive(Serialize)]
pub(crate) struct Taken {
    /// The whole environment; what is no text is left out.
    variables: Vec<String>,
    /// OCI's `linux.seccomp`.
    seccomp: Option<Box<RawValue>>,
}

/// `surroundings`: what a spec takes from this process's environment and from files, for who keeps it.
///
/// # Errors
/// [`Error::Spec`] with the field whose file cannot be read, or is none of its kind.
pub(crate) fn surroundings(Taking { spec }: &Taking) -> Result<Taken, Error> {
    let spec = Spec::parse(spec.get().as_bytes())?;
    let facts = Facts::gather(&spec)?;
    let variables = merge(&spec, &facts)?.iter().filter_map(|entry| entry.to_str().ok().map(String::from)).collect();
    let seccomp = spec.minicontainer.seccomp_file.as_deref().map(filter_text).transpose()?;
    Ok(Taken { variables, seccomp: seccomp.and_then(|text| RawValue::from_string(text).ok()) })
}
