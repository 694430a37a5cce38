//! What is around this process, for what another is to have of it.

use std::env;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;
use crate::facts::Facts;
use crate::plan::environment::merge;
use crate::spec::{Extras, Process, Spec};

/// Which variables.
#[derive(Deserialize)]
pub(crate) struct Asked {
    names: Vec<String>,
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
    let wanted = all.filter(|(name, _)| names.contains(name));
    Found { variables: wanted.map(|(name, value)| format!("{name}={value}")).collect() }
}

/// A configuration: its text, for JavaScript's numbers are not exact.
#[derive(Deserialize, Serialize)]
pub(crate) struct Config {
    text: String,
}

/// `surroundings`: the same configuration whoever makes a container of it later: what it takes from this process's
/// environment, and from files, is written down in it. Variables that are no text are left out.
///
/// # Errors
/// [`Error::Spec`] with the field that is wrong, or whose file cannot be read.
pub(crate) fn surroundings(Config { text }: &Config) -> Result<Config, Error> {
    let Spec { process, minicontainer: extras, .. } = Spec::parse(text.as_bytes())?;
    let taking = Spec {
        process: Process { env: process.env, ..Process::default() },
        minicontainer: Extras {
            inherit_env: extras.inherit_env,
            env_files: extras.env_files,
            default_env: extras.default_env,
            seccomp_file: extras.seccomp_file,
            ..Extras::default()
        },
        ..Spec::default()
    };
    let facts = Facts::gather(&taking)?;
    let mut config: Value = serde_json::from_str(text).map_err(|error| internal(&error))?;
    if let Some(process) = config.get_mut("process").and_then(Value::as_object_mut) {
        let variables =
            merge(&taking, &facts)?.iter().filter_map(|entry| entry.to_str().ok().map(Value::from)).collect();
        process.insert("env".into(), Value::Array(variables));
    }
    if let Some(extras) = config.get_mut("minicontainer").and_then(Value::as_object_mut) {
        extras.retain(|name, _| !["inheritEnv", "envFiles", "defaultEnv", "seccompFile"].contains(&name.as_str()));
    }
    if let (Some(filter), Some(config)) = (facts.seccomp, config.as_object_mut()) {
        let linux = config.entry("linux").or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(linux) = linux.as_object_mut() {
            let filter = serde_json::to_value(filter).map_err(|error| internal(&error))?;
            linux.entry("seccomp").or_insert(filter);
        }
    }
    Ok(Config { text: config.to_string() })
}

fn internal(error: &serde_json::Error) -> Error {
    Error::Internal { message: format!("cannot write a configuration: {error}") }
}
