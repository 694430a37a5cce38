//! Who owns a file, as the two sides of a copy number it.

use std::fs;

use crate::id_ranges::IdMapping;

/// The ids of a user namespace.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) uids: Vec<IdMapping>,
    pub(super) gids: Vec<IdMapping>,
}

impl Ids {
    /// Those of a process; none where it numbers its users as we do.
    pub(super) fn of_process(pid: i32) -> Option<Self> {
        let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let ids = Self { uids: parse(&read("uid_map")), gids: parse(&read("gid_map")) };
        (ids != Self { uids: vec![ALL], gids: vec![ALL] }).then_some(ids)
    }

    /// Who is root in it, as we number it.
    pub(super) fn root(&self) -> (u32, u32) {
        (outside(&self.uids, 0).unwrap_or(0), outside(&self.gids, 0).unwrap_or(0))
    }
}

const ALL: IdMapping = IdMapping { container_id: 0, host_id: 0, size: u32::MAX };

/// `/proc/PID/uid_map`, user_namespaces(7): a line has the first id inside, the first outside, and how many.
fn parse(text: &str) -> Vec<IdMapping> {
    let line = |line: &str| {
        let mut numbers = line.split_ascii_whitespace().map_while(|word| word.parse().ok());
        Some(IdMapping { container_id: numbers.next()?, host_id: numbers.next()?, size: numbers.next()? })
    };
    text.lines().filter_map(line).collect()
}

/// As the namespace numbers one of our ids.
pub(super) fn inside(mappings: &[IdMapping], id: u32) -> Option<u32> {
    let find = |map: &IdMapping| id.checked_sub(map.host_id).filter(|at| *at < map.size)?.checked_add(map.container_id);
    mappings.iter().find_map(find)
}

/// As we number one of the namespace's.
pub(super) fn outside(mappings: &[IdMapping], id: u32) -> Option<u32> {
    let find = |map: &IdMapping| id.checked_sub(map.container_id).filter(|at| *at < map.size)?.checked_add(map.host_id);
    mappings.iter().find_map(find)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_through_a_map_in_both_directions() {
        let map = parse("         0     100000          1\n         1     200000      65535\n");
        assert_eq!([outside(&map, 0), outside(&map, 7), outside(&map, 65_536)], [Some(100_000), Some(200_006), None]);
        assert_eq!([inside(&map, 100_000), inside(&map, 200_006), inside(&map, 0)], [Some(0), Some(7), None]);
    }

    #[test]
    fn a_process_of_our_own_users_has_no_ids_of_its_own() {
        let own = Ids::of_process(i32::try_from(std::process::id()).unwrap());
        let is_whole = fs::read_to_string("/proc/self/uid_map").unwrap().trim().ends_with("4294967295");
        assert_eq!(own.is_none(), is_whole);
    }
}
