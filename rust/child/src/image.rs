//! A plan as bytes: what a process that waits in a program of its own reads its part of the plan from.
//!
//! All numbers are 64 bits, little-endian. The counts of the tables come first, then the tables in this order: steps of
//! [`WORDS`] numbers each; strings, blobs and filters as a length and the bytes, filled up to eight; lists and groups as
//! a length and as many numbers; descriptors. A list's numbers are places among the strings.

use crate::fault::Fault;
use crate::program::{CStrArray, CStrRef, Program};
use crate::report::Report;
use crate::step::Step;
use crate::sys::{self, Arena, Errno};
use crate::table::{Fd, Filter, Groups, List};

/// Numbers that a step takes.
pub const WORDS: usize = 5;

/// What stands before the tables: how many entries each has, in the order of the tables.
pub const TABLES: usize = 7;

const NOTHING: u64 = u64::MAX;

/// A step as numbers; `None` for one that has no place behind [`Step::Hold`].
#[must_use]
pub fn encode(step: Step) -> Option<[u64; WORDS]> {
    let words: [u64; WORDS] = match step {
        Step::SetUmask { mask } => [1, mask.into(), 0, 0, 0],
        Step::LimitCapabilities { keep } => [2, keep, 0, 0, 0],
        Step::SetGroups { groups } => [3, groups.0.into(), 0, 0, 0],
        Step::SetIds { uid, gid } => [4, uid.into(), gid.into(), 0, 0],
        Step::SetCapabilities { effective, permitted, inheritable } => [5, effective, permitted, inheritable, 0],
        Step::RaiseAmbient { set } => [6, set, 0, 0, 0],
        Step::ForbidNewPrivileges => [7, 0, 0, 0, 0],
        Step::RestrictFiles { handled, read_only, read_access, read_write } => {
            [8, handled, read_only.0.into(), read_access, read_write.0.into()]
        }
        Step::InstallFilter { filter, flags, listener } => {
            [9, filter.0.into(), flags.into(), listener.map_or(NOTHING, |socket| socket.0.into()), 0]
        }
        Step::CloseFrom { first, at_exec } => [10, first.into(), at_exec.into(), 0, 0],
        Step::ResetSignals { keep } => [11, keep, 0, 0, 0],
        Step::UnblockSignals => [12, 0, 0, 0, 0],
        Step::Exec { candidates, argv, envp } => [13, candidates.0.into(), argv.0.into(), envp.0.into(), 0],
        Step::CheckProgram { candidates } => [14, candidates.0.into(), 0, 0, 0],
        _ => return None,
    };
    Some(words)
}

fn decode([kind, first, second, third, fourth]: [u64; WORDS]) -> Option<Step> {
    let small = |number: u64| u32::try_from(number).ok();
    Some(match kind {
        1 => Step::SetUmask { mask: small(first)? },
        2 => Step::LimitCapabilities { keep: first },
        3 => Step::SetGroups { groups: Groups(small(first)?) },
        4 => Step::SetIds { uid: small(first)?, gid: small(second)? },
        5 => Step::SetCapabilities { effective: first, permitted: second, inheritable: third },
        6 => Step::RaiseAmbient { set: first },
        7 => Step::ForbidNewPrivileges,
        8 => Step::RestrictFiles {
            handled: first,
            read_only: List(small(second)?),
            read_access: third,
            read_write: List(small(fourth)?),
        },
        9 => Step::InstallFilter {
            filter: Filter(small(first)?),
            flags: small(second)?,
            listener: if third == NOTHING { None } else { Some(Fd(small(third)?)) },
        },
        10 => Step::CloseFrom { first: small(first)?, at_exec: second != 0 },
        11 => Step::ResetSignals { keep: first },
        12 => Step::UnblockSignals,
        13 => Step::Exec { candidates: List(small(first)?), argv: List(small(second)?), envp: List(small(third)?) },
        14 => Step::CheckProgram { candidates: List(small(first)?) },
        _ => return None,
    })
}

/// What is left of the bytes.
struct Reader(&'static [u8]);

impl Reader {
    fn word(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.word()?).ok()
    }

    /// A length and as many bytes, filled up to eight.
    fn bytes(&mut self) -> Option<&'static [u8]> {
        let length = self.count()?;
        let (bytes, _) = self.0.split_at_checked(length)?;
        self.0 = self.0.get(length.checked_next_multiple_of(8)?..)?;
        Some(bytes)
    }
}

/// Reads the plan that [`encode`] and who writes the tables have made.
pub(crate) fn read(
    bytes: &'static [u8],
    arena: &mut Arena,
    report: &'static Report,
) -> Result<Program<'static>, Errno> {
    let mut reader = Reader(bytes);
    tables(&mut reader, arena, report).ok_or(Errno(libc::EBADMSG))
}

fn tables(reader: &mut Reader, arena: &mut Arena, report: &'static Report) -> Option<Program<'static>> {
    let mut counts = [0; TABLES];
    for count in &mut counts {
        *count = reader.count()?;
    }
    let [steps, strings, blobs, filters, lists, groups, descriptors] = counts;
    let steps = arena.fill(steps, || {
        let mut words = [0; WORDS];
        for word in &mut words {
            *word = reader.word()?;
        }
        decode(words)
    })?;
    let strings = arena.fill(strings, || reader.bytes().map(CStrRef::from_terminated))?;
    let blobs = arena.fill(blobs, || reader.bytes())?;
    let filters = arena.fill(filters, || reader.bytes().and_then(sys::as_filter))?;
    let lists = arena.fill_with(lists, |arena| {
        let count = reader.count()?;
        let mut left = count;
        let places = arena.fill(count.checked_add(1)?, || {
            let Some(next) = left.checked_sub(1) else { return Some(CStrRef::NULL) };
            left = next;
            strings.get(reader.count()?).copied()
        })?;
        CStrArray::new(places)
    })?;
    let groups = arena.fill_with(groups, |arena| {
        let count = reader.count()?;
        arena.fill(count, || u32::try_from(reader.word()?).ok())
    })?;
    let descriptors = arena.fill(descriptors, || {
        let number = reader.word()?;
        Some(i32::try_from(number).unwrap_or(-1))
    })?;
    let fault = Fault::default();
    let (has_classic_mounts, hold, monitor) = (false, None, None);
    Some(Program {
        steps,
        strings,
        lists,
        descriptors,
        blobs,
        groups,
        filters,
        has_classic_mounts,
        fault,
        report,
        untouched_signals: 0,
        shares_files: false,
        hold,
        monitor,
    })
}
