//! OCI `linux.uidMappings` and `linux.gidMappings`, and the forms in which the kernel and `newuidmap(1)` take them.

use serde::{Deserialize, Serialize};

use super::IdRange;
use crate::error::Error;

/// OCI `linux.uidMappings[]`: ids that follow one another, inside and outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdMapping {
    /// The first id inside.
    #[serde(rename = "containerID")]
    pub container_id: u32,
    /// The first id outside.
    #[serde(rename = "hostID")]
    pub host_id: u32,
    /// How many.
    pub size: u32,
}

/// The most lines that the kernel takes, since Linux 4.15.
const MOST_LINES: usize = 340;

/// The kernel takes less than a page in the one write that there is; pages are at least so large.
const PAGE: usize = 4096;

/// Root inside is `id` outside, and there is nobody else.
#[must_use]
pub fn single(id: u32) -> Vec<IdMapping> {
    vec![IdMapping { container_id: 0, host_id: id, size: 1 }]
}

/// Root inside is `id` outside; 1 and up are `ranges`, one after the other. A range is left out that overlaps what is
/// mapped already, or for which the kernel has no more room.
#[must_use]
pub fn with_ranges(id: u32, ranges: &[IdRange]) -> Vec<IdMapping> {
    let mut mappings = single(id);
    let mut next = 1;
    for range in ranges {
        mappings.push(IdMapping { container_id: next, host_id: range.start, size: range.count });
        if validate(&mappings, "").is_ok() {
            next += range.count;
        } else {
            mappings.pop();
        }
    }
    mappings
}

/// Checks what the kernel would refuse with no more than `EINVAL`; `field` is where the spec has the mappings, as in
/// `linux.uidMappings`.
///
/// # Errors
/// [`Error::Spec`] with the path of what is wrong.
pub fn validate(mappings: &[IdMapping], field: &str) -> Result<(), Error> {
    if mappings.len() > MOST_LINES {
        return Err(Error::spec(field, format!("has {} entries; the kernel takes {MOST_LINES}", mappings.len())));
    }
    for (index, mapping) in mappings.iter().enumerate() {
        let refuse = |property: &str, why: String| Error::spec(format!("{field}[{index}].{property}"), why);
        let sides = [("containerID", IdMapping::inside as fn(&_) -> _), ("hostID", IdMapping::outside)];
        for (property, side) in sides {
            let own = side(mapping);
            if own.count == 0 {
                return Err(refuse("size", "must be at least 1".into()));
            }
            if own.start.checked_add(own.count).is_none() {
                let why = format!(
                    "must be at most {}, for the last id is 4294967294; it is {}",
                    u32::MAX - own.start,
                    own.count
                );
                return Err(refuse("size", why));
            }
            if let Some(other) = mappings[..index].iter().position(|other| overlaps(own, side(other))) {
                return Err(refuse(property, format!("overlaps {field}[{other}]")));
            }
        }
    }
    let length = map_text(mappings).len();
    if length >= PAGE {
        return Err(Error::spec(
            field,
            format!("has {length} characters as the kernel reads it; it takes {}", PAGE - 1),
        ));
    }
    Ok(())
}

impl IdMapping {
    fn inside(&self) -> IdRange {
        IdRange { start: self.container_id, count: self.size }
    }

    fn outside(&self) -> IdRange {
        IdRange { start: self.host_id, count: self.size }
    }
}

fn overlaps(one: IdRange, other: IdRange) -> bool {
    let end = |range: IdRange| u64::from(range.start) + u64::from(range.count);
    u64::from(one.start) < end(other) && u64::from(other.start) < end(one)
}

/// What is written to `/proc/PID/uid_map`: a line for each, `INSIDE OUTSIDE COUNT`.
#[must_use]
pub fn map_text(mappings: &[IdMapping]) -> String {
    mappings.iter().map(|mapping| format!("{}\n", mapping.numbers().join(" "))).collect::<Vec<_>>().concat()
}

/// What `newuidmap(1)` and `newgidmap(1)` take: `PID INSIDE OUTSIDE COUNT …`.
#[must_use]
pub fn helper_arguments(pid: i32, mappings: &[IdMapping]) -> Vec<String> {
    std::iter::once(pid.to_string()).chain(mappings.iter().flat_map(IdMapping::numbers)).collect()
}

