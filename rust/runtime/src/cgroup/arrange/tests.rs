//! Where a cgroup goes, on hosts that were recorded.

use super::super::samples::{hybrid, level, systemd, systemd_v1, v1, v2};
use super::*;

fn spec(linux: &str, extras: &str) -> Spec {
    let text = format!(
        r#"{{"ociVersion": "1.2.0", "process": {{"args": ["x"]}}, "linux": {{{linux}}},
            "minicontainer": {{"killOnExit": true{extras}}}}}"#
    );
    Spec::parse(text.as_bytes()).unwrap()
}

const MEMORY: &str = r#""resources": {"memory": {"limit": 1048576}}"#;

fn folders(arrangement: &Arrangement) -> Vec<&str> {
    arrangement.folders.iter().map(|folder| folder.path.to_str().unwrap()).collect()
}

#[test]
fn a_spec_without_limits_asks_for_none_and_any_of_three_fields_asks_for_one() {
    assert!(!is_wanted(&spec("", "")) && !is_wanted(&spec(r#""resources": {}"#, "")));
    assert!(is_wanted(&spec(MEMORY, "")));
    assert!(is_wanted(&spec(r#""cgroupsPath": "/x""#, "")));
    assert!(is_wanted(&spec("", r#", "cgroup": {}"#)));
    assert!(!is_wanted(&spec(MEMORY, r#", "cgroup": {"manager": "disabled"}"#)));
}

#[test]
fn version_1_gets_a_folder_below_our_own_in_each_hierarchy_that_matters() {
    let found = arrange(&spec(MEMORY, ""), &v1()).unwrap();
    let below = ["cpu,cpuacct", "memory/me", "freezer", "blkio", "pids/me"];
    let wanted = below.map(|folder| format!("/sys/fs/cgroup/{folder}/minicontainer-7-1234-0"));
    assert_eq!(folders(&found), wanted);
    assert_eq!(found.clone_into, None);
    assert_eq!(found.writes.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1]);
}

#[test]
fn what_outlives_its_owner_says_so_in_its_name() {
    let mut spec = spec(MEMORY, "");
    spec.minicontainer.kill_on_exit = false;
    assert!(folders(&arrange(&spec, &v1()).unwrap()).iter().all(|path| path.ends_with("-0-stays")));
}

#[test]
fn version_2_goes_below_the_nearest_that_hands_down_what_is_wanted() {
    let found = arrange(&spec(MEMORY, ""), &v2()).unwrap();
    assert_eq!(folders(&found), ["/sys/fs/cgroup/user.slice/user-1000.slice/minicontainer-7-1234-0"]);
    assert_eq!((found.clone_into, found.folders[0].waiting_room.as_ref()), (Some(0), None));
    assert_eq!(found.folders[0].controllers, ["cpu", "io", "memory", "pids"]);
}

#[test]
fn what_nobody_asks_for_is_not_handed_down_where_processes_are() {
    let spec = spec("", r#", "cgroup": {}"#);
    let mut survey = v2();
    let above = arrange(&spec, &survey).unwrap();
    assert_eq!(folders(&above), ["/sys/fs/cgroup/user.slice/user-1000.slice/minicontainer-7-1234-0"]);
    survey.levels.truncate(1);
    let found = arrange(&spec, &survey).unwrap();
    assert_eq!(folders(&found), ["/sys/fs/cgroup/user.slice/user-1000.slice/session-1.scope/minicontainer-7-1234-0"]);
    assert!(found.folders[0].controllers.is_empty());
}

#[test]
fn who_limits_nothing_is_told_most_where_memory_is_counted() {
    let found = arrange(&spec("", r#", "cgroup": {}"#), &v2()).unwrap();
    assert_eq!(folders(&found), ["/sys/fs/cgroup/user.slice/user-1000.slice/minicontainer-7-1234-0"]);
    let wanted = ["", "/user.slice", "/user.slice/user-1000.slice", "/user.slice/user-1000.slice/session-1.scope"];
    let nearby: Vec<_> = found.nearby.iter().rev().map(|folder| folder.to_str().unwrap()).collect();
    assert_eq!(nearby, wanted.map(|folder| format!("/sys/fs/cgroup{folder}")));
}

#[test]
fn who_is_alone_in_a_cgroup_of_its_own_moves_out_of_the_way() {
    let mut survey = v2();
    survey.levels[0].holds_only_us = true;
    let found = arrange(&spec(MEMORY, ""), &survey).unwrap();
    let own = "/sys/fs/cgroup/user.slice/user-1000.slice/session-1.scope";
    assert_eq!(folders(&found), [format!("{own}/minicontainer-7-1234-0")]);
    let room = found.folders[0].waiting_room.as_deref();
    assert_eq!(room, Some(Path::new(&format!("{own}/minicontainer-7-1234-0-owner"))));
}

#[test]
fn the_root_of_all_hands_down_what_nobody_has_yet() {
    let mut survey = v2();
    survey.levels = vec![level("/sys/fs/cgroup/a", "", ""), level("/sys/fs/cgroup", "cpu memory", "")];
    survey.levels[1].is_root = true;
    let found = arrange(&spec(MEMORY, ""), &survey).unwrap();
    assert_eq!(folders(&found), ["/sys/fs/cgroup/minicontainer-7-1234-0"]);
    assert_eq!(found.folders[0].controllers, ["cpu", "memory"]);
}

#[test]
fn a_missing_controller_is_an_error_or_told_and_left_away() {
    let mut survey = v2();
    survey.levels = vec![level("/sys/fs/cgroup/user@1000.service/a", "pids", "pids")];
    let refused = arrange(&spec(MEMORY, ""), &survey).unwrap_err();
    assert!(matches!(&refused, Error::Unsupported { feature, .. } if feature.contains("memory")), "{refused}");
    let found = arrange(&spec(MEMORY, r#", "cgroup": {"bestEffort": true}"#), &survey).unwrap();
    assert_eq!((found.writes.len(), found.folders.len()), (0, 1));
    assert!(found.degraded[0].starts_with("without limits of memory: "), "{:?}", found.degraded);

    let mut locked = v1();
    locked.writable = vec![false; locked.layout.legacy.len()];
    let refused = arrange(&spec(MEMORY, ""), &locked).unwrap_err();
    assert!(
        matches!(&refused, Error::Unsupported { needs, .. } if needs.contains("/sys/fs/cgroup/memory/me")),
        "{refused}"
    );
}

#[test]
fn without_any_cgroup_the_best_effort_is_none() {
    let nothing = Survey::default();
    assert!(arrange(&spec("", r#", "cgroup": {}"#), &nothing).is_err());
    let found = arrange(&spec(MEMORY, r#", "cgroup": {"bestEffort": true}"#), &nothing).unwrap();
    assert!(found.folders.is_empty() && !found.degraded.is_empty());
}

#[test]
fn a_named_cgroup_is_in_every_hierarchy_and_is_walked_to_from_the_mount() {
    let found = arrange(&spec(&format!(r#""cgroupsPath": "/pods/x", {MEMORY}"#), ""), &hybrid()).unwrap();
    assert_eq!(found.folders.len(), 7);
    let of = |name: &str| found.folders.iter().find(|folder| folder.path.to_string_lossy().contains(name)).unwrap();
    assert_eq!(of("memory").path, Path::new("/sys/fs/cgroup/memory/pods/x"));
    assert_eq!(of("memory").base, Path::new("/sys/fs/cgroup/memory"));
    assert_eq!(of("unified").path, Path::new("/sys/fs/cgroup/unified/pods/x"));
    assert!(of("cpuset").is_cpuset && found.is_named);
}

#[test]
fn who_may_have_no_process_enters_by_itself() {
    let found = arrange(&spec(r#""resources": {"pids": {"limit": 0}}"#, ""), &v2()).unwrap();
    assert_eq!(found.clone_into, None);
    let found = arrange(&spec(MEMORY, r#", "cgroup": {"entry": "descriptor"}"#), &v2()).unwrap();
    assert_eq!(found.clone_into, None);
}

#[test]
fn systemd_makes_a_scope_for_all_containers_of_a_process_where_nobody_says() {
    let mut survey = systemd();
    let mut purpose = |purpose| {
        survey.systemd.as_mut().unwrap().purpose = purpose;
        arrange(&spec(MEMORY, ""), &survey).unwrap()
    };
    let found = purpose(Purpose::Owner);
    let scope = "/sys/fs/cgroup/system.slice/minicontainer-7-1234.scope";
    assert_eq!(folders(&found), [format!("{scope}/minicontainer-7-1234-0")]);
    assert_eq!((found.place.unit.as_ref(), found.is_named, found.clone_into), (None, false, Some(0)));
    assert_eq!(found.folders[0].waiting_room, None);
    assert!(found.scope.as_ref().unwrap().properties.is_empty());
    let inside = purpose(Purpose::OwnerInside);
    assert_eq!(folders(&inside), folders(&found));
    let room = inside.folders[0].waiting_room.as_deref();
    assert_eq!(room, Some(Path::new(&format!("{scope}/minicontainer-7-1234-0-owner"))));
    let own = arrange(&spec(MEMORY, r#", "cgroup": {"manager": "systemd"}"#), &systemd()).unwrap();
    assert_eq!(own.place.unit.as_deref(), Some("minicontainer-7-1234-0.scope"));
}

#[test]
fn systemd_with_version_1_has_a_folder_for_the_container_in_every_hierarchy_its_own_too() {
    let asked = spec(
        r#""cgroupsPath": "a-b.slice:test:x", "resources": {"memory": {"limit": 4096}, "cpu": {"shares": 512}}"#,
        r#", "cgroup": {"manager": "systemd"}"#,
    );
    for is_hybrid in [false, true] {
        let found = arrange(&asked, &systemd_v1(is_hybrid)).unwrap();
        let mut below = vec!["systemd", "cpu,cpuacct", "cpuset", "memory", "freezer", "blkio", "pids"];
        below.extend(is_hybrid.then_some("unified"));
        let mount = |name: &str| format!("/sys/fs/cgroup/{name}");
        let wanted = below.iter().map(|name| mount(name) + "/a.slice/a-b.slice/test-x.scope/container");
        assert_eq!(folders(&found), wanted.collect::<Vec<_>>());
        let bases: Vec<_> = found.folders.iter().map(|folder| folder.base.to_str().unwrap().to_string()).collect();
        assert_eq!(bases, below.iter().map(|name| mount(name)).collect::<Vec<_>>());
        assert_eq!(found.clone_into, is_hybrid.then_some(7));
        assert_eq!(found.place.unit.as_deref(), Some("test-x.scope"));
        assert_eq!(found.place.legacy("name=systemd"), Some(found.folders[0].path.as_path()));
        let properties = found.scope.unwrap().properties;
        assert_eq!(properties.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["CPUShares", "MemoryLimit"]);
    }
    let others = Survey { systemd: systemd_v1(false).systemd, ..systemd_v1(true) };
    assert_eq!(arrange(&asked, &others).unwrap(), arrange(&asked, &systemd_v1(false)).unwrap());
}

#[test]
fn a_place_that_is_named_says_who_makes_it() {
    let manager = |linux: &str, extras: &str| manager(&spec(linux, extras));
    assert_eq!(manager("", ""), Manager::Auto);
    assert_eq!(manager(r#""cgroupsPath": "/a/b""#, ""), Manager::Files);
    assert_eq!(manager(r#""cgroupsPath": "a.slice:b:c""#, ""), Manager::Auto);
    assert_eq!(manager(r#""cgroupsPath": "/a:b:c""#, ""), Manager::Files);
    assert_eq!(manager("", r#", "cgroup": {"parent": "a-b.slice"}"#), Manager::Auto);
    assert_eq!(manager("", r#", "cgroup": {"parent": "/a.slice"}"#), Manager::Files);
    assert_eq!(manager("", r#", "cgroup": {"parent": "a-b.slice", "manager": "cgroupfs"}"#), Manager::Files);
}

#[test]
fn a_slice_is_a_unit_where_systemd_is_and_a_folder_elsewhere() {
    let spec = spec("", r#", "cgroup": {"parent": "a-b.slice"}"#);
    let own = arrange(&spec, &systemd()).unwrap();
    assert_eq!(own.place.unit.as_deref(), Some("minicontainer-7-1234-0.scope"));
    let found = arrange(&spec, &v1()).unwrap();
    assert!(found.scope.is_none() && folders(&found).iter().all(|path| path.contains("/a-b.slice/")), "{found:?}");
}
