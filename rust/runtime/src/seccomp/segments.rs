//! From rules to segments: which part of the numbers of a token's calls has which outcome.

use std::borrow::Cow;

use nix::libc;

use super::abi::{Abi, X32_BIT};
use super::multiplexer::multiplexer;
use super::rules::{Condition, Rule};
use super::spec::Operator;
use super::table::{self, Row};

/// A run of numbers with one outcome; it ends where the next begins.
#[derive(Debug)]
pub(super) struct Segment<'a> {
    /// The first of the numbers.
    pub start: u32,
    /// What is done with them.
    pub outcome: Outcome<'a>,
}

/// What is done with a call.
#[derive(Debug)]
pub(super) enum Outcome<'a> {
    /// Always the same.
    Always(u32),
    /// The first whose conditions are true decides.
    FirstOf(Vec<Case<'a>>),
}

/// What is done with a call on some conditions.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    number: u32,
    /// What the filter returns.
    pub verdict: u32,
    /// As [`Rule::alternatives`].
    pub alternatives: Cow<'a, [Vec<Condition>]>,
}

impl Case<'_> {
    fn is_unconditional(&self) -> bool {
        self.alternatives.iter().any(Vec::is_empty)
    }
}

/// A rule, and the rows of the names that we know: others are calls that no kernel of ours has.
pub(super) struct Resolved<'a> {
    rule: &'a Rule<'a>,
    rows: Vec<&'static Row>,
}

/// Looks the rules' names up.
pub(super) fn resolve<'a>(rules: &'a [Rule<'a>]) -> Vec<Resolved<'a>> {
    rules
        .iter()
        .map(|rule| Resolved { rule, rows: rule.syscall.names.iter().filter_map(|name| table::find(name)).collect() })
        .collect()
}

/// The segments of all numbers, in their order, for the ABIs of one token.
pub(super) fn segments<'a>(resolved: &[Resolved<'a>], abis: &[Abi], default: u32) -> Vec<Segment<'a>> {
    let mut cases: Vec<Case<'a>> = Vec::with_capacity(512);
    for abi in abis {
        for Resolved { rule, rows } in resolved {
            cases.extend(rows.iter().filter_map(|row| direct(*abi, rule, row)));
            if *abi == Abi::X86 {
                cases.extend(rows.iter().filter_map(|row| multiplexed(*abi, rule, row)));
            }
        }
    }
    // Stable: the rules stay in their order.
    cases.sort_by_key(|case| case.number);

    let mut segments = vec![Segment { start: 0, outcome: Outcome::Always(default) }];
    for same_number in cases.chunk_by(|one, other| one.number == other.number) {
        let Some(start) = same_number.first().map(|case| case.number) else { continue };
        add(&mut segments, start, outcome(same_number));
        add(&mut segments, start + 1, Outcome::Always(default));
    }
    if abis.contains(&Abi::X86_64) && !abis.contains(&Abi::X32) {
        // As libseccomp: x32 is another architecture, but -1 isn't a number of it.
        add(&mut segments, X32_BIT, Outcome::Always(libc::SECCOMP_RET_KILL_PROCESS));
        add(&mut segments, u32::MAX, Outcome::Always(default));
    }
    segments
}

fn direct<'a>(abi: Abi, rule: &'a Rule<'a>, row: &Row) -> Option<Case<'a>> {
    let number = abi.number(row).filter(|number| !abi.shares(*number))?;
    Some(Case { number, verdict: rule.verdict, alternatives: Cow::Borrowed(&rule.alternatives) })
}

/// The rule for the call by which x86 can make this one too.
///
/// The arguments are behind a pointer there, so no condition can be tested: a rule that has one and lets calls through
/// doesn't hold there, and one that refuses them holds always. (libseccomp lets through in the first case.)
fn multiplexed<'a>(abi: Abi, rule: &'a Rule<'a>, row: &Row) -> Option<Case<'a>> {
    if !matches!(abi.number(row), None | Some(359..=402)) {
        return None; // those that can be made by another call got a number of their own late, if at all
    }
    let multiplexer = multiplexer(row.0)?;
    let number = abi.number(table::find(multiplexer.name)?)?;
    let lets_through = matches!(rule.verdict, libc::SECCOMP_RET_ALLOW | libc::SECCOMP_RET_LOG);
    if lets_through && !rule.alternatives.iter().any(Vec::is_empty) {
        return None;
    }
    let condition =
        Condition { index: 0, operator: Operator::MaskedEqual, value: multiplexer.mask, value_two: multiplexer.value };
    Some(Case { number, verdict: rule.verdict, alternatives: Cow::Owned(vec![vec![condition]]) })
}

/// An unconditional rule wins over all others, as libseccomp has it; of several, the first.
fn outcome<'a>(cases: &[Case<'a>]) -> Outcome<'a> {
    match cases.iter().find(|case| case.is_unconditional()) {
        Some(case) => Outcome::Always(case.verdict),
        None => Outcome::FirstOf(cases.to_vec()),
    }
}

/// Adds a segment after the others, or in place of the last one where that has just begun, or to it where both do the
/// same.
fn add<'a>(segments: &mut Vec<Segment<'a>>, start: u32, outcome: Outcome<'a>) {
    if segments.last().is_some_and(|last| last.start == start) {
        segments.pop();
    }
    if let (Some(Outcome::Always(before)), Outcome::Always(now)) = (segments.last().map(|last| &last.outcome), &outcome)
    {
        if before == now {
            return;
        }
    }
    segments.push(Segment { start, outcome });
}
