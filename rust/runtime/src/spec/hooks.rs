//! OCI `hooks`.

use serde::Deserialize;

/// OCI `hooks`: each list in the order in which it is executed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Hooks {
    /// In our namespaces, before the root is entered; OCI's older word for the next.
    pub prestart: Vec<Hook>,
    /// In our namespaces, before the root is entered.
    pub create_runtime: Vec<Hook>,
    /// In the container's namespaces, before the root is entered.
    pub create_container: Vec<Hook>,
    /// In the container, before the program.
    pub start_container: Vec<Hook>,
    /// In our namespaces, once the program was started.
    pub poststart: Vec<Hook>,
    /// In our namespaces, once the container was deleted.
    pub poststop: Vec<Hook>,
}

impl Hooks {
    /// Whether any has to be executed before the root is entered.
    #[must_use]
    pub fn come_before_the_root(&self) -> bool {
        !(self.prestart.is_empty() && self.create_runtime.is_empty() && self.create_container.is_empty())
    }
}

/// OCI `hooks.*[]`.
#[derive(Clone, Debug, Deserialize)]
pub struct Hook {
    /// What is executed: an absolute path.
    pub path: String,
    /// Its arguments, the first of which is its own name; absent: the path alone.
    #[serde(default)]
    pub args: Vec<String>,
    /// Its whole environment.
    #[serde(default)]
    pub env: Vec<String>,
    /// After so many seconds it is killed, and has failed.
    pub timeout: Option<f64>,
}
