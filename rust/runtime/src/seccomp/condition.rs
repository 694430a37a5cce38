//! Conditions on 64-bit arguments, in a language of 32-bit words: the upper half decides, and the lower where it can't.

use super::code::{Code, Label, Test};
use super::rules::Condition;
use super::spec::Operator;

/// `seccomp_data.args`: pairs of words, the lower half first, as all our machines are little-endian.
const ARGS: u32 = 16;

/// A value's upper and lower half.
fn halves(value: u64) -> (u32, u32) {
    let lower = value & u64::from(u32::MAX);
    (u32::try_from(value >> 32).unwrap_or_default(), u32::try_from(lower).unwrap_or_default())
}

fn lower_word(index: u32) -> u32 {
    ARGS + 8 * index
}

fn upper_word(index: u32) -> u32 {
    lower_word(index) + 4
}

/// Where a condition leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    /// Where it is true.
    pub yes: Label,
    /// Where it isn't.
    pub no: Label,
}

impl Ways {
    fn swapped(self) -> Self {
        Self { yes: self.no, no: self.yes }
    }
}

/// Tests a condition. Where registers are not `wide`, lower halves are compared, as libseccomp does: -1 is what 32 bits
/// hold of it.
pub(super) fn test(code: &mut Code, wide: bool, condition: &Condition, ways: Ways) -> Label {
    let Condition { index, operator, value, value_two } = *condition;
    match operator {
        Operator::Equal => among(code, wide, index, &[value], ways),
        Operator::NotEqual => among(code, wide, index, &[value], ways.swapped()),
        Operator::Greater => order(code, wide, Test::Above, (index, value), ways),
        Operator::GreaterOrEqual => order(code, wide, Test::AtLeast, (index, value), ways),
        Operator::LessOrEqual => order(code, wide, Test::Above, (index, value), ways.swapped()),
        Operator::Less => order(code, wide, Test::AtLeast, (index, value), ways.swapped()),
        Operator::MaskedEqual => masked(code, wide, index, (value, value_two & value), ways),
    }
}

/// Tests whether an argument is one of `values`.
pub(super) fn among(code: &mut Code, wide: bool, index: u32, values: &[u64], ways: Ways) -> Label {
    let words = values.iter().map(|value| halves(*value));
    let mut words: Vec<(u32, u32)> = words.map(|(upper, lower)| (if wide { upper } else { 0 }, lower)).collect();
    words.sort_unstable();
    let mut next = ways.no;
    for same_upper in words.chunk_by(|one, other| one.0 == other.0).rev() {
        let upper = same_upper.first().map_or(0, |word| word.0);
        let lower = same_upper
            .iter()
            .rev()
            .fold(ways.no, |otherwise, word| code.branch(Test::Equal, word.1, ways.yes, otherwise));
        let lower = code.load(lower_word(index), lower);
        next = if wide { code.branch(Test::Equal, upper, lower, next) } else { lower };
    }
    if wide { code.load(upper_word(index), next) } else { next }
}

/// Tests whether an argument is above a value, or at least that.
fn order(code: &mut Code, wide: bool, test: Test, (index, value): (u32, u64), ways: Ways) -> Label {
    let (upper, lower) = halves(value);
    let label = code.branch(test, lower, ways.yes, ways.no);
    let label = code.load(lower_word(index), label);
    if !wide {
        return label;
    }
    let differs = code.branch(Test::Above, upper, ways.yes, ways.no);
    let label = code.branch(Test::Equal, upper, label, differs);
    code.load(upper_word(index), label)
}

/// Tests the bits of an argument under a mask. A half without a mask has nothing to test.
fn masked(code: &mut Code, wide: bool, index: u32, (mask, value): (u64, u64), ways: Ways) -> Label {
    let ((upper_mask, lower_mask), (upper, lower)) = (halves(mask), halves(value));
    let mut half = |word: u32, mask: u32, value: u32, yes: Label| {
        if mask == 0 {
            return yes;
        }
        let label = code.branch(Test::Equal, value, yes, ways.no);
        let label = if mask == u32::MAX { label } else { code.keep(mask, label) };
        code.load(word, label)
    };
    let label = half(lower_word(index), lower_mask, lower, ways.yes);
    if wide { half(upper_word(index), upper_mask, upper, label) } else { label }
}
