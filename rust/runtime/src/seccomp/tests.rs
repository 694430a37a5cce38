//! Compiled programs, run over calls.

mod profile;
mod random;
mod refusals;

use super::machine::{Call, check, run};
use super::*;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;

fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number.unsigned_abs()
}

fn spec(json: &str) -> Seccomp {
    serde_json::from_str(json).unwrap()
}

fn filter(native: Abi, json: &str) -> Filter {
    let filter = compile_for(native, &spec(json)).unwrap();
    check(&filter.program);
    filter
}

fn number(abi: Abi, name: &str) -> u32 {
    abi.number(table::find(name).unwrap()).unwrap()
}

/// What a call of `name` by `abi` becomes; the arguments that aren't given are 0.
fn verdict(filter: &Filter, abi: Abi, name: &str, args: &[u64]) -> u32 {
    verdict_of(filter, abi.token(), number(abi, name), args)
}

fn verdict_of(filter: &Filter, token: u32, number: u32, args: &[u64]) -> u32 {
    let mut all = [0; 6];
    all[..args.len()].copy_from_slice(args);
    run(&filter.program, &Call { token, number, args: all }).verdict
}

#[test]
fn each_action_has_its_value() {
    let cases = [
        ("KILL", "", 0),
        ("KILL_THREAD", "", 0),
        ("KILL_PROCESS", "", 0x8000_0000),
        ("TRAP", "", 0x0003_0000),
        ("ERRNO", "", 0x0005_0001),
        ("ERRNO", r#", "errnoRet": 38"#, 0x0005_0026),
        ("ERRNO", r#", "errnoRet": 0"#, 0x0005_0000),
        ("TRACE", "", 0x7ff0_0001),
        ("TRACE", r#", "errnoRet": 65535"#, 0x7ff0_ffff),
        ("LOG", "", 0x7ffc_0000),
        ("NOTIFY", "", 0x7fc0_0000),
    ];
    for (action, errno, value) in cases {
        let json = format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/l",
                "syscalls": [{{"names": ["getpid"], "action": "SCMP_ACT_{action}"{errno}}}]}}"#
        );
        let filter = filter(Abi::X86_64, &json);
        assert_eq!(verdict(&filter, Abi::X86_64, "getpid", &[]), value, "{action}");
        assert_eq!(verdict(&filter, Abi::X86_64, "getppid", &[]), ALLOW);
        assert_eq!(filter.notifies, action == "NOTIFY");
        assert_eq!(filter.flags, if filter.notifies { NEW_LISTENER } else { 0 });
    }
}

#[test]
fn a_call_is_named_by_what_the_kernel_tells_of_it() {
    for row in table::SYSCALLS {
        for abi in Abi::ALL {
            let Some(number) = abi.number(row) else { continue };
            let (name, architecture) = name_of(abi.token(), number).unwrap();
            assert_eq!((abi.number(table::find(name).unwrap()), architecture), (Some(number), abi.name()));
        }
    }
    assert_eq!([name_of(Abi::X86_64.token(), 9999), name_of(7, 1)], [None; 2]);
}

#[test]
fn a_default_action_has_a_number_too() {
    let filter = filter(Abi::X86_64, r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38}"#);
    assert_eq!(verdict(&filter, Abi::X86_64, "getpid", &[]), errno(libc::ENOSYS));
    assert_eq!(filter.program.len(), 7, "{:?}", filter.program);
}

#[test]
fn flags_are_those_that_go_together() {
    let flags = |names: &str, action: &str| {
        let json = format!(
            r#"{{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/l", "flags": [{names}],
                "syscalls": [{{"names": ["mkdir"], "action": "{action}"}}]}}"#
        );
        filter(Abi::X86_64, &json).flags
    };
    let all = r#""SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV""#;
    assert_eq!(flags(all, "SCMP_ACT_ERRNO"), FLAG_LOG | SPEC_ALLOW);
    assert_eq!(flags(all, "SCMP_ACT_NOTIFY"), FLAG_LOG | SPEC_ALLOW | NEW_LISTENER | WAIT_KILLABLE_RECV);
    assert_eq!(flags("", "SCMP_ACT_ERRNO"), 0);
}

