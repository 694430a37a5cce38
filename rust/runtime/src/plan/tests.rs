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

fn planned(json: &str, facts: Facts) -> Result<Plan, Error> {
    plan(&Spec::parse(json.as_bytes())?, facts)
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
