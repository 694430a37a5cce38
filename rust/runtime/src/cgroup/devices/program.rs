//! A policy as a program of `BPF_PROG_TYPE_CGROUP_DEVICE`: Linux's Documentation/bpf/standardization/instruction-set.rst.
//!
//! What an access asks for is in a register. The rules are asked from the last one on; one that allows takes away what it
//! is about, and when nothing is left the access is allowed; one that refuses any of what is left ends it.

use super::{Access, Policy, Rule};

/// `struct bpf_insn`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Instruction {
    /// What is done.
    pub code: u8,
    /// The register that is changed or compared in the low four bits, the other one above.
    pub registers: u8,
    /// Where the memory is, or how many instructions are skipped.
    pub offset: i16,
    /// A number.
    pub immediate: i32,
}

/// `BPF_LDX | BPF_MEM | BPF_W`
pub(super) const LOAD: u8 = 0x61;
/// `BPF_ALU64 | BPF_MOV | BPF_X`
pub(super) const COPY: u8 = 0xbf;
/// `BPF_ALU64 | BPF_MOV | BPF_K`
pub(super) const SET: u8 = 0xb7;
/// `BPF_ALU64 | BPF_AND | BPF_K`
pub(super) const AND: u8 = 0x57;
/// `BPF_ALU64 | BPF_RSH | BPF_K`
pub(super) const SHIFT_RIGHT: u8 = 0x77;
/// `BPF_JMP | BPF_JA`
pub(super) const SKIP: u8 = 0x05;
/// `BPF_JMP | BPF_JNE | BPF_K`
pub(super) const SKIP_IF_NOT: u8 = 0x55;
/// `BPF_JMP | BPF_JSET | BPF_K`
pub(super) const SKIP_IF_ANY: u8 = 0x45;
/// `BPF_JMP | BPF_EXIT`
pub(super) const EXIT: u8 = 0x95;

const RESULT: u8 = 0;
/// `struct bpf_cgroup_dev_ctx *`
const CONTEXT: u8 = 1;
const KIND: u8 = 2;
/// What is asked for and not yet allowed.
const ASKED: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;

/// Both are below 2^31, as 64-bit comparisons with a signed 32-bit number need.
fn signed(number: u32) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

const fn instruction(code: u8, register: u8, immediate: i32) -> Instruction {
    Instruction { code, registers: register, offset: 0, immediate }
}

const fn load(register: u8, offset: i16) -> Instruction {
    Instruction { code: LOAD, registers: register | CONTEXT << 4, offset, immediate: 0 }
}

const fn leave(allow: bool) -> [Instruction; 2] {
    [instruction(SET, RESULT, allow as i32), instruction(EXIT, 0, 0)]
}

/// The program; it returns 1 to allow, 0 to refuse.
#[must_use]
pub fn program(policy: &Policy) -> Vec<Instruction> {
    let mut program = vec![
        load(KIND, 0), // the access is above the kind's 16 bits
        Instruction { code: COPY, registers: ASKED | KIND << 4, offset: 0, immediate: 0 },
        instruction(AND, KIND, 0xffff),
        instruction(SHIFT_RIGHT, ASKED, 16),
        load(MAJOR, 4),
        load(MINOR, 8),
        // access(2) may ask for nothing of ours.
        Instruction { code: SKIP_IF_NOT, registers: ASKED, offset: 2, immediate: 0 },
    ];
    program.extend(leave(true));
    for rule in &policy.rules {
        append(&mut program, rule);
    }
    if !policy.rules.last().is_some_and(Rule::is_about_everything) {
        program.extend(leave(false));
    }
    program
}

fn append(program: &mut Vec<Instruction>, rule: &Rule) {
    let mut block = Vec::with_capacity(8);
    let conditions =
        [(KIND, rule.kind.map(|kind| kind as i32)), (MAJOR, rule.major.map(signed)), (MINOR, rule.minor.map(signed))];
    for (register, wanted) in conditions {
        block.extend(wanted.map(|wanted| instruction(SKIP_IF_NOT, register, wanted)));
    }
    let conditions = block.len();
    match (rule.access == Access::ALL, rule.allow) {
        (true, _) => {}
        (false, true) => {
            block.push(instruction(AND, ASKED, (!rule.access).bits()));
            block.push(Instruction { code: SKIP_IF_NOT, registers: ASKED, offset: 2, immediate: 0 });
        }
        (false, false) => {
            let asked = rule.access.bits();
            block.push(Instruction { code: SKIP_IF_ANY, registers: ASKED, offset: 1, immediate: asked });
            block.push(Instruction { code: SKIP, registers: 0, offset: 2, immediate: 0 });
        }
    }
    block.extend(leave(rule.allow));
    let length = block.len();
    for (place, condition) in block.iter_mut().enumerate().take(conditions) {
        condition.offset = i16::try_from(length - place - 1).unwrap_or(i16::MAX);
    }
    program.append(&mut block);
}