/// Whether a call of mmap with these arguments meets the conditions.
fn meets(abi: Abi, conditions: &str, args: &[u64]) -> bool {
    let name = if abi.is_wide() { "mmap" } else { "mmap2" };
    let json = format!(
        r#"{{"defaultAction": "SCMP_ACT_ALLOW",
            "syscalls": [{{"names": ["{name}"], "action": "SCMP_ACT_ERRNO", "args": [{conditions}]}}]}}"#
    );
    verdict(&filter(abi, &json), abi, name, args) == errno(libc::EPERM)
}

#[test]
fn operators_compare_all_64_bits_without_a_sign() {
    const MAX: u64 = u64::MAX;
    let around = |value: u64| [value.wrapping_sub(1), value, value.wrapping_add(1)];
    let values = [0, 1, 0xffff_ffff, 1 << 32, (1 << 32) + 5, 5 << 32, 1 << 63, MAX];
    let others = values.iter().flat_map(|value| around(*value)).chain([5, (2 << 32) + 5, 7 << 32]);
    for it in others {
        for value in values {
            let met = |op: &str| {
                let condition = format!(r#"{{"index": 5, "value": {value}, "op": "SCMP_CMP_{op}"}}"#);
                meets(Abi::X86_64, &condition, &[0, 0, 0, 0, 0, it])
            };
            assert_eq!(met("EQ"), it == value, "{it:#x} EQ {value:#x}");
            assert_eq!(met("NE"), it != value, "{it:#x} NE {value:#x}");
            assert_eq!(met("LT"), it < value, "{it:#x} LT {value:#x}");
            assert_eq!(met("LE"), it <= value, "{it:#x} LE {value:#x}");
            assert_eq!(met("GT"), it > value, "{it:#x} GT {value:#x}");
            assert_eq!(met("GE"), it >= value, "{it:#x} GE {value:#x}");
        }
    }
}

#[test]
fn a_mask_covers_both_halves() {
    let met = |mask: u64, value: u64, it: u64| {
        let condition = format!(r#"{{"index": 0, "value": {mask}, "valueTwo": {value}, "op": "SCMP_CMP_MASKED_EQ"}}"#);
        meets(Abi::Aarch64, &condition, &[it])
    };
    assert!(met(0xff, 0x12, 0xffff_ffff_ffff_ff12));
    assert!(!met(0xff, 0x12, 0x13));
    assert!(met(0xf_0000_0000, 0x3_0000_0000, 0xffff_fff3_ffff_ffff));
    assert!(!met(0xf_0000_0000, 0x3_0000_0000, 0x3));
    assert!(met(0xf_0000_000f, 0x3_0000_0004, 0x3_0000_0004));
    assert!(!met(0xf_0000_000f, 0x3_0000_0004, 0x3_0000_0005));
    assert!(!met(0xf_0000_000f, 0x3_0000_0004, 0x2_0000_0004));
    assert!(met(0, 0, 77), "an empty mask is always met");
    assert!(met(0x0f, 0xf4, 0x04), "what the value has outside of the mask is left away");
}

#[test]
fn where_registers_have_32_bits_lower_halves_are_compared() {
    let minus_one = r#"{"index": 1, "value": 18446744073709551615, "op": "SCMP_CMP_EQ"}"#;
    assert!(meets(Abi::Arm, minus_one, &[0, 0xffff_ffff]));
    assert!(!meets(Abi::X86_64, minus_one, &[0, 0xffff_ffff]));
    let above = r#"{"index": 1, "value": 7, "op": "SCMP_CMP_GT"}"#;
    assert!(meets(Abi::X86, above, &[0, 8]) && !meets(Abi::X86, above, &[0, 7]));
}

#[test]
fn conditions_on_several_arguments_must_all_be_true() {
    let both = r#"{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 9, "op": "SCMP_CMP_GT"}"#;
    assert!(meets(Abi::X86_64, both, &[1, 0, 10]));
    assert!(!meets(Abi::X86_64, both, &[1, 0, 9]));
    assert!(!meets(Abi::X86_64, both, &[2, 0, 10]));
}

#[test]
fn conditions_on_one_argument_are_alternatives_with_all_others() {
    let any = r#"{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}, {"index": 0, "value": 4294967297, "op": "SCMP_CMP_EQ"},
        {"index": 0, "value": 3, "op": "SCMP_CMP_EQ"}, {"index": 2, "value": 9, "op": "SCMP_CMP_GT"}"#;
    assert!([1, 3, (1 << 32) + 1].iter().all(|it| meets(Abi::X86_64, any, &[*it])));
    assert!(meets(Abi::X86_64, any, &[2, 0, 10]));
    assert!(![2, 1 << 32, (1 << 32) + 3].iter().any(|it| meets(Abi::X86_64, any, &[*it])));
}

#[test]
fn the_first_rule_that_is_met_decides_and_an_unconditional_one_always() {
    let rule = |action: &str, args: &str| format!(r#"{{"names": ["dup"], "action": "{action}", "args": [{args}]}}"#);
    let below = |value: u32| format!(r#"{{"index": 0, "value": {value}, "op": "SCMP_CMP_LT"}}"#);
    let profile = |rules: &[String]| {
        filter(Abi::X86_64, &format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{}]}}"#, rules.join(", ")))
    };
    let dup = |filter: &Filter, it: u64| verdict(filter, Abi::X86_64, "dup", &[it]);
    let (trap, log) = (libc::SECCOMP_RET_TRAP, libc::SECCOMP_RET_LOG);

    let ordered = profile(&[rule("SCMP_ACT_TRAP", &below(5)), rule("SCMP_ACT_LOG", &below(9))]);
    assert_eq!([4, 8, 9].map(|it| dup(&ordered, it)), [trap, log, ALLOW]);
    let always = profile(&[rule("SCMP_ACT_TRAP", &below(5)), rule("SCMP_ACT_LOG", ""), rule("SCMP_ACT_TRAP", "")]);
    assert_eq!([4, 8, 9].map(|it| dup(&always, it)), [log; 3]);
    let dropped = profile(&[rule("SCMP_ACT_ALLOW", ""), rule("SCMP_ACT_TRAP", &below(5))]);
    assert_eq!([4, 8].map(|it| dup(&dropped, it)), [trap, ALLOW]);
}

#[test]
fn an_architecture_that_is_not_listed_ends_the_process() {
    let alone = r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#;
    let listed = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures":
        ["SCMP_ARCH_X86", "SCMP_ARCH_ARM", "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_S390X", "SCMP_ARCH_M68K"]}"#;
    let outcomes = |native: Abi, json: &str| {
        let filter = filter(native, json);
        [Abi::X86_64, Abi::X86, Abi::Aarch64, Abi::Arm, Abi::Riscv64]
            .map(|abi| verdict(&filter, abi, "getpid", &[]) == ALLOW)
    };
    assert_eq!(outcomes(Abi::X86_64, alone), [true, false, false, false, false]);
    assert_eq!(outcomes(Abi::X86_64, listed), [true, true, false, false, false]);
    assert_eq!(outcomes(Abi::Aarch64, listed), [false, false, true, true, false]);
    assert_eq!(outcomes(Abi::Riscv64, listed), [false, false, false, false, true]);
    assert_eq!(verdict_of(&filter(Abi::X86_64, listed), 0xdead_beef, 0, &[]), KILL);
}

const X32: u32 = 0x4000_0000;

#[test]
fn x32_is_an_architecture_of_its_own() {
    let json = |listed: &str| {
        format!(
            r#"{{"defaultAction": "SCMP_ACT_ERRNO", "architectures": [{listed}],
                "syscalls": [{{"names": ["getpid", "ioctl"], "action": "SCMP_ACT_ALLOW"}}]}}"#
        )
    };
    let (without, with) = (filter(Abi::X86_64, &json("")), filter(Abi::X86_64, &json(r#""SCMP_ARCH_X32""#)));
    let token = Abi::X86_64.token();
    assert_eq!(number(Abi::X32, "ioctl"), X32 + 514);
    for (called, refused, listed) in [
        (39, ALLOW, ALLOW),
        (16, ALLOW, ALLOW),
        (X32 - 1, errno(libc::EPERM), errno(libc::EPERM)),
        (X32, KILL, errno(libc::EPERM)),
        (X32 + 39, KILL, ALLOW),
        // No call at all, by this machine's number for one.
        (X32 + 16, KILL, ALLOW),
        (X32 + 512, KILL, errno(libc::EPERM)),
        (X32 + 514, KILL, ALLOW),
        (u32::MAX - 1, KILL, errno(libc::EPERM)),
        (u32::MAX, errno(libc::EPERM), errno(libc::EPERM)),
    ] {
        assert_eq!(verdict_of(&without, token, called, &[]), refused, "{called:#x}");
        assert_eq!(verdict_of(&with, token, called, &[]), listed, "{called:#x}");
    }
}

#[test]
fn a_rule_about_a_socket_call_holds_for_socketcall() {
    let json = |default: &str, action: &str, args: &str| {
        format!(
            r#"{{"defaultAction": "{default}", "architectures": ["SCMP_ARCH_X86"],
                "syscalls": [{{"names": ["socket", "shmat"], "action": "{action}", "args": [{args}]}}]}}"#
        )
    };
    let condition = r#"{"index": 0, "value": 38, "op": "SCMP_CMP_EQ"}"#;
    let calls = |json: &str| {
        let filter = filter(Abi::X86_64, json);
        let call = |name: &str, args: &[u64]| verdict(&filter, Abi::X86, name, args);
        [call("socketcall", &[1]), call("socketcall", &[2]), call("ipc", &[0x1_0015]), call("ipc", &[22])]
    };
    let eperm = errno(libc::EPERM);
    assert_eq!(calls(&json("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "")), [eperm, ALLOW, eperm, ALLOW]);
    assert_eq!(calls(&json("SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", condition)), [eperm, ALLOW, eperm, ALLOW]);
    assert_eq!(calls(&json("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", "")), [ALLOW, eperm, ALLOW, eperm]);
    assert_eq!(calls(&json("SCMP_ACT_ERRNO", "SCMP_ACT_ALLOW", condition)), [eperm; 4]);
}

#[test]
fn unknown_names_are_skipped() {
    let json = r#"{"defaultAction": "SCMP_ACT_ERRNO", "unknown": true, "syscalls":
        [{"names": ["no_such_call", "getpid", "GETPPID"], "action": "SCMP_ACT_ALLOW", "comment": "x"}]}"#;
    let filter = filter(Abi::X86_64, json);
    assert_eq!(verdict(&filter, Abi::X86_64, "getpid", &[]), ALLOW);
    assert_eq!(verdict(&filter, Abi::X86_64, "getppid", &[]), errno(libc::EPERM));
}

#[test]
fn a_cache_compiles_once() {
    let profile = spec(
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": null, "syscalls":
        [{"names": ["a_cache_compiles_once", "dup"], "action": "SCMP_ACT_LOG"}]}"#,
    );
    let (one, two) = (compiled(&profile).unwrap(), compiled(&profile.clone()).unwrap());
    assert!(std::sync::Arc::ptr_eq(&one, &two));
    let (one, two) = (compiled_default(1 << 21).unwrap(), compiled_default(1 << 21 | 1 << 6).unwrap());
    assert!(std::sync::Arc::ptr_eq(&one, &two));
    assert!(!std::sync::Arc::ptr_eq(&one, &compiled_default(0).unwrap()));
}
