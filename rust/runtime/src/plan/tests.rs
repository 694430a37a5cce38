//! Plans: what a spec becomes, and why it is refused.

mod golden;
mod refusals;
mod refused_mounts;
mod refused_programs;
mod steps;

mod filter;

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::*;
use crate::spec::Spec;

#[allow(clippy::needless_pass_by_value, reason = "so that facts can be made in the call")]
fn planned(json: &str, facts: Facts) -> Result<Plan, Error> {
    plan(&Spec::parse(json.as_bytes())?, &facts)
}

/// A plan as `explain` shows it, without the reasons.
fn lines(json: &str, facts: Facts) -> String {
    explain(&planned(json, facts).unwrap()).iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{} {}({})", line.side, line.syscall, line.arguments.join(", ")).unwrap();
        text
    })
}

fn refusal(json: &str) -> (String, String) {
    match planned(json, Facts::default()) {
        Err(Error::Spec { path, message }) => (path, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_terminal_takes_the_place_of_those_streams_that_are_ours() {
    let json = r#"{
        "ociVersion": "1.2.0", "process": {"args": ["/bin/true"]},
        "minicontainer": {"tty": "auto", "foreground": true, "stdio": ["null", "null", "null"]}
    }"#;
    let facts = Facts { terminals: [true, false, true], terminal_size: Some((24, 80)), ..Facts::default() };
    assert_eq!(
        lines(json, facts),
        r#"parent socketpair(AF_UNIX, SOCK_SEQPACKET|SOCK_CLOEXEC, 0)
parent openat(AT_FDCWD, "/dev/null", O_RDWR|O_CLOEXEC)
parent mmap(NULL, STACK_SIZE, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS|MAP_STACK)
parent rt_sigprocmask(SIG_SETMASK, ~[])
parent clone(CLONE_VM|CLONE_VFORK|SIGCHLD)
child setsid()
child openat(AT_FDCWD, "/dev/ptmx", O_RDWR|O_NOCTTY)
child ioctl(TERMINAL, TIOCGPTPEER)
child sendmsg(SOCKET, SCM_RIGHTS)
child ioctl(PEER, TIOCSCTTY, 0)
child dup3(PEER, 0, 0)
child dup3(PEER, 2, 0)
child dup3(/dev/null, 1, 0)
child close_range(3, ~0, 0)
child rt_sigaction(1..64, SIG_DFL)
child rt_sigprocmask(SIG_SETMASK, [])
child execve("/bin/true", ["/bin/true"], [1 variables])
parent pidfd_open(PID, 0)
parent recvmsg(SOCKET, SCM_RIGHTS)
parent ioctl(0, TCSETSW, RAW)
parent waitid(P_PIDFD, PIDFD, WEXITED, RUSAGE)
"#
    );
    // Where our stdin is none, another stream may be.
    let plan = planned(json, Facts::default()).unwrap();
    assert_eq!((plan.terminal_streams(), plan.has_own_session()), (None, true));
}

#[test]
fn a_terminal_has_the_size_that_is_asked_for_or_else_ours() {
    let facts = || Facts { terminal_size: Some((24, 80)), ..Facts::default() };
    let size = |process: &str| {
        let json =
            format!(r#"{{"ociVersion": "1.2.0", "process": {{"args": ["/bin/true"], "terminal": true {process}}}}}"#);
        let plan = planned(&json, facts()).unwrap();
        plan.steps.iter().find_map(|step| match step {
            Step::OpenTerminal { size, streams: [true, true, true], .. } => Some(*size),
            _ => None,
        })
    };
    assert_eq!(size(""), Some((24, 80)));
    assert_eq!(size(r#", "consoleSize": {"height": 50, "width": 132}"#), Some((50, 132)));
}

#[test]
fn every_line_has_a_reason_and_a_man_page() {
    let json = r#"{"ociVersion": "1.2.0", "process": {"args": ["true"], "cwd": "/"},
        "linux": {"namespaces": [{"type": "pid"}]}, "minicontainer": {"killOnExit": true, "debug": true}}"#;
    for line in explain(&planned(json, Facts::default()).unwrap()) {
        assert!(!line.why.is_empty(), "{line:?}");
        assert!(line.man_page.contains('('), "{line:?}");
    }
}

#[test]
fn what_cannot_be_is_refused_by_its_path() {
    let process = |process: &str| format!(r#"{{"ociVersion": "1.2.0", "process": {process}}}"#);
    let extras =
        |extras: &str| format!(r#"{{"ociVersion": "1.2.0", "process": {{"args": ["x"]}}, "minicontainer": {extras}}}"#);
    let cases = [
        (process(r#"{"args": []}"#), "process.args", "at least one entry"),
        (process(r#"{"args": [""]}"#), "process.args[0]", "must name a program"),
        (process(r#"{"args": ["x", "a\u0000b"]}"#), "process.args[1]", "NUL character; there is one at byte 1"),
        (process(r#"{"args": ["x"], "env": ["A=1", "B"]}"#), "process.env[1]", "must be NAME=value"),
        (process(r#"{"args": ["x"], "cwd": "a\u0000"}"#), "process.cwd", "NUL character"),
        (process(r#"{"args": "x"}"#), "process.args", "invalid type: string"),
        (process(r#"{"args": ["x", 7]}"#), "process.args[1]", "invalid type: integer `7`"),
        (process("{}"), "process", "missing field `args`"),
        (r#"{"process": {"args": ["x"]}}"#.into(), "", "missing field `ociVersion`"),
        ("not JSON".into(), "", "expected ident"),
        (extras(r#"{"program": ""}"#), "minicontainer.program", "must name a program"),
        (extras(r#"{"stdio": ["inherit", {"descriptor": -1}, "null"]}"#), "minicontainer.stdio[1]", "it is -1"),
        (extras(r#"{"stdio": ["inherit"]}"#), "minicontainer.stdio", "invalid length 1"),
        (extras(r#"{"stdio": ["a", "null", "null"]}"#), "minicontainer.stdio[0]", "unknown variant `a`"),
        (extras(r#"{"timeoutMs": 0}"#), "minicontainer.timeoutMs", "must be above 0"),
        (extras(r#"{"timeoutMs": 1e300}"#), "minicontainer.timeoutMs", "at most 100 years"),
    ];
    for (json, expected_path, expected) in cases {
        let (path, message) = refusal(&json);
        assert!(path == expected_path && message.contains(expected), "{json}: {path}: {message}");
    }
}

#[test]
fn unknown_properties_are_ignored() {
    let json = r#"{"ociVersion": "1.2.0", "process": {"args": ["x"], "later": 1}, "annotations": {"a": "b"}}"#;
    assert!(planned(json, Facts::default()).is_ok());
}

#[test]
fn a_plan_says_what_it_is() {
    let json = r#"{"ociVersion": "1.2.0", "process": {"args": ["x"]}, "linux": {"namespaces": [{"type": "pid"}]},
        "minicontainer": {"killOnExit": true}}"#;
    let plan = planned(json, Facts::default()).unwrap();
    assert!(plan.is_init() && plan.dies_with_owner());
    let paths: Vec<PathBuf> = plan.program_paths(Path::new("/here")).collect();
    assert_eq!(paths, [Path::new("/bin/x"), Path::new("/usr/bin/x")]);
}
