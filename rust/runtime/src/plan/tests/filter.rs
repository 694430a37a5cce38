//! Filters that ask, and who answers.

use super::*;

fn answered() -> Facts {
    Facts { answers_calls: true, ..Facts::default() }
}

/// A spec whose filter asks about `names`; `more` are fields of the filter.
fn asking(names: &str, more: &str, no_new_privileges: bool) -> String {
    format!(
        r#"{{"ociVersion": "1.2.0", "process": {{"args": ["/bin/true"], "noNewPrivileges": {no_new_privileges}}},
            "linux": {{"seccomp": {{"defaultAction": "SCMP_ACT_ALLOW", {more} "syscalls": [
                {{"names": ["dup"], "action": "SCMP_ACT_LOG"}},
                {{"names": [{names}], "action": "SCMP_ACT_NOTIFY"}}]}}}}}}"#
    )
}

fn path(json: &str, facts: Facts) -> String {
    match planned(json, facts) {
        Err(Error::Spec { path, .. }) => path,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_listener_goes_to_the_parent_and_no_descriptor_to_the_program() {
    let lines = lines(&asking(r#""mkdir""#, "", true), answered());
    let child: Vec<&str> = lines.lines().filter(|line| line.starts_with("child")).collect();
    assert!(lines.starts_with("parent socketpair("), "{lines}");
    assert_eq!(child[0], "child close_range(3, ~0, CLOSE_RANGE_CLOEXEC)");
    assert_eq!(child[3], "child prctl(PR_SET_NO_NEW_PRIVS, 1)");
    assert!(child[4].starts_with("child seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, ["));
    assert_eq!(child[5], "child sendmsg(SOCKET, SCM_RIGHTS)");
    assert!(child[6].starts_with("child execve("));
}

#[test]
fn a_call_that_the_child_makes_after_the_filter_cannot_be_asked_about() {
    for name in ["sendmsg", "execve", "close", "exit"] {
        let (path, message) = match planned(&asking(&format!(r#""mkdir", "{name}""#), "", true), answered()) {
            Err(Error::Spec { path, message }) => (path, message),
            other => panic!("{other:?}"),
        };
        assert_eq!(path, "linux.seccomp.syscalls[1].names[1]");
        assert!(message.ends_with("before anybody could answer"), "{message}");
    }
    // Those that only resemble them can.
    assert!(planned(&asking(r#""execveat", "exit_group", "sendto", "openat""#, "", true), answered()).is_ok());
}

#[test]
fn a_filter_asks_only_where_somebody_answers() {
    let json = asking(r#""mkdir""#, "", true);
    assert_eq!(path(&json, Facts::default()), "linux.seccomp");
    assert!(planned(&json, answered()).is_ok());
    let elsewhere = asking(r#""mkdir""#, r#""listenerPath": "/l","#, true);
    assert_eq!(path(&elsewhere, answered()), "linux.seccomp.listenerPath");
}

#[test]
fn who_starts_a_container_is_sent_the_listener_that_another_process_gets() {
    let held = || Facts { holds: true, ..Facts::default() };
    // Nobody sleeps meanwhile, so whatever the child does then may be asked about, but what sends the listener.
    let json = |names: &str, no_new_privileges| asking(names, r#""listenerPath": "/l","#, no_new_privileges);
    for no_new_privileges in [true, false] {
        let plan = planned(&json(r#""execve", "setresuid""#, no_new_privileges), held()).unwrap();
        let listener = plan.steps.iter().find_map(|step| match step {
            Step::InstallFilter { listener, .. } => *listener,
            _ => None,
        });
        assert_eq!(listener.and_then(|fd| plan.descriptors.get(fd.0 as usize)), Some(&Descriptor::Door));
        assert_eq!(path(&json(r#""sendmsg""#, no_new_privileges), held()), "linux.seccomp.syscalls[1].names[0]");
    }
}

#[test]
fn a_filter_asks_only_where_it_is_the_last_step() {
    assert_eq!(path(&asking(r#""mkdir""#, "", false), answered()), "process.noNewPrivileges");
}
