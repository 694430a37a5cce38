//! What fails outside of the child's steps: the clone, the parent's part, descriptors that run out.

use std::path::Path;

use minicontainer::error::Error;
use minicontainer::facts::Facts;
use minicontainer::id_ranges::IdMapping;
use minicontainer::launch::wait::End;
use minicontainer::plan::{IdMaps, plan};
use minicontainer::run::run;
use minicontainer::spec::Spec;
use minicontainer_child::{Part, Step};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::host::{Host, again, is_again, is_root, skip};
use crate::specs::{RANGES, container, in_user_namespace, planned};

const IN_USER_NAMESPACE: &str = r#""process": {"args": ["/bin/true"]}, "linux": {"namespaces": [{"type": "user"}]}"#;

/// The message of a start that fails, and of which nothing is left.
fn failed(host: &Host, run: impl FnOnce() -> Result<(), Error>) -> String {
    let before = host.state();
    let error = run().unwrap_err();
    assert_eq!(host.state(), before);
    match error {
        Error::System { message, step: None, exit_code: None, .. } => message,
        other => panic!("{other:?}"),
    }
}

fn start(properties: &str) -> Result<(), Error> {
    run(&planned(properties)).map(drop)
}

#[test]
fn a_clone_without_a_process_left_is_an_error() {
    let Some(host) = Host::new("processes") else { return };
    if is_root() {
        // A user that nobody else is.
        let ordinary = ["setpriv", "--reuid=64123", "--regid=64123", "--clear-groups"];
        return again(&host, "refused::a_clone_without_a_process_left_is_an_error", &ordinary);
    }
    if !is_again() {
        return skip("processes", "this user has other processes");
    }
    start(r#""process": {"args": ["/bin/true"]}"#).unwrap();
    let (_, hard) = getrlimit(Resource::RLIMIT_NPROC).unwrap();
    setrlimit(Resource::RLIMIT_NPROC, 1, hard).unwrap();
    let message = failed(&host, || start(r#""process": {"args": ["/bin/true"]}"#));
    assert!(message.starts_with("cannot create a process: ") && message.contains("ulimit -u"), "{message}");
    // Where another thread is to map the ids, already that cannot be had.
    let mut plan = planned(IN_USER_NAMESPACE);
    plan.id_maps = IdMaps::ByParent { uids: vec![], gids: vec![], by_helpers: true };
    plan.steps.insert(0, Step::Sync { part: Part::MapIds });
    let message = failed(&host, || run(&plan).map(drop));
    assert!(message.starts_with("cannot start a thread: ") && message.contains("ulimit -u"), "{message}");
}

#[test]
fn a_clone_without_a_user_namespace_left_is_an_error() {
    let Some(host) = Host::new("namespaces") else { return };
    if !is_again() {
        let none = "echo 0 >/proc/sys/user/max_user_namespaces && exec \"$@\"";
        let through = ["unshare", "--user", "--map-root-user", "sh", "-c", none, "sh"];
        return again(&host, "refused::a_clone_without_a_user_namespace_left_is_an_error", &through);
    }
    let message = failed(&host, || start(IN_USER_NAMESPACE));
    assert!(message.starts_with("cannot create user namespace: "), "{message}");
    assert!(message.contains("sysctl -w user.max_user_namespaces="), "{message}");
}

#[test]
fn a_map_of_ids_that_is_refused_is_an_error() {
    if !is_root() {
        return skip("maps", "this user is not root");
    }
    let Some(host) = Host::new("maps") else { return };
    // The same id twice.
    let twice = vec![IdMapping { container_id: 0, host_id: 0, size: 1 }; 2];
    for (by_helpers, words) in [(false, "cannot map ids: write \"/proc/"), (true, "cannot map ids by newuidmap: ")] {
        let mut plan = planned(&in_user_namespace(&host, RANGES, ""));
        plan.id_maps = IdMaps::ByParent { uids: twice.clone(), gids: twice.clone(), by_helpers };
        let message = failed(&host, || run(&plan).map(drop));
        assert!(message.starts_with(words), "{message}");
    }
}

/// The most descriptors that a start has open at once are fewer.
const MOST_DESCRIPTORS: u64 = 40;

#[test]
fn a_start_without_a_descriptor_left_is_an_error() {
    let Some(host) = Host::new("descriptors") else { return };
    let properties = if is_root() { container(&host) } else { IN_USER_NAMESPACE.into() };
    let json = format!(r#"{{"ociVersion": "1.2.0", {}}}"#, properties.replace(r#""debug": true"#, r#""debug": false"#));
    let start = || {
        let spec = Spec::parse(json.as_bytes())?;
        run(&plan(&spec, &Facts::gather(&spec)?)?)
    };
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let mut started = Vec::new();
    for free in 0..MOST_DESCRIPTORS {
        let before = host.state();
        setrlimit(Resource::RLIMIT_NOFILE, limit_for(free), hard).unwrap();
        let outcome = start();
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
        assert_eq!(host.state(), before, "{free} free: {outcome:?}");
        started.push(outcome.is_ok());
        match outcome {
            Ok(outcome) => assert_eq!(outcome.exit.end, End::Exited(0)),
            Err(Error::System { message, .. }) => assert!(message.starts_with("cannot "), "{message}"),
            Err(error) => panic!("{free} free: {error:?}"),
        }
    }
    assert!(!started[0] && started[started.len() - 1], "{started:?}");
    assert!(started.is_sorted(), "{started:?}");
}

/// The limit below which so many numbers are free.
fn limit_for(free: u64) -> u64 {
    let is_free = |number: &u64| !Path::new(&format!("/proc/self/fd/{number}")).is_symlink();
    (0..).filter(is_free).nth(usize::try_from(free).unwrap()).unwrap()
}
