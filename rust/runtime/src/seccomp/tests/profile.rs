//! The default profile, and the table of numbers.

use super::*;

const CAP_SYS_ADMIN: u64 = 1 << 21;

fn default_filter(native: Abi, capabilities: u64) -> Filter {
    let filter = compile_for(native, &default_profile(capabilities)).unwrap();
    check(&filter.program);
    filter
}

#[test]
fn the_default_profile_refuses_what_an_ordinary_program_does_not_need() {
    let filter = default_filter(Abi::X86_64, 0);
    let refused = "io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key bpf mount umount2 unshare \
        setns pivot_root chroot reboot swapon swapoff init_module delete_module kexec_load kexec_file_load userfaultfd \
        perf_event_open open_by_handle_at ptrace_no quotactl acct settimeofday iopl ioperm syslog move_mount open_tree \
        fsopen fsmount kcmp pidfd_getfd mbind set_mempolicy move_pages nfsservctl uselib ustat sysfs vhangup \
        lookup_dcookie sethostname setdomainname fanotify_init process_madvise vserver afs_syscall create_module";
    for name in refused.split_whitespace().filter(|name| table::find(name).is_some()) {
        assert_eq!(verdict(&filter, Abi::X86_64, name, &[]), errno(libc::EPERM), "{name}");
    }
    for name in ["read", "openat", "execve", "ptrace", "futex", "arch_prctl", "seccomp", "mseal", "io_setup"] {
        assert_eq!(verdict(&filter, Abi::X86_64, name, &[]), ALLOW, "{name}");
    }
    assert_eq!(verdict_of(&filter, Abi::X86_64.token(), 9999, &[]), errno(libc::EPERM));
}

/// What is written for others must be what is in force here.
#[test]
fn the_default_profile_is_the_same_once_it_was_json() {
    for capabilities in [0, CAP_SYS_ADMIN, u64::MAX] {
        let profile = default_profile(capabilities);
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Seccomp>(&json).unwrap(), profile);
        assert!(!json.contains("null"), "{json}");
    }
}

#[test]
fn the_default_profile_looks_at_arguments() {
    let filter = default_filter(Abi::X86_64, 0);
    let allows = |name: &str, it: u64| verdict(&filter, Abi::X86_64, name, &[it]) == ALLOW;
    for family in 0..70 {
        let is_allowed = !matches!(family, 12 | 19 | 20 | 23 | 25 | 34 | 37 | 38 | 40 | 46..);
        assert_eq!(allows("socket", family), is_allowed, "family {family}");
    }
    for (persona, is_allowed) in [
        (0, true),
        (8, true),
        (0x2_0000, true),
        (0x2_0008, true),
        (0xffff_ffff, true),
        (0x4_0000, false),
        (u64::MAX, false),
    ] {
        assert_eq!(allows("personality", persona), is_allowed, "{persona:#x}");
    }
    assert!(allows("clone", 0x11) && allows("clone", 0x3d_0f00));
    for namespace in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
        assert!(!allows("clone", namespace | 0x11), "{namespace:#x}");
    }
    assert_eq!(verdict(&filter, Abi::X86_64, "clone3", &[]), errno(libc::ENOSYS));
}

#[test]
fn a_capability_brings_its_calls() {
    let cases = [
        (2, "open_by_handle_at"),
        (16, "finit_module"),
        (17, "iopl"),
        (18, "chroot"),
        (19, "kcmp"),
        (20, "acct"),
        (21, "mount"),
        (21, "unshare"),
        (21, "clone3"),
        (22, "reboot"),
        (23, "mbind"),
        (25, "settimeofday"),
        (26, "vhangup"),
        (34, "syslog"),
        (38, "perf_event_open"),
        (39, "bpf"),
    ];
    for (capability, name) in cases {
        let of = |capabilities: u64| verdict(&default_filter(Abi::X86_64, capabilities), Abi::X86_64, name, &[]);
        assert_eq!(of(1 << capability), ALLOW, "{name}");
        assert_ne!(of(!(1 << capability | CAP_SYS_ADMIN)), ALLOW, "{name}");
    }
    let admin = default_filter(Abi::X86_64, CAP_SYS_ADMIN);
    assert_eq!(verdict(&admin, Abi::X86_64, "clone", &[0x1000_0000]), ALLOW);
    for name in ["io_uring_setup", "keyctl", "kexec_load"] {
        assert_eq!(verdict(&default_filter(Abi::X86_64, u64::MAX), Abi::X86_64, name, &[]), errno(libc::EPERM));
    }
}

