//! Rules by their plain reading, by the program, and by version 1's list.

mod machine;
mod random;
mod real;

use super::legacy::{Write, writes};
use super::program::program;
use super::rule::USUAL;
use super::*;
use machine::{Asked, run};

fn rules(json: &str) -> Vec<DeviceRule> {
    serde_json::from_str(json).unwrap()
}

fn policy(json: &str) -> Policy {
    Policy::parse(&rules(json), "devices").unwrap()
}

fn asked(kind: Kind, major: u32, minor: u32, access: Access) -> Asked {
    Asked { kind, major, minor, access }
}

fn lines(writes: &[Write]) -> Vec<String> {
    writes.iter().map(|Write { file, line }| format!("{file} {line}")).collect()
}

const DENY_ALL: &str = r#"[{"allow": false, "access": "rwm"}]"#;

#[test]
fn without_an_allowing_rule_there_is_what_every_container_has_and_no_more() {
    for json in ["[]", DENY_ALL] {
        let program = program(&policy(json));
        let character = |major, minor, access| run(&program, &asked(Kind::Character, major, minor, access));
        let usual = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2), (136, 0), (136, 77)];
        assert!(usual.into_iter().all(|(major, minor)| character(major, minor, Access::ALL)));
        assert!(character(10, 229, Access::MAKE) && !character(10, 229, Access::READ));
        assert!(!character(1, 1, Access::READ) && !character(1, 1, Access::READ | Access::MAKE));
        assert!(run(&program, &asked(Kind::Block, 8, 0, Access::MAKE)));
        assert!(!run(&program, &asked(Kind::Block, 1, 3, Access::READ)));
    }
}

#[test]
fn the_last_rule_about_an_access_decides_for_each_of_what_is_asked() {
    let program = program(&policy(
        r#"[{"allow": false}, {"allow": true, "type": "c", "major": 10, "access": "rw"},
            {"allow": false, "type": "c", "major": 10, "minor": 200, "access": "w"}]"#,
    ));
    let fuse = |access| run(&program, &asked(Kind::Character, 10, 229, access));
    let tun = |access| run(&program, &asked(Kind::Character, 10, 200, access));
    assert!(fuse(Access::READ | Access::WRITE));
    assert!(tun(Access::READ) && !tun(Access::WRITE) && !tun(Access::READ | Access::WRITE));
}

#[test]
fn what_allows_everything_needs_no_program() {
    let everything = r#"[{"allow": false}, {"allow": true, "type": "a", "major": -1, "minor": -1, "access": "mrw"}]"#;
    assert!(policy(everything).allows_everything());
    assert_eq!(lines(&writes(&policy(everything), "").unwrap()), ["devices.allow a"]);
    for json in ["[]", DENY_ALL, r#"[{"allow": true}, {"allow": false, "type": "b"}]"#] {
        assert!(!policy(json).allows_everything(), "{json}");
    }
}

#[test]
fn what_no_kernel_takes_is_refused_by_its_field() {
    let cases = [
        (r#"{"type": "p"}"#, "devices[1].type", "must be a, b or c; it is \"p\""),
        (r#"{"major": -2}"#, "devices[1].major", "must be below 4096, or -1 for all; it is -2"),
        (r#"{"minor": 1048576}"#, "devices[1].minor", "must be below 1048576, or -1 for all; it is 1048576"),
        (r#"{"access": "rx"}"#, "devices[1].access", "must have letters of \"rwm\" only; it is \"rx\""),
        (r#"{"access": ""}"#, "devices[1].access", "must have letters of \"rwm\" only; it is \"\""),
    ];
    for (json, path, message) in cases {
        let rules = rules(&format!(r#"[{{"allow": true, "access": "mr"}}, {json}]"#));
        assert_eq!(Policy::parse(&rules, "devices").unwrap_err(), Error::spec(path, message));
    }
}

#[test]
fn version_1_has_a_general_line_and_its_exceptions() {
    let written =
        lines(&writes(&policy(r#"[{"allow": false}, {"allow": true, "major": 8, "access": "wr"}]"#), "").unwrap());
    assert_eq!(written[..3], ["devices.deny a", "devices.allow b 8:* rw", "devices.allow c 8:* rw"]);
    assert!(written.contains(&"devices.allow c 136:* rwm".into()) && written.contains(&"devices.allow c *:* m".into()));
    let written =
        lines(&writes(&policy(r#"[{"allow": true}, {"allow": false, "type": "b", "access": "w"}]"#), "").unwrap());
    assert_eq!(written, ["devices.allow a", "devices.deny b *:* w"]);
}

#[test]
fn version_1_refuses_exceptions_of_exceptions() {
    let json =
        r#"[{"allow": true, "type": "c", "major": 10}, {"allow": false, "type": "c", "major": 10, "minor": 200}]"#;
    let message = "refuse a part of \"c 10:* rwm\", which is allowed: version 1 of cgroups cannot";
    assert_eq!(writes(&policy(json), "devices").unwrap_err(), Error::spec("devices", message));
}

/// The plain reading: each of what is asked is decided by the last rule about it.
fn oracle(rules: &[DeviceRule], asked: &Asked) -> bool {
    let usual = USUAL;
    let read: Vec<Rule> = rules.iter().map(|rule| Rule::parse(rule, "").unwrap()).chain(usual).collect();
    let is_allowed = |access: Access| {
        let is_about = |rule: &&Rule| {
            rule.kind.is_none_or(|kind| kind == asked.kind)
                && rule.major.is_none_or(|major| major == asked.major)
                && rule.minor.is_none_or(|minor| minor == asked.minor)
                && rule.access & access == access
        };
        read.iter().rfind(is_about).is_some_and(|rule| rule.allow)
    };
    let each = [Access::READ, Access::WRITE, Access::MAKE];
    each.into_iter().filter(|access| !(asked.access & *access).is_empty()).all(is_allowed)
}
