//! The kernel's part: runs a program over an access, and applies a version 1 list as security/device_cgroup.c does.

use super::super::legacy::Write;
use super::super::program::{AND, COPY, EXIT, Instruction, LOAD, SET, SHIFT_RIGHT, SKIP, SKIP_IF_ANY, SKIP_IF_NOT};
use super::super::{Access, Kind};

/// `struct bpf_cgroup_dev_ctx`
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub kind: Kind,
    pub major: u32,
    pub minor: u32,
    pub access: Access,
}

/// Whether `program` allows what is asked; it must have no jump but forwards, read no register before it is set, and end.
pub fn run(program: &[Instruction], asked: &Asked) -> bool {
    let context = [asked.access.bits() << 16 | asked.kind as i32, asked.major.cast_signed(), asked.minor.cast_signed()];
    let mut registers: [Option<i64>; 11] = [None; 11];
    let mut place = 0;
    loop {
        let Instruction { code, registers: pair, offset, immediate } = program[place];
        let (to, from) = (usize::from(pair & 15), usize::from(pair >> 4));
        place += 1;
        let mut skip = |is_true: bool| place += if is_true { usize::try_from(offset).unwrap() } else { 0 };
        let immediate = i64::from(immediate);
        match code {
            LOAD => {
                assert_eq!(from, 1);
                registers[to] = Some(context[usize::try_from(offset).unwrap() / 4].into());
            }
            COPY => registers[to] = Some(registers[from].unwrap()),
            SET => registers[to] = Some(immediate),
            AND => registers[to] = Some(registers[to].unwrap() & immediate),
            SHIFT_RIGHT => registers[to] = Some(registers[to].unwrap() >> immediate),
            SKIP => skip(true),
            SKIP_IF_NOT => skip(registers[to].unwrap() != immediate),
            SKIP_IF_ANY => skip(registers[to].unwrap() & immediate != 0),
            EXIT => match registers[0] {
                Some(0) => return false,
                Some(1) => return true,
                other => panic!("returns {other:?}"),
            },
            other => panic!("instruction {other:#x}"),
        }
    }
}

/// What the kernel's checker asks for: every instruction can be reached, and no way leads out.
pub fn check(program: &[Instruction]) {
    let mut reached = vec![false; program.len()];
    let mut ways = vec![0];
    while let Some(place) = ways.pop() {
        if std::mem::replace(&mut reached[place], true) {
            continue;
        }
        let Instruction { code, offset, .. } = program[place];
        let target = place + 1 + usize::try_from(offset).unwrap();
        match code {
            EXIT => {}
            SKIP => ways.push(target),
            SKIP_IF_NOT | SKIP_IF_ANY => ways.extend([place + 1, target]),
            _ => ways.push(place + 1),
        }
    }
    assert!(reached.into_iter().all(|reached| reached), "{program:#?}");
}

/// Whether a version 1 cgroup to which `writes` were made allows what is asked.
pub fn allows(writes: &[Write], asked: &Asked) -> bool {
    let (general, special) = writes.split_first().unwrap();
    assert_eq!(general.line, "a");
    let fits = |text: &str, number: u32| text == "*" || text.parse() == Ok(number);
    let matching = special.iter().filter_map(|Write { file, line }| {
        assert_ne!(*file, general.file);
        let [kind, numbers, access] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let (major, minor) = numbers.split_once(':').unwrap();
        let fits = kind == asked.kind.letter().to_string() && fits(major, asked.major) && fits(minor, asked.minor);
        fits.then_some(access)
    });
    let wanted = asked.access.to_string();
    match general.file {
        "devices.deny" => {
            wanted.is_empty() || { matching }.any(|has| wanted.chars().all(|letter| has.contains(letter)))
        }
        "devices.allow" => !{ matching }.any(|has| wanted.chars().any(|letter| has.contains(letter))),
        other => panic!("{other}"),
    }
}