#[test]
fn the_default_profile_serves_every_machine() {
    for native in [Abi::X86_64, Abi::X86, Abi::Aarch64, Abi::Arm, Abi::Riscv64] {
        let filter = default_filter(native, 0);
        assert_eq!(verdict(&filter, native, "execve", &[]), ALLOW);
        assert_eq!(verdict(&filter, native, "io_uring_setup", &[]), errno(libc::EPERM));
    }
    let filter = default_filter(Abi::Aarch64, 0);
    assert_eq!(verdict(&filter, Abi::Arm, "set_tls", &[]), ALLOW);
    assert_eq!(verdict(&filter, Abi::X86, "getpid", &[]), KILL);
    let filter = default_filter(Abi::X86_64, 0);
    assert_eq!(verdict(&filter, Abi::X32, "ioctl", &[]), ALLOW);
    assert_eq!(verdict(&filter, Abi::X86, "keyctl", &[]), errno(libc::EPERM));
}

/// As many steps as a binary search takes; and none of them looks at an argument, so that the kernel (5.11 or later)
/// remembers the outcome and runs nothing at all.
#[test]
fn an_unconditional_outcome_is_found_in_few_steps() {
    let program = default_filter(Abi::X86_64, 0).program;
    for row in table::SYSCALLS {
        let Some(number) = Abi::X86_64.number(row) else { continue };
        let run = run(&program, &Call { token: Abi::X86_64.token(), number, args: [0; 6] });
        if !matches!(row.0, "socket" | "personality" | "clone") {
            assert!(run.steps <= 14 && !run.saw_arguments, "{}: {run:?}", row.0);
        }
    }
}

#[test]
fn the_table_is_in_order_and_agrees_with_the_headers() {
    assert!(table::SYSCALLS.is_sorted_by(|one, other| one.0 < other.0));
    let mut compared = 0;
    for (abi, file) in [(Abi::X86_64, "64"), (Abi::X86, "32"), (Abi::X32, "x32")] {
        let Ok(text) = std::fs::read_to_string(format!("/usr/include/x86_64-linux-gnu/asm/unistd_{file}.h")) else {
            eprintln!("not compared: there is no unistd_{file}.h");
            continue;
        };
        for line in text.lines().filter_map(|line| line.strip_prefix("#define __NR_")) {
            let (name, value) = line.split_once(' ').unwrap();
            let value = value.trim_start_matches("(__X32_SYSCALL_BIT + ").trim_end_matches(')');
            let number = table::find(name).and_then(|row| abi.number(row)).map(|number| number & !abi::X32_BIT);
            assert_eq!(number, value.parse().ok(), "{name} of {abi:?}");
            compared += 1;
        }
    }
    eprintln!("{compared} numbers compared");
}

/// `cargo test --release seccomp -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn how_long_a_compilation_takes() {
    let filter = compile(&default_profile(0)).unwrap();
    let first_of = |times: u32, work: &dyn Fn()| {
        let mut each: Vec<_> = (0..times)
            .map(|_| {
                let start = std::time::Instant::now();
                work();
                start.elapsed()
            })
            .collect();
        each.sort_unstable();
        each[each.len() / 2]
    };
    let profile = default_profile(0);
    println!("{} instructions", filter.program.len());
    println!("profile {:?}", first_of(1000, &|| drop(default_profile(0))));
    println!("compile {:?}", first_of(1000, &|| drop(compile(&profile).unwrap())));
    println!("compiled_default {:?}", first_of(1000, &|| drop(compiled_default(0).unwrap())));
    println!("compiled {:?}", first_of(1000, &|| drop(compiled(&profile).unwrap())));
}
