//! Who runs when: OCI `process.scheduler`, `process.ioPriority` and `linux.personality`.

/// `linux/sched.h`, `sched(7)`.
const POLICIES: [(&str, u32); 7] = [
    ("SCHED_OTHER", 0),
    ("SCHED_FIFO", 1),
    ("SCHED_RR", 2),
    ("SCHED_BATCH", 3),
    ("SCHED_ISO", 4),
    ("SCHED_IDLE", 5),
    ("SCHED_DEADLINE", 6),
];

/// `linux/sched.h`, `sched_setattr(2)`.
const FLAGS: [(&str, u64); 7] = [
    ("SCHED_FLAG_RESET_ON_FORK", 0x01),
    ("SCHED_FLAG_RECLAIM", 0x02),
    ("SCHED_FLAG_DL_OVERRUN", 0x04),
    ("SCHED_FLAG_KEEP_POLICY", 0x08),
    ("SCHED_FLAG_KEEP_PARAMS", 0x10),
    ("SCHED_FLAG_UTIL_CLAMP_MIN", 0x20),
    ("SCHED_FLAG_UTIL_CLAMP_MAX", 0x40),
];

/// `linux/ioprio.h`, `ioprio_set(2)`.
const IO_CLASSES: [(&str, u32); 3] = [("IOPRIO_CLASS_RT", 1), ("IOPRIO_CLASS_BE", 2), ("IOPRIO_CLASS_IDLE", 3)];

/// `linux/personality.h`, `personality(2)`.
const PERSONALITIES: [(&str, u32); 2] = [("LINUX", 0), ("LINUX32", 8)];

/// The number of a policy: `SCHED_BATCH`. The kernel has kept SCHED_ISO's number free and refuses it.
#[must_use]
pub fn parse_policy(name: &str) -> Option<u32> {
    find(&POLICIES, name)
}

/// The bit of a flag: `SCHED_FLAG_RESET_ON_FORK`.
#[must_use]
pub fn parse_flag(name: &str) -> Option<u64> {
    find(&FLAGS, name)
}

/// The number of a class for input and output: `IOPRIO_CLASS_BE`.
#[must_use]
pub fn parse_io_class(name: &str) -> Option<u32> {
    find(&IO_CLASSES, name)
}

/// The number of a personality's domain: `LINUX32`.
#[must_use]
pub fn parse_personality(name: &str) -> Option<u32> {
    find(&PERSONALITIES, name)
}

fn find<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use nix::libc;

    use super::*;

    #[test]
    fn policies_are_libcs_numbers() {
        let known = [
            ("SCHED_OTHER", libc::SCHED_OTHER),
            ("SCHED_FIFO", libc::SCHED_FIFO),
            ("SCHED_RR", libc::SCHED_RR),
            ("SCHED_BATCH", libc::SCHED_BATCH),
            ("SCHED_IDLE", libc::SCHED_IDLE),
            ("SCHED_DEADLINE", libc::SCHED_DEADLINE),
        ];
        for (name, number) in known {
            assert_eq!(parse_policy(name), u32::try_from(number).ok(), "{name}");
        }
        assert_eq!(parse_policy("SCHED_ISO"), Some(4));
    }

    #[test]
    fn flags_are_bits_that_differ() {
        let all = FLAGS.iter().fold(0, |bits, (name, _)| bits | parse_flag(name).unwrap());
        assert_eq!(all, 0x7f);
        assert_eq!(parse_flag("SCHED_FLAG_DL_OVERRUN"), u64::try_from(libc::SCHED_FLAG_DL_OVERRUN).ok());
    }

    #[test]
    fn classes_and_personalities() {
        assert_eq!(
            ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"].map(parse_io_class),
            [1, 2, 3].map(Some)
        );
        assert_eq!(["LINUX", "LINUX32"].map(parse_personality), [0, 8].map(Some));
    }

    #[test]
    fn what_is_spelt_otherwise_is_no_name() {
        assert_eq!(["", "OTHER", "sched_other", "SCHED_OTHER ", "SCHED_FLAG_RECLAIM"].map(parse_policy), [None; 5]);
        assert_eq!(["", "RECLAIM", "SCHED_FLAG_", "SCHED_FIFO"].map(parse_flag), [None; 4]);
        assert_eq!(["", "IOPRIO_CLASS_NONE", "BE", "be"].map(parse_io_class), [None; 4]);
        assert_eq!(["", "PER_LINUX", "linux", "LINUX64"].map(parse_personality), [None; 4]);
    }
}
