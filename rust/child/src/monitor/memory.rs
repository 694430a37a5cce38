//! How many of a container's processes were killed because no memory was left.

use crate::sys;

/// What stands before the number in `memory.events` of version 2, and in `memory.oom_control` of version 1.
const KEY: &[u8] = b"oom_kill ";

/// What such a file tells, of which nothing was read yet; nothing where its cgroup is gone, or there is none.
pub(super) fn oom_kills(descriptor: i32) -> Option<u64> {
    let mut buffer = [0; 1024];
    number_in(sys::read_from(descriptor, &mut buffer).ok()?)
}

fn number_in(text: &[u8]) -> Option<u64> {
    let digits = text.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(KEY))?;
    core::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_in;

    #[test]
    fn both_versions_tell_of_kills() {
        assert_eq!(number_in(b"low 0\nhigh 0\nmax 41\noom 3\noom_kill 2\noom_group_kill 1\n"), Some(2));
        assert_eq!(number_in(b"oom_kill_disable 0\nunder_oom 1\noom_kill 7\n"), Some(7));
        assert_eq!(number_in(b"oom_kill_disable 1\nunder_oom 0\n"), None);
        assert_eq!(number_in(b""), None);
    }
}
