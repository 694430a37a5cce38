//! An assembler of classic BPF that works from the end to the start.
//!
//! Jumps lead forwards only, so that way every target is there before the jump to it: its distance is known, and where a
//! conditional jump's 8 bits are not enough, a plain jump of 32 bits is put right behind it.

use nix::libc::sock_filter;

/// An instruction, by how many there are from it to the program's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(usize);

/// How the accumulator is tested: `BPF_JMP | BPF_K` and what linux/bpf_common.h calls it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    /// It equals the number: `BPF_JEQ`.
    Equal = 0x15,
    /// It is above it: `BPF_JGT`.
    Above = 0x25,
    /// It is that or above it: `BPF_JGE`.
    AtLeast = 0x35,
}

/// `BPF_LD | BPF_W | BPF_ABS`
const LOAD: u16 = 0x20;
/// `BPF_LD | BPF_IMM`
const CONSTANT: u16 = 0x00;
/// `BPF_ALU | BPF_AND | BPF_K`
const AND: u16 = 0x54;
/// `BPF_ALU | BPF_RSH | BPF_K`
const SHIFT: u16 = 0x74;
/// `BPF_ALU | BPF_RSH | BPF_X`
const SHIFT_BY_INDEX: u16 = 0x7c;
/// `BPF_MISC | BPF_TAX`
const TO_INDEX: u16 = 0x07;
/// `BPF_JMP | BPF_JA`
const JUMP: u16 = 0x05;
/// `BPF_RET | BPF_K`
const RETURN: u16 = 0x06;

/// As far as a conditional jump reaches.
const FARTHEST: usize = u8::MAX as usize;

/// A program in the making. The accumulator holds nothing at a label unless its maker says so.
#[derive(Debug, Default)]
pub(super) struct Code {
    /// The instructions, the last one first.
    reversed: Vec<sock_filter>,
    /// The last instruction made that returns a value.
    returns: Vec<(u32, Label)>,
}

impl Code {
    /// Returns `value`: an instruction that is near enough to jump to.
    pub(super) fn give(&mut self, value: u32) -> Label {
        let known = self.returns.iter().position(|(known, _)| *known == value);
        if let Some((_, label)) = known.and_then(|place| self.returns.get(place)) {
            if self.distance(*label) < FARTHEST / 2 {
                return *label;
            }
        }
        let label = self.push(RETURN, 0, 0, value);
        match known.and_then(|place| self.returns.get_mut(place)) {
            Some(entry) => entry.1 = label,
            None => self.returns.push((value, label)),
        }
        label
    }

    /// Loads the word of `seccomp_data` at `offset`, and goes on at `next`.
    pub(super) fn load(&mut self, offset: u32, next: Label) -> Label {
        self.fall_into(next);
        self.push(LOAD, 0, 0, offset)
    }

    /// Keeps those bits of the accumulator that `mask` has, and goes on at `next`.
    pub(super) fn keep(&mut self, mask: u32, next: Label) -> Label {
        self.fall_into(next);
        self.push(AND, 0, 0, mask)
    }

    /// Puts a number into the accumulator, and goes on at `next`.
    pub(super) fn constant(&mut self, value: u32, next: Label) -> Label {
        self.fall_into(next);
        self.push(CONSTANT, 0, 0, value)
    }

    /// Shifts the accumulator to the right by as many bits, and goes on at `next`.
    pub(super) fn shift(&mut self, bits: u32, next: Label) -> Label {
        self.fall_into(next);
        self.push(SHIFT, 0, 0, bits)
    }

    /// Shifts the accumulator to the right by what the index register has, below 32, and goes on at `next`.
    pub(super) fn shift_by_index(&mut self, next: Label) -> Label {
        self.fall_into(next);
        self.push(SHIFT_BY_INDEX, 0, 0, 0)
    }

    /// Copies the accumulator to the index register, and goes on at `next`.
    pub(super) fn remember_index(&mut self, next: Label) -> Label {
        self.fall_into(next);
        self.push(TO_INDEX, 0, 0, 0)
    }

    /// Goes on at `yes` or `no`; the accumulator stays as it is.
    pub(super) fn branch(&mut self, test: Test, value: u32, yes: Label, no: Label) -> Label {
        if yes == no {
            return yes;
        }
        let yes = self.within(FARTHEST - 1, yes); // a jump to `no` may come between
        let no = self.within(FARTHEST, no);
        self.push(test as u16, self.distance(yes), self.distance(no), value)
    }

    /// The program from its first instruction, which is the one made last.
    pub(super) fn finish(mut self) -> Vec<sock_filter> {
        self.reversed.reverse();
        self.reversed
    }

    /// How many instructions lie between the next one made and `label`.
    fn distance(&self, label: Label) -> usize {
        self.reversed.len() - label.0
    }

    fn within(&mut self, most: usize, label: Label) -> Label {
        if self.distance(label) <= most { label } else { self.jump(label) }
    }

    fn fall_into(&mut self, next: Label) {
        if self.distance(next) > 0 {
            self.jump(next);
        }
    }

    fn jump(&mut self, label: Label) -> Label {
        let distance = u32::try_from(self.distance(label)).unwrap_or(u32::MAX);
        self.push(JUMP, 0, 0, distance)
    }

    /// Both distances are at most [`FARTHEST`].
    fn push(&mut self, code: u16, yes: usize, no: usize, k: u32) -> Label {
        let short = |distance: usize| u8::try_from(distance).unwrap_or(u8::MAX);
        self.reversed.push(sock_filter { code, jt: short(yes), jf: short(no), k });
        Label(self.reversed.len())
    }
}
