//! Where a policy goes: to version 1's controller where that is mounted, else to version 2. Pure.

use std::path::Path;

use super::{Policy, legacy};
use crate::cgroup::Arrangement;
use crate::cgroup::resources::{DeviceRule, Write};
use crate::cgroup::survey::Survey;
use crate::error::Error;

const FIELD: &str = "linux.resources.devices";

/// Adds the rules to an arrangement whose folders are known.
///
/// # Errors
/// [`Error::Spec`] with the rule that cannot be; [`Error::Unsupported`] where there is nowhere to put them, but with
/// `best_effort`.
pub fn arrange(
    arrangement: &mut Arrangement,
    rules: &[DeviceRule],
    survey: &Survey,
    best_effort: bool,
) -> Result<(), Error> {
    if rules.is_empty() {
        return Ok(());
    }
    let policy = Policy::parse(rules, FIELD)?;
    let place = |path: Option<&Path>| arrangement.folders.iter().position(|folder| Some(folder.path.as_path()) == path);
    let why = if !survey.may_restrict_devices {
        // As in runc. Who may not restrict them may make no device's file either.
        "they need root, in the first user namespace"
    } else if let Some(index) = place(arrangement.place.legacy("devices")) {
        let writes = legacy::writes(&policy, FIELD)?;
        let writes = writes.into_iter().map(|write| (index, Write::new("devices", write.file, write.line, "devices")));
        arrangement.writes.extend(writes);
        return Ok(());
    } else if place(arrangement.place.unified()).is_some() {
        arrangement.devices = Some(policy).filter(|policy| !policy.allows_everything());
        return Ok(());
    } else if best_effort {
        "there is no controller for them"
    } else {
        let needs = "a cgroup of version 2, or version 1's controller devices".into();
        return Err(Error::Unsupported { feature: FIELD.into(), needs });
    };
    arrangement.degraded.push(format!("without rules about devices: {why}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::samples::{hybrid, v1, v2};
    use crate::cgroup::{Layout, arrange::arrange};
    use crate::spec::Spec;

    fn spec(extras: &str) -> Spec {
        let text = format!(
            r#"{{"ociVersion": "1.2.0", "process": {{"args": ["x"]}}, "minicontainer": {{"cgroup": {{{extras}}}}},
                "linux": {{"resources": {{"devices": [{{"allow": true, "type": "c", "major": 10}}]}}}}}}"#
        );
        Spec::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn version_2_gets_a_program_also_beside_a_version_1_without_devices() {
        for survey in [v2(), hybrid()] {
            let found = arrange(&spec(""), &survey).unwrap();
            assert!(found.devices.is_some() && found.writes.is_empty(), "{found:?}");
        }
    }

    #[test]
    fn version_1_gets_its_list_and_is_left_alone_without_the_right() {
        let mut survey = v1();
        let text = "9 0 0:9 / /sys/fs/cgroup/devices rw - cgroup cgroup rw,devices\n";
        survey.layout.legacy.extend(Layout::read(text, "").legacy);
        survey.writable.push(true);
        let found = arrange(&spec(""), &survey).unwrap();
        let (index, first) = &found.writes[0];
        assert!(found.folders[*index].path.starts_with("/sys/fs/cgroup/devices"));
        assert_eq!(first.files, [("devices.deny".into(), "a".into())]);
        survey.may_restrict_devices = false;
        let found = arrange(&spec(""), &survey).unwrap();
        assert!(found.writes.is_empty() && found.degraded.len() == 1, "{found:?}");
    }

    #[test]
    fn without_a_controller_rules_are_an_error_unless_less_will_do() {
        assert!(matches!(arrange(&spec(""), &v1()), Err(Error::Unsupported { feature, .. }) if feature == FIELD));
        assert_eq!(arrange(&spec(r#""bestEffort": true"#), &v1()).unwrap().degraded.len(), 1);
    }
}
