//! From segments to a program: the token first, then a binary search for the number, then the conditions.

use nix::libc::{self, sock_filter};

use super::abi::{X32_BIT, X32_OWN};
use super::bitmap::table;
use super::code::{Code, Label, Test};
use super::condition::{Ways, among, test};
use super::rules::Condition;
use super::segments::{Case, Outcome, Segment};
use super::spec::Operator;

/// `seccomp_data.nr`
pub(super) const NUMBER: u32 = 0;
/// `seccomp_data.arch`
const TOKEN: u32 = 4;

/// The calls of one token.
#[derive(Debug)]
pub(super) struct Calls<'a> {
    /// `seccomp_data.arch`
    pub token: u32,
    /// Whether registers have 64 bits.
    pub wide: bool,
    /// Whether x32's are among them.
    pub has_x32: bool,
    /// What is done with which numbers.
    pub segments: Vec<Segment<'a>>,
    /// What is done where nothing else is said.
    pub default: u32,
}

/// The program; what has a token that isn't listed ends the process. The first token is found first.
pub(super) fn program(calls: &[Calls<'_>]) -> Vec<sock_filter> {
    let mut code = Code::default();
    let trees: Vec<(u32, Label)> = calls
        .iter()
        .enumerate()
        .rev()
        .map(|(place, calls)| {
            let tree =
                if place == 0 { native(&mut code, calls) } else { foreign(&mut code, calls, 0, &calls.segments) };
            (calls.token, code.load(NUMBER, tree))
        })
        .collect();
    let unknown = code.give(libc::SECCOMP_RET_KILL_PROCESS);
    let entry =
        trees.into_iter().fold(unknown, |otherwise, (token, tree)| code.branch(Test::Equal, token, tree, otherwise));
    code.load(TOKEN, entry);
    code.finish()
}

/// The machine's own calls, and those of x32, which have the same token, and mostly the same numbers but for one bit.
fn native(code: &mut Code, calls: &Calls<'_>) -> Label {
    if !calls.has_x32 {
        return search(code, calls, &calls.segments);
    }
    let (own, x32) = calls.segments.split_at(calls.segments.partition_point(|segment| segment.start < X32_BIT));
    let x32 = foreign(code, calls, X32_OWN, x32);
    let own = search(code, calls, own);
    let shared = code.keep(!X32_BIT, own);
    let x32 = code.branch(Test::AtLeast, X32_OWN, x32, shared);
    code.branch(Test::AtLeast, X32_BIT, x32, own)
}

/// The calls of an ABI that is seldom met, from `base` on, where the default holds before the first segment.
fn foreign(code: &mut Code, calls: &Calls<'_>, base: u32, segments: &[Segment<'_>]) -> Label {
    if let Some(table) = table(code, calls, base, segments) {
        return table;
    }
    let found = search(code, calls, segments);
    match segments.first() {
        Some(first) if first.start > base => {
            let default = code.give(calls.default);
            code.branch(Test::AtLeast, first.start, found, default)
        }
        _ => found,
    }
}

/// Halves the numbers until those that are left are one segment's: the kernel tries the program with each number when it
/// is installed, so most numbers are to be found soon.
fn search(code: &mut Code, calls: &Calls<'_>, segments: &[Segment<'_>]) -> Label {
    let (lower, upper) = segments.split_at(middle(segments));
    match (lower, upper) {
        ([], [segment]) => decide(code, calls, &segment.outcome),
        (_, [first, ..]) => {
            let at_least = search(code, calls, upper);
            let below = search(code, calls, lower);
            code.branch(Test::AtLeast, first.start, at_least, below)
        }
        (_, []) => code.give(calls.default),
    }
}

/// The first segment of the upper half of the numbers.
fn middle(segments: &[Segment<'_>]) -> usize {
    let (Some(first), Some(last)) = (segments.first(), segments.last()) else { return 0 };
    let middle = first.start.midpoint(last.start);
    segments.partition_point(|segment| segment.start <= middle).min(segments.len() - 1)
}

/// What is done with the one call of an outcome.
pub(super) fn decide(code: &mut Code, calls: &Calls<'_>, outcome: &Outcome<'_>) -> Label {
    let cases = match outcome {
        Outcome::Always(verdict) => return code.give(*verdict),
        Outcome::FirstOf(cases) => cases,
    };
    let alternatives: Vec<(u32, &[Condition])> = cases.iter().flat_map(flatten).collect();
    let mut label = code.give(calls.default);
    for run in
        alternatives.chunk_by(|one, other| is_equality(one).is_some_and(|it| Some(it) == is_equality(other))).rev()
    {
        label = one_of(code, calls.wide, run, label);
    }
    label
}

fn flatten<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (u32, &'a [Condition])> {
    case.alternatives.iter().map(|conditions| (case.verdict, conditions.as_slice()))
}

/// What two neighbours must share to be tested with one load: the verdict, and the argument that is equal to something.
fn is_equality((verdict, conditions): &(u32, &[Condition])) -> Option<(u32, u32)> {
    match conditions {
        [Condition { index, operator: Operator::Equal, .. }] => Some((*verdict, *index)),
        _ => None,
    }
}

/// Tests alternatives that are one, or all of them equalities of the same argument.
fn one_of(code: &mut Code, wide: bool, run: &[(u32, &[Condition])], no: Label) -> Label {
    let Some((verdict, conditions)) = run.first() else { return no };
    let yes = code.give(*verdict);
    if let Some((_, index)) = run.first().and_then(is_equality) {
        let values: Vec<u64> = run.iter().flat_map(|(_, conditions)| conditions.iter()).map(|it| it.value).collect();
        return among(code, wide, index, &values, Ways { yes, no });
    }
    conditions.iter().rev().fold(yes, |yes, condition| test(code, wide, condition, Ways { yes, no }))
}
