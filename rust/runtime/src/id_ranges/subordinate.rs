//! Ids that the host has set apart for a user: `subuid(5)` and `subgid(5)`.

use crate::decimal;

/// Ids that follow one another; 4294967295 is never among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The first one.
    pub start: u32,
    /// How many, at least one.
    pub count: u32,
}

/// The ranges of the user with the number `uid`, and the name `name` where it has one, by the text of `/etc/subuid` or
/// `/etc/subgid`: lines of `name:start:count` or `uid:start:count`, in their order. A line that is neither, is empty or
/// runs beyond the last id is skipped.
#[must_use]
pub fn ranges_of(text: &str, name: Option<&str>, uid: u32) -> Vec<IdRange> {
    let is_owner = |owner: &str| decimal::parse(owner).map_or(name == Some(owner), |number| number == uid);
    text.lines().filter_map(|line| range(line.trim(), is_owner)).collect()
}

fn range(line: &str, is_owner: impl Fn(&str) -> bool) -> Option<IdRange> {
    let mut fields = line.split(':');
    let (owner, start, count) = (fields.next()?, decimal::parse(fields.next()?)?, decimal::parse(fields.next()?)?);
    let is_range = fields.next().is_none() && count > 0 && start.checked_add(count).is_some();
    (is_range && is_owner(owner)).then_some(IdRange { start, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(text: &str) -> Vec<(u32, u32)> {
        ranges_of(text, Some("ann"), 1000).into_iter().map(|range| (range.start, range.count)).collect()
    }

    #[test]
    fn ranges_are_found_by_name_and_by_number_in_their_order() {
        let text = "bob:1:2\nann:100000:65536\n1001:3:4\n1000:300000:10\r\n\n  ann:5:1  \n";
        assert_eq!(ranges(text), [(100_000, 65536), (300_000, 10), (5, 1)]);
        assert_eq!(ranges_of(text, None, 1001), [IdRange { start: 3, count: 4 }]);
        assert_eq!(ranges_of(text, None, 5), []);
    }

    #[test]
    fn the_last_id_is_4294967294() {
        assert_eq!(ranges("ann:4294967294:1\nann:1:4294967294"), [(4_294_967_294, 1), (1, 4_294_967_294)]);
        assert_eq!(ranges("ann:4294967295:1\nann:4294967294:2\nann:1:4294967295\nann:1:4294967296"), []);
    }

    #[test]
    fn a_line_that_is_no_range_is_skipped() {
        for line in [
            "",
            "ann",
            "ann:1",
            "ann:1:",
            "ann::1",
            "ann:1:0",
            "ann:1:2:3",
            "ann:+1:1",
            "ann:-1:1",
            "ann:0x1:1",
            "ann: 1:1",
        ] {
            assert_eq!(ranges(line), [], "{line:?}");
        }
        for line in ["# ann:1:1", "anna:1:1", "Ann:1:1", ":1:1", "+1000:1:1", "1000 :1:1", "10000:1:1"] {
            assert_eq!(ranges(line), [], "{line:?}");
        }
    }

    #[test]
    fn a_user_whose_name_is_digits_gets_no_others_ranges() {
        assert_eq!(ranges_of("0:1:2\n1000:3:4", Some("0"), 1000), [IdRange { start: 3, count: 4 }]);
    }
}
