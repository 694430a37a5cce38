//! Random profiles and calls: the program and the plain reading of the OCI's words agree.

use super::super::oracle;
use super::*;
use crate::seccomp::spec::{Architecture, Arg, Operator, Syscall};

/// xorshift64: Marsaglia 2003.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// Few enough that values often meet, on both sides of the halves' border.
    fn value(&mut self) -> u64 {
        let near =
            self.pick(&[0, 1, 2, 3, 9, 21, u64::MAX, 0xffff_ffff, 1 << 31, 1 << 32, 1 << 63, 3 << 32, 0xff00_00ff]);
        near.wrapping_add(self.pick(&[0, 0, 0, 1, u64::MAX]))
    }
}

const NAMES: &[&str] = &[
    "read",
    "write",
    "open",
    "close",
    "socket",
    "socketcall",
    "connect",
    "ipc",
    "semop",
    "shmat",
    "ioctl",
    "clone",
    "mseal",
    "cacheflush",
    "umount",
    "no_such_call",
];

fn arg(random: &mut Random) -> Arg {
    let operators = [
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Equal,
        Operator::Equal,
        Operator::GreaterOrEqual,
        Operator::Greater,
        Operator::MaskedEqual,
    ];
    let index = u32::try_from(random.below(3)).unwrap();
    Arg { index, value: random.value(), value_two: random.value(), op: random.pick(&operators) }
}

fn rule(random: &mut Random) -> Syscall {
    let names = (0..=random.below(5)).map(|_| random.pick(NAMES).into()).collect();
    let action = random.pick(&[Action::Allow, Action::Errno, Action::Errno, Action::Log, Action::Trap, Action::Trace]);
    let errno_ret = match action {
        Action::Errno | Action::Trace => random.pick(&[None, Some(1), Some(38)]),
        _ => None,
    };
    let count = random.pick(&[0, 0, 1, 1, 1, 2, 3, 4]);
    Syscall { names, action, errno_ret, args: (0..count).map(|_| arg(random)).collect() }
}

fn profile(random: &mut Random) -> Seccomp {
    let every = [
        Architecture::X86,
        Architecture::X32,
        Architecture::Arm,
        Architecture::X86_64,
        Architecture::Native,
        Architecture::Mips,
    ];
    Seccomp {
        default_action: random.pick(&[Action::Allow, Action::Errno, Action::KillThread]),
        default_errno_ret: None,
        architectures: (0..random.below(4)).map(|_| random.pick(&every)).collect(),
        flags: Vec::new(),
        listener_path: None,
        listener_metadata: None,
        syscalls: (0..random.below(24)).map(|_| rule(random)).collect(),
    }
}

fn call(random: &mut Random) -> Call {
    let abi = random.pick(&[Abi::X86_64, Abi::X86_64, Abi::X32, Abi::X86, Abi::Aarch64, Abi::Arm, Abi::Riscv64]);
    let named = table::find(random.pick(NAMES)).and_then(|row| abi.number(row));
    let around = named.unwrap_or(u32::MAX).wrapping_add(random.pick(&[0, 0, 0, 0, 1, u32::MAX]));
    let width = if abi.is_wide() { u64::MAX } else { u64::from(u32::MAX) };
    let args = std::array::from_fn(|_| random.value() & width);
    Call { token: abi.token(), number: around, args }
}

#[test]
fn programs_do_what_random_profiles_say() {
    let mut outcomes = std::collections::HashMap::<u32, usize>::new();
    for seed in 1..=400_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let profile = profile(&mut random);
        for native in [Abi::X86_64, Abi::Aarch64, Abi::X86] {
            let program = compile_for(native, &profile).unwrap().program;
            check(&program);
            for _ in 0..100 {
                let call = call(&mut random);
                let verdict = run(&program, &call).verdict;
                assert_eq!(
                    verdict,
                    oracle::verdict(native, &profile, &call),
                    "{seed} {native:?} {call:x?} {profile:#?}"
                );
                *outcomes.entry(verdict).or_default() += 1;
            }
        }
    }
    assert!(outcomes.len() > 7 && outcomes.values().all(|times| *times > 50), "{outcomes:x?}");
}

/// Most calls there are, in a rule each or in one for all, so that there are tables.
fn dense(random: &mut Random) -> Seccomp {
    let names = || table::SYSCALLS.iter().map(|row| row.0.into());
    let action = random.pick(&[Action::Allow, Action::Log]);
    let mut syscalls: Vec<Syscall> = (0..random.below(6)).map(|_| rule(random)).collect();
    for rule in &mut syscalls {
        (rule.action, rule.errno_ret) = (action, None);
    }
    let part = random.pick(&[2, 3, 10]);
    let names = names().filter(|_| random.below(part) != 0).collect();
    syscalls.push(Syscall { names, action, errno_ret: None, args: Vec::new() });
    Seccomp {
        default_action: random.pick(&[Action::Errno, Action::KillThread]),
        default_errno_ret: None,
        architectures: vec![Architecture::X86, Architecture::X32, Architecture::Arm],
        flags: Vec::new(),
        listener_path: None,
        listener_metadata: None,
        syscalls,
    }
}

#[test]
fn tables_do_what_random_profiles_of_many_calls_say() {
    /// `BPF_MISC | BPF_TAX`, which nothing but a table has.
    const TO_INDEX: u16 = 0x07;
    let mut tables = 0;
    for seed in 1..=12_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let profile = dense(&mut random);
        for (native, abis) in [(Abi::X86_64, &[Abi::X86_64, Abi::X32, Abi::X86][..]), (Abi::Aarch64, &[Abi::Arm])] {
            let program = compile_for(native, &profile).unwrap().program;
            check(&program);
            tables += program.iter().filter(|instruction| instruction.code == TO_INDEX).count();
            for abi in abis {
                let base = if *abi == Abi::X32 { abi::X32_BIT } else { 0 };
                let beyond = [u32::MAX, 1 << 31, (1 << 30) - 1, 0xf_0000, base | 0x1000];
                for number in (0..600).map(|number| base | number).chain(beyond) {
                    let args = std::array::from_fn(|_| random.value() & 0xffff_ffff);
                    let call = Call { token: abi.token(), number, args };
                    let expected = oracle::verdict(native, &profile, &call);
                    assert_eq!(run(&program, &call).verdict, expected, "{seed} {native:?} {call:x?}");
                }
            }
        }
    }
    assert!(tables > 24, "{tables}");
}
