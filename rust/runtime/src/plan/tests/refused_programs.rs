//! What a program cannot be or have, by the field that says so, and beside each what can.

use super::refusals::check;
use super::{Error, Facts, planned};
use crate::id_ranges::single;

/// Fields of `process` that are refused and taken; the path is below that.
fn process(path: &str, message: &str, refused: &str, taken: &str) {
    let whole = |fields: &str| format!(r#""process": {{"args": ["x"], {fields}}}"#);
    check(&[(&format!("process.{path}"), message, &whole(refused), &whole(taken))], Facts::default);
}

#[test]
fn a_limit_is_refused_by_its_field() {
    let limit = |kind: &str, soft: i32| format!(r#"{{"type": "{kind}", "soft": {soft}, "hard": 2}}"#);
    let list = |limits: &[String]| format!(r#""rlimits": [{}]"#, limits.join(", "));
    let taken = list(&[limit("RLIMIT_CPU", 2), limit("RLIMIT_CORE", 0)]);
    process("rlimits[0].type", "another of getrlimit(2)", &list(&[limit("RLIMIT_X", 0)]), &taken);
    process("rlimits[1].type", "stands there twice", &list(&[limit("RLIMIT_CPU", 0), limit("RLIMIT_CPU", 1)]), &taken);
    process("rlimits[0].soft", "must not be above hard", &list(&[limit("RLIMIT_CPU", 3)]), &taken);
    process("rlimits[0].soft", "2^64-1", &list(&[limit("RLIMIT_CPU", -2)]), &taken);
}

#[test]
fn a_schedule_is_refused_by_its_field() {
    let scheduler = |fields: &str| format!(r#""scheduler": {{{fields}}}"#);
    let taken = scheduler(r#""policy": "SCHED_BATCH", "nice": 19, "flags": ["SCHED_FLAG_RESET_ON_FORK"]"#);
    process("scheduler.policy", "must be SCHED_OTHER", &scheduler(r#""policy": "batch""#), &taken);
    process("scheduler.nice", "-20 to 19", &scheduler(r#""policy": "SCHED_BATCH", "nice": 20"#), &taken);
    let flags = r#""policy": "SCHED_BATCH", "flags": ["SCHED_FLAG_RECLAIM", "X"]"#;
    process("scheduler.flags[1]", "SCHED_FLAG_…", &scheduler(flags), &taken);

    let priority =
        |class: &str, level: i32| format!(r#""ioPriority": {{"class": "IOPRIO_CLASS_{class}", "priority": {level}}}"#);
    process("ioPriority.class", "IOPRIO_CLASS_RT", &priority("NONE", 0), &priority("BE", 0));
    process("ioPriority.priority", "0 to 7", &priority("BE", 8), &priority("BE", 7));

    process(
        "execCPUAffinity.initial",
        "",
        r#""execCPUAffinity": {"initial": "x"}"#,
        r#""execCPUAffinity": {"initial": "0"}"#,
    );
    process(
        "execCPUAffinity.final",
        "",
        r#""execCPUAffinity": {"initial": "0", "final": "1-0"}"#,
        r#""execCPUAffinity": {"initial": "x", "final": "0-1"}"#,
    );

    let personality = |fields: &str| format!(r#""linux": {{"personality": {{{fields}}}}}"#);
    let taken = personality(r#""domain": "LINUX32""#);
    let domain = personality(r#""domain": "linux""#);
    check(&[("linux.personality.domain", "LINUX or LINUX32", &domain, &taken)], Facts::default);
    let flags = personality(r#""domain": "LINUX", "flags": ["x"]"#);
    check(&[("linux.personality.flags", "must be empty", &flags, &taken)], Facts::default);
}

#[test]
fn an_identity_is_refused_by_its_field() {
    process("user.umask", "at most 0777", r#""user": {"umask": 512}"#, r#""user": {"umask": 511}"#);
    process("user.uid", "beside process.user.gid", r#""user": {"gid": 1}"#, r#""user": {"uid": 1}"#);
    for (field, refused) in [
        ("uid", r#"{"uid": 4294967295}"#),
        ("gid", r#"{"uid": 1, "gid": 4294967295}"#),
        ("additionalGids", r#"{"uid": 1, "additionalGids": [4294967295]}"#),
    ] {
        let taken = refused.replace("4294967295", "4294967294");
        let user = |user: &str| format!(r#""user": {user}"#);
        process(&format!("user.{field}"), "which stands for none", &user(refused), &user(&taken));
    }
    let capabilities = |permitted: &str| {
        format!(
            r#""process": {{"args": ["x"],
                "capabilities": {{"permitted": ["{permitted}"], "effective": ["CAP_CHOWN"]}}}}"#
        )
    };
    let (refused, taken) = (capabilities("CAP_KILL"), capabilities("CAP_CHOWN"));
    let facts = || Facts { capabilities: u64::MAX, ..Facts::default() };
    check(&[("process.capabilities.effective", "in permitted too", &refused, &taken)], facts);
}

#[test]
fn groups_are_refused_where_one_id_is_mapped() {
    let spec = |groups: &str| {
        format!(
            r#""process": {{"args": ["x"], "user": {{"additionalGids": {groups}}}}},
            "linux": {{"namespaces": [{{"type": "user"}}]}}"#
        )
    };
    let facts = || Facts { uid: 7, gid: 7, id_mappings: (single(7), single(7)), ..Facts::default() };
    let (refused, taken) = (spec("[5]"), spec("[]"));
    check(&[("process.user.additionalGids", "needs ranges of ids", &refused, &taken)], facts);
}

#[test]
fn a_user_who_was_not_looked_up_is_refused() {
    let json = r#"{"ociVersion": "1.2.0", "process": {"args": ["x"]}, "minicontainer": {"runAs": "joe"}}"#;
    let Err(Error::Spec { path, message }) = planned(json, Facts::default()) else { panic!("it is taken") };
    assert!(path == "minicontainer.runAs" && message.contains("was not looked up"), "{path}: {message}");
    let facts = Facts { user: Some(crate::users::User::default()), ..Facts::default() };
    assert!(planned(json, facts).is_ok());
}

#[test]
fn a_filter_is_refused_by_its_field() {
    let filter = |fields: &str| format!(r#""linux": {{"seccomp": {{"defaultAction": "SCMP_ACT_ALLOW", {fields}}}}}"#);
    let rule = |action: &str, index: u32| {
        filter(&format!(
            r#""syscalls": [{{"names": ["read"], "action": "{action}",
                "args": [{{"index": {index}, "value": 0, "op": "SCMP_CMP_EQ"}}]}}]"#
        ))
    };
    let taken = rule("SCMP_ACT_ERRNO", 5);
    for (path, message, refused) in [
        ("linux.seccomp", "needs somebody who answers", rule("SCMP_ACT_NOTIFY", 0)),
        (
            "linux.seccomp.listenerPath",
            "is for containers that are made by create or run",
            filter(r#""listenerPath": "/s", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]"#),
        ),
        ("linux.seccomp.syscalls[0].args[0].index", "", rule("SCMP_ACT_ERRNO", 6)),
        ("linux.seccomp.syscalls[0].action", "unknown variant", rule("NO", 0)),
        ("linux.seccomp.listenerMetadata", "listenerPath", filter(r#""listenerMetadata": "m""#)),
    ] {
        check(&[(path, message, &refused, &taken)], Facts::default);
    }
}