impl IdMapping {
    fn numbers(&self) -> [String; 3] {
        [self.container_id, self.host_id, self.size].map(|number| number.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mappings(lines: &[(u32, u32, u32)]) -> Vec<IdMapping> {
        lines.iter().map(|&(container_id, host_id, size)| IdMapping { container_id, host_id, size }).collect()
    }

    fn refusal(lines: &[(u32, u32, u32)]) -> (String, String) {
        match validate(&mappings(lines), "linux.uidMappings") {
            Err(Error::Spec { path, message }) => (path, message),
            other => panic!("{lines:?}: {other:?}"),
        }
    }

    fn is_valid(lines: &[(u32, u32, u32)]) {
        assert_eq!(validate(&mappings(lines), "linux.uidMappings"), Ok(()), "{lines:?}");
    }

    #[test]
    fn a_mapping_is_read_and_written_as_oci_has_it() {
        let json = r#"{"containerID":0,"hostID":1000,"size":4294967295}"#;
        let mapping: IdMapping = serde_json::from_str(json).unwrap();
        assert_eq!(vec![mapping], mappings(&[(0, 1000, u32::MAX)]));
        assert_eq!(serde_json::to_string(&mapping).unwrap(), json);
        for json in [
            r#"{"containerID":0,"hostID":0}"#,
            r#"{"containerID":-1,"hostID":0,"size":1}"#,
            r#"{"containerID":0,"hostID":4294967296,"size":1}"#,
            r#"{"containerID":0,"hostID":0,"size":1.5}"#,
        ] {
            assert!(serde_json::from_str::<IdMapping>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn root_inside_is_the_user_and_the_ranges_follow() {
        assert_eq!(single(1000), mappings(&[(0, 1000, 1)]));
        let ranges = [(100_000, 65536), (5, 10)].map(|(start, count)| IdRange { start, count });
        assert_eq!(with_ranges(1000, &ranges), mappings(&[(0, 1000, 1), (1, 100_000, 65536), (65537, 5, 10)]));
        assert_eq!(with_ranges(1000, &[]), single(1000));
    }

    #[test]
    fn a_range_that_cannot_be_mapped_too_is_left_out() {
        let with = |ranges: &[(u32, u32)]| {
            with_ranges(1000, &ranges.iter().map(|&(start, count)| IdRange { start, count }).collect::<Vec<_>>())
        };
        assert_eq!(
            with(&[(900, 200), (5, 10), (5, 10), (14, 1), (15, 1)]),
            mappings(&[(0, 1000, 1), (1, 5, 10), (11, 15, 1)])
        );
        let all = [(0, 1000, 1), (1, 0, 1000), (1001, 1001, 4_294_966_294)];
        assert_eq!(with(&[(0, 1000), (1001, 4_294_966_294), (7, 1)]), mappings(&all));
        let many = (0..1000).map(|number| (2000 + number, 1)).collect::<Vec<_>>();
        let mappings = with(&many);
        assert!(mappings.len() > 300 && validate(&mappings, "f").is_ok());
    }

    #[test]
    fn a_size_is_at_least_one_and_ends_at_the_last_id() {
        is_valid(&[(0, 0, u32::MAX)]);
        is_valid(&[(u32::MAX - 1, 0, 1)]);
        let size = || "linux.uidMappings[1].size".to_string();
        assert_eq!(refusal(&[(0, 0, 1), (5, 5, 0)]), (size(), "must be at least 1".into()));
        for line in [(5, 4_294_967_290, 6), (4_294_967_290, 5, 6)] {
            let message = "must be at most 5, for the last id is 4294967294; it is 6";
            assert_eq!(refusal(&[(0, 0, 1), line]), (size(), message.into()));
        }
        assert_eq!(refusal(&[(u32::MAX, 0, 1)]).0, "linux.uidMappings[0].size");
    }

    #[test]
    fn ids_are_mapped_once_on_either_side() {
        is_valid(&[(0, 10, 10), (10, 0, 10), (20, 20, 1)]);
        let at =
            |property: &str| (format!("linux.uidMappings[2].{property}"), "overlaps linux.uidMappings[1]".to_string());
        assert_eq!(refusal(&[(0, 0, 1), (10, 10, 10), (19, 100, 1)]), at("containerID"));
        assert_eq!(refusal(&[(0, 0, 1), (10, 10, 10), (5, 100, 100)]), at("containerID"));
        assert_eq!(refusal(&[(0, 0, 1), (10, 10, 10), (100, 1, 10)]), at("hostID"));
        assert_eq!(refusal(&[(0, 0, 1), (10, 10, 10), (100, 12, 1)]), at("hostID"));
    }

    #[test]
    fn the_kernel_takes_340_lines_and_less_than_a_page() {
        let lines = |count: u32, first: u32| (0..count).map(|id| (id, first + id, 1)).collect::<Vec<_>>();
        is_valid(&lines(340, 0));
        let path = || "linux.uidMappings".to_string();
        assert_eq!(refusal(&lines(341, 0)), (path(), "has 341 entries; the kernel takes 340".into()));
        let message = "has 5670 characters as the kernel reads it; it takes 4095";
        assert_eq!(refusal(&lines(340, 1_000_000_000)), (path(), message.into()));
    }

    #[test]
    fn the_kernel_and_the_helpers_get_the_same_numbers() {
        let mappings = mappings(&[(0, 1000, 1), (1, 100_000, 65536)]);
        assert_eq!(map_text(&mappings), "0 1000 1\n1 100000 65536\n");
        assert_eq!(helper_arguments(42, &mappings), ["42", "0", "1000", "1", "1", "100000", "65536"]);
    }
}
