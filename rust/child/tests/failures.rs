//! Plans that fail: `run` comes back, so they need no clone.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::ffi::CString;

use minicontainer_child::{CStrArray, CStrRef, Failure, Fault, Fd, List, Program, Report, Step, Str, run};

/// Runs `steps` over a table of these strings, of which each list is a range, and these descriptors.
fn failure(steps: &[Step], strings: &[&str], lists: &[&[&str]], descriptors: &[i32]) -> Failure {
    let owned: Vec<CString> = strings.iter().map(|text| CString::new(*text).unwrap()).collect();
    let strings: Vec<CStrRef<'_>> = owned.iter().map(|text| CStrRef::new(text)).collect();
    let owned: Vec<Vec<CString>> =
        lists.iter().map(|list| list.iter().map(|text| CString::new(*text).unwrap()).collect()).collect();
    let pointers: Vec<Vec<CStrRef<'_>>> =
        owned.iter().map(|list| list.iter().map(|text| CStrRef::new(text)).chain([CStrRef::NULL]).collect()).collect();
    let lists: Vec<CStrArray<'_>> = pointers.iter().map(|list| CStrArray::new(list).unwrap()).collect();
    run(&Program {
        steps,
        strings: &strings,
        lists: &lists,
        descriptors,
        blobs: &[],
        groups: &[],
        filters: &[],
        has_classic_mounts: false,
        fault: Fault::default(),
        report: &Report::new(),
        hold: None,
        untouched_signals: 0,
        shares_files: false,
        monitor: None,
    })
}

fn exec(candidates: &[&str]) -> i32 {
    let step = Step::Exec { candidates: List(0), argv: List(1), envp: List(1) };
    failure(&[step], &[], &[candidates, &[]], &[]).errno
}

#[test]
fn the_step_that_failed_is_named() {
    let steps = [Step::ReportIds, Step::Chdir { path: Str(0) }, Step::Chdir { path: Str(1) }];
    assert_eq!(failure(&steps, &["/", "/no/such/folder"], &[], &[]), Failure { step: 2, errno: libc::ENOENT });
}

#[test]
fn a_plan_without_an_exec_is_a_failure() {
    assert_eq!(failure(&[], &[], &[], &[]), Failure { step: 0, errno: libc::ENOEXEC });
    assert_eq!(failure(&[Step::ReportIds], &[], &[], &[]), Failure { step: 1, errno: libc::ENOEXEC });
}

#[test]
fn what_stands_in_no_table_is_a_bad_address() {
    for step in [
        Step::Chdir { path: Str(0) },
        Step::Dup { from: Fd(0), to: 1 },
        Step::DieWithOwner { owner: Fd(7), signal: 9 },
        Step::Exec { candidates: List(0), argv: List(0), envp: List(0) },
    ] {
        assert_eq!(failure(&[step], &[], &[], &[]), Failure { step: 0, errno: libc::EFAULT }, "{step:?}");
    }
}

#[test]
fn a_descriptor_that_is_not_open_is_refused() {
    assert_eq!(failure(&[Step::Dup { from: Fd(0), to: 900 }], &[], &[], &[901]).errno, libc::EBADF);
}

#[test]
fn a_limit_above_the_hard_one_is_refused() {
    let step = Step::SetRlimit { resource: libc::RLIMIT_NOFILE, soft: 2, hard: 1 };
    assert_eq!(failure(&[step], &[], &[], &[]).errno, libc::EINVAL);
}

#[test]
fn exec_says_of_one_path_what_the_kernel_said() {
    assert_eq!(exec(&["/no/such/program"]), libc::ENOENT);
    assert_eq!(exec(&["/etc/passwd/no"]), libc::ENOTDIR);
    assert_eq!(exec(&["/etc/passwd"]), libc::EACCES);
    assert_eq!(exec(&["/"]), libc::EACCES);
}

#[test]
fn exec_searches_on_as_execvp_does_and_remembers_what_it_may_not() {
    assert_eq!(exec(&[]), libc::ENOENT);
    assert_eq!(exec(&["/no/a", "/no/b"]), libc::ENOENT);
    assert_eq!(exec(&["/etc/passwd", "/no/b"]), libc::EACCES);
    assert_eq!(exec(&["/etc/passwd/a", "/no/b"]), libc::ENOENT);
}

#[test]
fn a_list_without_its_null_is_none() {
    let text = CString::new("x").unwrap();
    assert!(CStrArray::new(&[CStrRef::new(&text)]).is_none());
    assert!(CStrArray::new(&[]).is_none());
    assert!(CStrArray::new(&[CStrRef::NULL]).is_some());
}

#[test]
fn a_report_keeps_what_it_is_told() {
    let report = Report::new();
    assert_eq!((report.failure(), report.ids()), (None, None));
    let failure = Failure { step: 7, errno: libc::EPERM };
    report.fail(failure);
    assert_eq!(report.failure(), Some(failure));
}
