//! The spec: OCI's `config.json`, and beside it the few things that OCI lacks.
//!
//! Unknown properties are ignored, as the runtime-spec asks; a value of the wrong type is an error that names its path.

use serde::Deserialize;

use crate::error::Error;

/// OCI runtime-spec `config.json`, with [`Extras`] under the property `minicontainer`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// Version of the runtime-spec that the object follows.
    pub oci_version: String,
    /// What runs.
    pub process: Process,
    /// Linux's own part.
    #[serde(default)]
    pub linux: Linux,
    /// What OCI has no word for.
    #[serde(default)]
    pub minicontainer: Extras,
}

/// OCI `process`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    /// The arguments, the first of which the program sees as its own name.
    pub args: Vec<String>,
    /// `NAME=value`; of several with one name the last counts.
    #[serde(default)]
    pub env: Vec<String>,
    /// The working directory; empty: the caller's.
    #[serde(default)]
    pub cwd: String,
}

/// OCI `linux`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Linux {
    /// The namespaces that are made for the program.
    #[serde(default)]
    pub namespaces: Vec<Namespace>,
}

/// OCI `linux.namespaces[]`.
#[derive(Debug, Deserialize)]
pub struct Namespace {
    /// Which one.
    #[serde(rename = "type")]
    pub kind: NamespaceKind,
}

/// OCI `linux.namespaces[].type`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum NamespaceKind {
    /// `pid_namespaces(7)`.
    Pid,
}

/// What OCI lacks. Each has its source where it has one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[allow(clippy::struct_excessive_bools, reason = "independent switches of a document, not the states of a machine")]
pub struct Extras {
    /// What is executed, where that is not `process.args[0]`; a name without a slash is looked up in PATH.
    pub program: Option<String>,
    /// `process.env` is laid over the environment of this process.
    pub inherit_env: bool,
    /// Files of `NAME=value` lines, laid over what is inherited and under `process.env`.
    pub env_files: Vec<String>,
    /// Where the program's descriptors 0, 1 and 2 come from.
    pub stdio: [Stdio; 3],
    /// The program gets SIGKILL when this process ends; bubblewrap's `--die-with-parent`.
    pub kill_on_exit: bool,
    /// The program gets SIGKILL after so many milliseconds.
    pub timeout_ms: Option<f64>,
    /// Tell on stderr what is done.
    pub debug: bool,
    /// The program takes this process's place before the terminal and towards who signals it.
    pub foreground: bool,
}

/// Where a standard stream comes from.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Stdio {
    /// This process's stream of the same number.
    #[default]
    Inherit,
    /// `/dev/null`.
    Null,
    /// A pipe, of which the caller gets the other end.
    Piped,
    /// A descriptor of this process.
    Descriptor(i32),
}

impl Spec {
    /// Reads the JSON text of a spec.
    ///
    /// # Errors
    /// [`Error::Spec`] with the path of what is missing or of the wrong type.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        if let Ok(spec) = serde_json::from_slice(json) {
            return Ok(spec);
        }
        // Once more, for the path: keeping track of it costs as much as the reading.
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let path = error.path().to_string();
            let cause = error.into_inner();
            Error::spec(if path == "." { String::new() } else { path }, cause.to_string())
        })
    }
}
