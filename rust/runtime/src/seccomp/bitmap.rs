//! From segments to a table of bits, a word for 32 numbers: half the instructions of a binary search, which are what the
//! kernel's compiler takes its time for with each filter that is installed.
//!
//! It costs more with each call: the kernel remembers of a number what comparisons alone decide, and runs over this each
//! time. So it is for the ABIs that few programs use.

use super::code::{Code, Label, Test};
use super::program::{Calls, NUMBER, decide};
use super::segments::{Outcome, Segment};

const BITS: u32 = u32::BITS;

/// Words with one value, from the first one on.
struct Run {
    first: u32,
    bits: u32,
}

/// What is done with the numbers from `base` on, a multiple of 32; `None` where a search is not longer, or too much of
/// it is neither the default nor the verdict that is most frequent beside it.
pub(super) fn table(code: &mut Code, calls: &Calls<'_>, base: u32, segments: &[Segment<'_>]) -> Option<Label> {
    let other = other_verdict(segments, calls.default)?;
    let is_in_table =
        |outcome: &Outcome<'_>| matches!(outcome, Outcome::Always(it) if [calls.default, other].contains(it));
    let exceptions: Vec<&[Segment<'_>]> =
        segments.windows(2).filter(|pair| pair.first().is_some_and(|one| !is_in_table(&one.outcome))).collect();
    let is_one_number = |pair: &&[Segment<'_>]| matches!(pair, [one, next] if next.start == one.start + 1);
    let ends_in_table = segments.last().is_some_and(|last| is_in_table(&last.outcome));
    let runs = runs(base, segments, other);
    let is_longer = runs.len() * 3 + exceptions.len() * 2 >= segments.len();
    if is_longer || !ends_in_table || !exceptions.iter().all(is_one_number) {
        return None;
    }
    let (yes, no) = (code.give(other), code.give(calls.default));
    let label = code.branch(Test::Equal, 1, yes, no);
    let label = code.keep(1, label);
    let chosen = code.shift_by_index(label);
    let label = search(code, &runs, (other, calls.default), chosen);
    let label = code.shift(BITS.trailing_zeros(), label);
    let exceptions = exceptions.into_iter().filter_map(<[_]>::first);
    let label = exceptions.fold(label, |label, exception| {
        let decided = decide(code, calls, &exception.outcome);
        code.branch(Test::Equal, exception.start, decided, label)
    });
    let label = code.load(NUMBER, label);
    let label = code.remember_index(label);
    // First, for the kernel, which tries the program with each number when it is installed, gives up where it calculates.
    Some(code.keep(BITS - 1, label))
}

/// The verdict beside the default's that most segments have.
fn other_verdict(segments: &[Segment<'_>], default: u32) -> Option<u32> {
    let verdicts = || {
        segments.iter().filter_map(|segment| match segment.outcome {
            Outcome::Always(verdict) => Some(verdict).filter(|verdict| *verdict != default),
            Outcome::FirstOf(_) => None,
        })
    };
    verdicts().max_by_key(|verdict| verdicts().filter(|other| other == verdict).count())
}

/// The words, those with one value beside each other together. A bit is set where the verdict is `other`.
fn runs(base: u32, segments: &[Segment<'_>], other: u32) -> Vec<Run> {
    let mut runs: Vec<Run> = vec![Run { first: base / BITS, bits: 0 }];
    let mut add = |first: u32, bits: u32| match runs.last_mut() {
        Some(last) if last.first == first => last.bits |= bits,
        _ => runs.push(Run { first, bits }),
    };
    for (index, segment) in segments.iter().enumerate() {
        let is_other = matches!(segment.outcome, Outcome::Always(verdict) if verdict == other);
        let end = segments.get(index + 1).map_or(u32::MAX, |next| next.start - 1);
        let (first, last) = (segment.start / BITS, end / BITS);
        let from = u32::MAX << (segment.start % BITS);
        let to = u32::MAX >> (BITS - 1 - end % BITS);
        let value = if is_other { u32::MAX } else { 0 };
        if first == last {
            add(first, value & from & to);
            continue;
        }
        add(first, value & from);
        if first + 1 < last {
            add(first + 1, value);
        }
        add(last, value & to);
    }
    runs.dedup_by(|next, run| next.bits == run.bits);
    runs
}

/// Halves the runs until one is left, by the number of the word.
fn search(code: &mut Code, runs: &[Run], (other, default): (u32, u32), chosen: Label) -> Label {
    let (lower, upper) = runs.split_at(runs.len() / 2);
    match (lower, upper) {
        ([], [Run { bits: 0, .. }]) | (_, []) => code.give(default),
        ([], [Run { bits: u32::MAX, .. }]) => code.give(other),
        ([], [Run { bits, .. }]) => code.constant(*bits, chosen),
        (_, [first, ..]) => {
            let at_least = search(code, upper, (other, default), chosen);
            let below = search(code, lower, (other, default), chosen);
            code.branch(Test::AtLeast, first.first, at_least, below)
        }
    }
}
