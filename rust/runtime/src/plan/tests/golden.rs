//! Plans in full: `golden/NAME.json` is a spec, `golden/NAME.txt` what `explain` shows of its plan.

use std::ffi::CString;
use std::fs;
use std::path::PathBuf;

use super::{Facts, Path, lines};
use crate::cgroup::samples;
use crate::facts::HostDevice;
use crate::id_ranges::{IdRange, single, with_ranges};
use crate::users::User;

/// What is known of the host; where nothing is named, of an ordinary user's.
fn facts(case: &str) -> Facts {
    let facts = Facts { folder: "/home/joe".into(), uid: 1000, gid: 1000, ..Facts::default() };
    let ranges = [IdRange { start: 100_000, count: 65536 }];
    match case {
        "03-program" => Facts {
            nofile: Some((1024, 4096)),
            ignored_signals: 1,
            environment: [CString::from(c"HOME=/home/joe")].into(),
            ..facts
        },
        "05-container" => Facts { capabilities: u64::MAX, home: Some("/root".into()), ..facts },
        "12-classic-mounts" => Facts { has_classic_mounts: true, ..facts },
        "13-user-by-child" => Facts { id_mappings: (single(1000), single(1000)), ..facts },
        "14-user-by-helper" => Facts { id_mappings: (with_ranges(1000, &ranges), with_ranges(1000, &ranges)), ..facts },
        "15-user-by-parent" => Facts { uid: 0, gid: 0, may_set_ids: true, ..facts },
        "16-run-as" => {
            let user = User { uid: 1001, gid: 1001, additional_gids: vec![29, 1001], home: None, name: None };
            Facts { user: Some(user), ..facts }
        }
        // All but CAP_SYS_ADMIN, which the spec asks for.
        "17-capabilities" => Facts { capabilities: !(1 << 21), ..facts },
        "24-devices" => {
            let fuse = HostDevice { mode: 0o20660, device: (10, 229), owner: (0, 106) };
            Facts { host_devices: vec![fuse], ..facts }
        }
        "26-landlock" => Facts { landlock_version: 7, ..facts },
        "29-limits-v1" => Facts { cgroups: Some(samples::v1()), ..facts },
        "30-limits-v2" => Facts { cgroups: Some(samples::v2()), ..facts },
        "32-limits-systemd" => Facts { cgroups: Some(samples::systemd()), ..facts },
        "37-limits-systemd-v1" => Facts { cgroups: Some(samples::systemd_v1(true)), ..facts },
        "34-net-devices" => Facts { resctrl: Some("/sys/fs/resctrl".into()), ..facts },
        "31-limits-hybrid" => Facts { cgroups: Some(samples::hybrid()), ..facts },
        _ => facts,
    }
}

/// How many instructions a filter has depends on the machine's architecture.
fn without_lengths(text: &str) -> String {
    let filter = "SECCOMP_SET_MODE_FILTER, [";
    let shorten = |line: &str| match line.split_once(filter) {
        Some((call, _)) => format!("{call}{filter}…])\n"),
        None => format!("{line}\n"),
    };
    text.lines().map(shorten).collect()
}

#[test]
fn plans_are_as_golden_files_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan/golden");
    let updates = std::env::var_os("UPDATE_GOLDEN").is_some_and(|value| value == "1");
    let mut specs: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    specs.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    specs.sort();
    assert!(specs.len() >= 20, "{folder:?} has {} specs", specs.len());
    let mut changed = Vec::new();
    for path in specs {
        let case = path.file_stem().unwrap().to_str().unwrap();
        let found = without_lengths(&lines(&fs::read_to_string(&path).unwrap(), facts(case)));
        let golden = path.with_extension("txt");
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if found == expected {
            continue;
        }
        if updates {
            fs::write(&golden, &found).unwrap();
        }
        changed.push(format!("{case}: {}", first_difference(&expected, &found)));
    }
    assert!(
        updates || changed.is_empty(),
        "these plans changed; if that is right, UPDATE_GOLDEN=1 cargo test golden writes them, for review:\n{}",
        changed.join("\n")
    );
}

fn first_difference(expected: &str, found: &str) -> String {
    let (mut expected, mut found) = (expected.lines(), found.lines());
    for number in 1.. {
        match (expected.next(), found.next()) {
            (None, None) => break,
            (one, other) if one == other => {}
            (one, other) => {
                let shown = |line: Option<&str>| line.unwrap_or("nothing more").to_string();
                return format!("line {number} is\n    {}\n  not\n    {}", shown(other), shown(one));
            }
        }
    }
    "the end of the last line".into()
}
