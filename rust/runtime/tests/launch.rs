//! Real programs, started by the real kernel.

use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use minicontainer::error::Error;
use minicontainer::facts::Facts;
use minicontainer::launch::launch;
use minicontainer::launch::listener::Answer;
use minicontainer::launch::wait::{End, WaitFor, reap, send_signal};
use minicontainer::plan::{Plan, plan};
use minicontainer::run::{Outcome, run};
use minicontainer::spec::Spec;
use nix::errno::Errno;
use nix::libc;

fn planned(process: &str, extras: &str) -> Plan {
    let json = format!(r#"{{"ociVersion": "1.2.0", "process": {process}, "minicontainer": {extras}}}"#);
    let spec = Spec::parse(json.as_bytes()).unwrap();
    let facts = Facts::gather(&spec).unwrap();
    plan(&spec, &facts).unwrap()
}

fn outcome(process: &str, extras: &str) -> Result<Outcome, Error> {
    run(&planned(process, extras))
}

fn shell(script: &str) -> String {
    format!(r#"{{"args": ["/bin/sh", "-c", "{script}"]}}"#)
}

#[test]
fn run_tells_an_exit_status_and_a_signal() {
    assert_eq!(outcome(&shell("exit 42"), "{}").unwrap().exit.end, End::Exited(42));
    assert_eq!(outcome(&shell("kill -USR1 $$"), "{}").unwrap().exit.end, End::Signaled(libc::SIGUSR1));
}

#[test]
fn run_kills_what_is_out_of_time() {
    let outcome = outcome(&shell("sleep 60"), r#"{"timeoutMs": 50}"#).unwrap();
    assert!(outcome.out_of_time);
    assert_eq!(outcome.exit.end, End::Signaled(libc::SIGKILL));
}

#[test]
fn a_failed_step_is_named_with_its_place_and_leaves_no_child() {
    let error = outcome(r#"{"args": ["/bin/true"], "cwd": "/no/such/folder"}"#, "{}").unwrap_err();
    let Error::System { operation, errno, step, exit_code, .. } = error else { panic!("{error:?}") };
    assert_eq!(
        (operation.as_str(), errno, exit_code),
        (r#"change to directory "/no/such/folder""#, libc::ENOENT, None)
    );
    let (number, of) = step.unwrap();
    assert!(number < of);
}

#[test]
fn a_pidfd_signals_and_waits_and_a_second_wait_finds_nothing() {
    let child = launch(&planned(&shell("sleep 60"), "{}")).unwrap();
    let pidfd = child.pidfd.as_raw_fd();
    assert!(reap(pidfd, WaitFor::EndNow).unwrap().is_none());
    send_signal(pidfd, libc::SIGTERM).unwrap();
    assert_eq!(reap(pidfd, WaitFor::End).unwrap().unwrap().end, End::Signaled(libc::SIGTERM));
    assert_eq!(reap(pidfd, WaitFor::End).unwrap_err(), Errno::ECHILD);
    assert_eq!(send_signal(pidfd, libc::SIGTERM).unwrap_err(), Errno::ESRCH);
}

/// A program with a terminal of its own, whose filter asks about `getppid`.
#[test]
fn a_listener_and_a_terminal_come_from_one_child() {
    let json = r#"{"ociVersion": "1.2.0", "minicontainer": {"tty": "always"},
        "process": {"args": ["/bin/sh", "-c", "exit $PPID"], "noNewPrivileges": true},
        "linux": {"seccomp": {"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_NOTIFY"}]}}}"#;
    let spec = Spec::parse(json.as_bytes()).unwrap();
    let plan = plan(&spec, &Facts { answers_calls: true, ..Facts::gather(&spec).unwrap() }).unwrap();
    let child = launch(&plan).unwrap();
    assert!(child.terminal.is_some());
    let listener = child.listener.unwrap();
    let call = loop {
        match listener.receive() {
            Err(Errno::EAGAIN) => std::thread::yield_now(),
            call => break call.unwrap().unwrap(),
        }
    };
    assert_eq!((call.thread, i64::from(call.number)), (child.pid, libc::SYS_getppid));
    assert_eq!(listener.check_waits(call.id), Ok(()));
    assert_eq!(listener.answer(call.id, Answer::Return(42)), Ok(()));
    assert_eq!(reap(child.pidfd.as_raw_fd(), WaitFor::End).unwrap().unwrap().end, End::Exited(42));
    assert_eq!(listener.check_waits(call.id), Err(Errno::ENOENT));
    assert_eq!(listener.answer(call.id, Answer::Continue), Err(Errno::ENOENT));
    assert!(listener.receive().unwrap().is_none());
}

#[test]
fn children_start_beside_threads_that_allocate_without_pause() {
    let stop = Arc::new(AtomicBool::new(false));
    let allocating: Vec<_> = (0..4)
        .map(|size| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let blocks: Vec<Vec<u8>> = (1..200).map(|length| vec![1; length << size]).collect();
                    assert_eq!(blocks.len(), 199);
                }
            })
        })
        .collect();
    for _ in 0..500 {
        assert_eq!(outcome(r#"{"args": ["/bin/true"]}"#, "{}").unwrap().exit.end, End::Exited(0));
        let failed = outcome(r#"{"args": ["/no/such/program"]}"#, "{}");
        assert!(matches!(failed, Err(Error::System { exit_code: Some(127), .. })), "{failed:?}");
    }
    stop.store(true, Ordering::Relaxed);
    for thread in allocating {
        thread.join().unwrap();
    }
}

#[test]
fn children_start_from_many_threads_at_once() {
    let starting: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                for _ in 0..50 {
                    let outcome = outcome(&shell(&format!("exit {number}")), r#"{"killOnExit": true}"#).unwrap();
                    assert_eq!(outcome.exit.end, End::Exited(number));
                }
            })
        })
        .collect();
    for thread in starting {
        thread.join().unwrap();
    }
}
