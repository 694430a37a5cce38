//! What is refused, and the path that the error names.

use super::*;

fn refusal(json: &str) -> (String, String) {
    match compile_for(Abi::X86_64, &spec(json)) {
        Err(Error::Spec { path, message }) => (path, message),
        other => panic!("{other:?}"),
    }
}

/// The refusal of a second rule.
fn rule_refusal(rule: &str) -> (String, String) {
    refusal(&format!(
        r#"{{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/l",
            "syscalls": [{{"names": ["dup"], "action": "SCMP_ACT_LOG"}}, {{{rule}}}]}}"#
    ))
}

#[test]
fn a_refusal_names_the_field() {
    let path = |rule: &str| rule_refusal(rule).0.replace("linux.seccomp.syscalls[1].", "");
    assert_eq!(path(r#""names": [], "action": "SCMP_ACT_LOG""#), "names");
    assert_eq!(path(r#""names": ["dup", ""], "action": "SCMP_ACT_LOG""#), "names[1]");
    assert_eq!(path(r#""names": ["dup"], "action": "SCMP_ACT_LOG", "errnoRet": 1"#), "errnoRet");
    assert_eq!(path(r#""names": ["dup"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1"#), "errnoRet");
    assert_eq!(path(r#""names": ["dup"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096"#), "errnoRet");
    assert_eq!(path(r#""names": ["dup"], "action": "SCMP_ACT_TRACE", "errnoRet": 65536"#), "errnoRet");
    assert_eq!(path(r#""names": ["dup", "write"], "action": "SCMP_ACT_NOTIFY""#), "names[1]");
    let arg = |index: u32| format!(r#"{{"index": {index}, "value": 1, "op": "SCMP_CMP_EQ"}}"#);
    let args = format!(r#""names": ["dup"], "action": "SCMP_ACT_LOG", "args": [{}, {}]"#, arg(5), arg(6));
    assert_eq!(
        rule_refusal(&args),
        ("linux.seccomp.syscalls[1].args[1].index".into(), "must be 0 to 5: a call has six arguments".into())
    );
}

#[test]
fn a_refusal_of_the_whole_names_the_field() {
    let path = |json: &str| refusal(json).0;
    assert_eq!(path(r#"{"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/l"}"#), "linux.seccomp.defaultAction");
    assert_eq!(path(r#"{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}"#), "linux.seccomp.defaultErrnoRet");
    assert_eq!(
        path(r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}"#),
        "linux.seccomp.defaultErrnoRet"
    );
    assert_eq!(
        path(r#"{"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}"#),
        "linux.seccomp.listenerMetadata"
    );
}

#[test]
fn unknown_words_are_refused_where_they_stand() {
    let path = |json: &str| {
        let mut deserializer = serde_json::Deserializer::from_str(json);
        let error = serde_path_to_error::deserialize::<_, Seccomp>(&mut deserializer).unwrap_err();
        error.path().to_string()
    };
    let with_op = r#"{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["dup"], "action": "SCMP_ACT_LOG",
        "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_XX"}]}]}"#;
    assert_eq!(path(with_op), "syscalls[0].args[0].op");
    assert_eq!(path(r#"{"defaultAction": "SCMP_ACT_NONE"}"#), "defaultAction");
    assert_eq!(path(r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_Z80"]}"#), "architectures[0]");
    assert_eq!(path(r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]}"#), "flags[0]");
}

/// A rule for every call, with as many conditions, of which no two have anything in common.
fn large(conditions: u32) -> String {
    let rule = |(place, name): (usize, &str)| {
        let value = (place as u64 + 1) << 34 | 1;
        let arg = |index: u32| format!(r#"{{"index": {index}, "value": {value}, "op": "SCMP_CMP_GT"}}"#);
        let args: Vec<String> = (0..conditions).map(arg).collect();
        format!(r#"{{"names": ["{name}"], "action": "SCMP_ACT_LOG", "args": [{}]}}"#, args.join(", "))
    };
    let known = table::SYSCALLS.iter().filter(|row| Abi::X86_64.number(row).is_some()).map(|row| row.0);
    let rules: Vec<String> = known.enumerate().map(rule).collect();
    format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{}]}}"#, rules.join(", "))
}

#[test]
fn long_jumps_reach_their_targets() {
    let json = large(1);
    let profile = spec(&json);
    assert!(profile.syscalls.len() > 300);
    let program = filter(Abi::X86_64, &json).program;
    assert!(program.iter().any(|instruction| instruction.code == 0x05 && instruction.k > 255));
    for row in table::SYSCALLS {
        let Some(number) = Abi::X86_64.number(row) else { continue };
        for args in [[0; 6], [u64::MAX; 6], [u64::MAX, 0, 0, 0, 0, 0], [1 << 40; 6]] {
            let call = Call { token: Abi::X86_64.token(), number, args };
            assert_eq!(run(&program, &call).verdict, super::super::oracle::verdict(Abi::X86_64, &profile, &call));
        }
    }
}

#[test]
fn more_instructions_than_the_kernel_takes_are_refused() {
    let (path, message) = refusal(&large(2));
    assert_eq!(path, "linux.seccomp.syscalls");
    assert!(message.starts_with("make ") && message.ends_with(" instructions; the kernel takes 4096"), "{message}");
}
