//! Lists of processors, the "List format" of `cpuset(7)`: `0-3,7`.

use crate::decimal;
use crate::error::Error;

/// The highest processor that Linux can be built for.
const LAST_CPU: u32 = 8191;

/// A set of processors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CpuSet {
    /// Bit N % 64 of word N / 64 for processor N, up to the highest one: what `sched_setaffinity(2)` takes.
    pub words: Vec<u64>,
}

impl CpuSet {
    /// Whether `cpu` is in the set.
    #[must_use]
    pub fn contains(&self, cpu: u32) -> bool {
        self.words.get(cpu as usize / 64).is_some_and(|word| word & (1 << (cpu % 64)) != 0)
    }

    fn insert(&mut self, cpu: u32) {
        let place = cpu as usize / 64;
        if self.words.len() <= place {
            self.words.resize(place + 1, 0);
        }
        self.words[place] |= 1 << (cpu % 64);
    }
}

/// Reads the value of the spec's `field`: numbers and ranges with commas between them, and no blanks.
///
/// # Errors
/// [`Error::Spec`] that says which part is wrong.
pub fn parse(text: &str, field: &str) -> Result<CpuSet, Error> {
    let mut set = CpuSet::default();
    for part in text.split(',') {
        let (first, last) = range(part).map_err(|why| Error::spec(field, why))?;
        (first..=last).for_each(|cpu| set.insert(cpu));
    }
    Ok(set)
}

fn range(part: &str) -> Result<(u32, u32), String> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    match (decimal::parse(first), decimal::parse(last)) {
        (Some(first), Some(last)) if first > last => {
            Err(format!("must be a list like \"0-3,7\"; {part:?} ends before it begins"))
        }
        (Some(_), Some(last)) if last > LAST_CPU => {
            Err(format!("may name processors up to {LAST_CPU}; it has {part:?}"))
        }
        (Some(first), Some(last)) => Ok((first, last)),
        _ => Err(format!("must be a list like \"0-3,7\"; it has {part:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &str) -> Vec<u64> {
        parse(list, "f").unwrap().words
    }

    #[test]
    fn numbers_and_ranges_are_bits() {
        assert_eq!(words("0"), [1]);
        assert_eq!(words("0-3,7"), [0x8f]);
        assert_eq!(words("2,0-2,2-2"), [7]);
        assert_eq!(words("63-64"), [1 << 63, 1]);
        assert_eq!(words("0-8191"), [u64::MAX; 128]);
    }

    #[test]
    fn a_set_contains_what_was_listed() {
        let set = parse("1,64", "f").unwrap();
        assert_eq!([0, 1, 2, 63, 64, 65, 128, u32::MAX].map(|cpu| set.contains(cpu)), {
            [false, true, false, false, true, false, false, false]
        });
    }

    #[test]
    fn anything_else_is_refused() {
        for list in [
            "", ",", "0,", ",0", "0,,1", "-", "0-", "-1", "0-1-2", " 0", "0 ", "0, 1", "+1", "a", "0x1", "0-3:2/4",
            "0\n",
        ] {
            let error = parse(list, "process.execCPUAffinity.initial").unwrap_err();
            assert!(matches!(error, Error::Spec { path, .. } if path == "process.execCPUAffinity.initial"), "{list:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_part() {
        let message = |list: &str| match parse(list, "f").unwrap_err() {
            Error::Spec { message, .. } => message,
            other => panic!("{other:?}"),
        };
        assert_eq!(message("0,x"), r#"must be a list like "0-3,7"; it has "x""#);
        assert_eq!(message("0,3-1"), r#"must be a list like "0-3,7"; "3-1" ends before it begins"#);
        assert_eq!(message("0-4294967295"), r#"may name processors up to 8191; it has "0-4294967295""#);
    }
}
