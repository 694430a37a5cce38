//! The host's report as a whole; what the single probes say is held against the machine by the suite of Deno.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::HashSet;
use std::fs;

use minicontainer::check::check;

#[test]
fn every_name_is_there_once_and_what_works_has_no_remedy() {
    let report = check();
    let names: HashSet<_> = report.probes.iter().map(|probe| probe.name).collect();
    assert_eq!(names.len(), report.probes.len());
    assert!(report.probes.iter().all(|probe| !probe.detail.is_empty()));
    assert!(report.probes.iter().all(|probe| !probe.works || probe.remedy.is_none()));
}

#[test]
fn a_check_leaves_the_mounts_as_they_were() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    let report = check();
    assert_eq!((mounts(), report.probes.is_empty()), (before, false));
}
