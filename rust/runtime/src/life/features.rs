//! What is supported, as OCI's features document has it: runtime-spec `features.md` and `features-linux.md`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::names::{capability, memory_policy, mount_options};
use crate::seccomp::spec::{Action, Flag, Operator};
use crate::seccomp::supported_architectures;

/// The versions of the runtime-spec whose configurations are taken.
const OLDEST_VERSION: &str = "1.0.0";
const NEWEST_VERSION: &str = "1.3.0";

const HOOKS: [&str; 6] = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"];

const NAMESPACES: [&str; 8] = ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"];

const ACTIONS: [&str; 9] = [
    "SCMP_ACT_ALLOW",
    "SCMP_ACT_ERRNO",
    "SCMP_ACT_KILL",
    "SCMP_ACT_KILL_PROCESS",
    "SCMP_ACT_KILL_THREAD",
    "SCMP_ACT_LOG",
    "SCMP_ACT_NOTIFY",
    "SCMP_ACT_TRACE",
    "SCMP_ACT_TRAP",
];

const OPERATORS: [&str; 7] =
    ["SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT", "SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"];

const FLAGS: [&str; 4] = [
    "SECCOMP_FILTER_FLAG_LOG",
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    "SECCOMP_FILTER_FLAG_TSYNC",
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
];

/// Nothing is asked for.
#[derive(Deserialize)]
pub(crate) struct Asked {}

/// `features`: what is supported. What another document has and this one lacks is not known to us; what is known and not
/// supported stands here as such.
pub(crate) fn features(_: &Asked) -> impl Serialize + use<> {
    json!({
        "ociVersionMin": OLDEST_VERSION,
        "ociVersionMax": NEWEST_VERSION,
        "hooks": HOOKS,
        "mountOptions": mount_options::names(),
        "linux": {
            "namespaces": NAMESPACES,
            "capabilities": capability::names(),
            "cgroup": { "v1": true, "v2": true, "systemd": true, "systemdUser": true, "rdma": true },
            "seccomp": {
                "enabled": true,
                "actions": known::<Action>(&ACTIONS),
                "operators": known::<Operator>(&OPERATORS),
                "archs": supported_architectures(),
                "knownFlags": known::<Flag>(&FLAGS),
                "supportedFlags": known::<Flag>(&FLAGS),
            },
            "apparmor": { "enabled": true },
            "selinux": { "enabled": true },
            "intelRdt": { "enabled": true, "schemata": true, "monitoring": false },
            "mountExtensions": { "idmap": { "enabled": true } },
            "memoryPolicy": {
                "modes": memory_policy::modes().collect::<Vec<_>>(),
                "flags": memory_policy::flags().collect::<Vec<_>>(),
            },
            "netDevices": { "enabled": true },
        },
    })
}

/// The words that are read as a value of a configuration.
fn known<T: for<'de> Deserialize<'de>>(words: &[&'static str]) -> Vec<&'static str> {
    words.iter().copied().filter(|word| serde_json::from_value::<T>(Value::from(*word)).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::NamespaceKind;

    #[test]
    fn what_is_said_to_be_supported_is_read_from_a_configuration() {
        let lengths =
            [known::<Action>(&ACTIONS).len(), known::<Operator>(&OPERATORS).len(), known::<Flag>(&FLAGS).len()];
        assert_eq!(lengths, [ACTIONS.len(), OPERATORS.len(), FLAGS.len()]);
        assert_eq!(known::<NamespaceKind>(&NAMESPACES), NAMESPACES);
    }

    #[test]
    fn nothing_is_null_and_the_machines_own_architecture_is_there() {
        let document = serde_json::to_string(&features(&Asked {})).unwrap();
        assert!(!document.contains("null"), "{document}");
        assert!(document.contains("SCMP_ARCH_"), "{document}");
    }
}
