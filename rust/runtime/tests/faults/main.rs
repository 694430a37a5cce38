//! Starts that fail: each step in turn, the clone, the parent's part, and descriptors that run out. Whatever fails, its
//! error says so, and nothing is left of it.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod host;
mod refused;
mod specs;

use minicontainer::error::Error;
use minicontainer::launch::wait::End;
use minicontainer::plan::{Plan, operation};
use minicontainer::run::run;
use minicontainer_child::{Failure, Fault, Step};
use nix::errno::Errno;

use host::{Host, again, is_again, is_root, skip};
use specs::{RANGES, Sleeper, WITHOUT_ROOT, classic, container, in_user_namespace, planned, with_terminal};

/// Has each step fail, one after the other; without that, the program runs.
fn fail_each_step(host: &Host, mut plan: Plan) {
    assert_eq!(run(&plan).map(|outcome| outcome.exit.end), Ok(End::Exited(0)));
    let before = host.state();
    for (number, step) in (0..).zip(plan.steps.clone()) {
        for errno in [Errno::EPERM, Errno::EIO] {
            plan.fault = Fault::of(Failure { step: number, errno: errno as i32 });
            let error = run(&plan).unwrap_err();
            check(&plan, step, number, errno, &error);
            assert_eq!(host.state(), before, "after {step:?}");
        }
    }
}

fn check(plan: &Plan, step: Step, number: u32, errno: Errno, error: &Error) {
    let Error::System { operation: what, errno: found, step: place, exit_code, message, .. } = error else {
        panic!("{step:?}: {error:?}");
    };
    assert_eq!((what, *found), (&operation(plan, step), errno as i32));
    assert_eq!(*place, Some((number + 1, u32::try_from(plan.steps.len()).unwrap())), "{message}");
    let is_exec = matches!(step, Step::Exec { .. });
    assert_eq!(*exit_code, is_exec.then_some(126), "{message}");
    let reason = if errno == Errno::EPERM { "operation not permitted" } else { "I/O error" };
    let beginning = format!("cannot {what}: {reason}");
    assert!(message == &beginning || message.starts_with(&format!("{beginning}; ")), "{message}");
}

/// The host, where this user may isolate a program by `needs`.
fn host(name: &str, needs_root: bool) -> Option<Host> {
    if needs_root && !is_root() {
        skip(name, "this user is not root");
        return None;
    }
    Host::new(name)
}

#[test]
fn each_step_of_a_container_can_fail() {
    let Some(host) = host("container", true) else { return };
    fail_each_step(&host, planned(&container(&host)));
}

#[test]
fn each_step_of_a_container_by_mount_can_fail() {
    let Some(host) = host("classic", true) else { return };
    fail_each_step(&host, planned(&classic(&host)));
}

#[test]
fn each_step_in_a_user_namespace_of_ranges_can_fail() {
    let Some(host) = host("ranges", true) else { return };
    fail_each_step(&host, planned(&in_user_namespace(&host, RANGES, "")));
}

#[test]
fn each_step_in_a_user_namespace_of_one_id_can_fail() {
    let Some(host) = host("single", false) else { return };
    if is_root() {
        let ordinary = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
        host.give_to("65534:65534");
        return again(&host, "each_step_in_a_user_namespace_of_one_id_can_fail", &ordinary);
    }
    let plan = planned(&in_user_namespace(&host, "", r#""mapIds": "single","#));
    if let (false, Err(error)) = (is_again(), run(&plan)) {
        return skip("single", &format!("this user cannot start a container: {error:?}"));
    }
    fail_each_step(&host, plan);
}

#[test]
fn each_step_into_namespaces_that_are_there_can_fail() {
    let Some(host) = host("joined", true) else { return };
    let sleeper = Sleeper::start();
    fail_each_step(&host, planned(&sleeper.joined()));
}

#[test]
fn each_step_without_a_root_can_fail() {
    let Some(host) = host("without-root", true) else { return };
    fail_each_step(&host, planned(WITHOUT_ROOT));
}

#[test]
fn each_step_to_a_terminal_can_fail() {
    let Some(host) = host("terminal", true) else { return };
    fail_each_step(&host, planned(&with_terminal(&host)));
}

#[test]
fn a_container_of_any_propagation_leaves_the_mounts_as_they_are() {
    let Some(host) = host("propagation", true) else { return };
    // What stays open for the next start is so from here on.
    assert_eq!(run(&planned(&container(&host))).map(|outcome| outcome.exit.end), Ok(End::Exited(0)));
    for propagation in ["private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable"] {
        let properties = container(&host)
            .replace(r#""rootfsPropagation": "rslave""#, &format!(r#""rootfsPropagation": "{propagation}""#));
        let before = host.state();
        assert_eq!(run(&planned(&properties)).map(|outcome| outcome.exit.end), Ok(End::Exited(0)), "{propagation}");
        assert_eq!(host.state(), before, "{propagation}");
    }
}
