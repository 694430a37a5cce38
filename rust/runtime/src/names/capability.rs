//! Capabilities, `capabilities(7)` and `linux/capability.h`.

/// The names in the order of their numbers.
const NAMES: [&str; 41] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
];

/// The highest number that has a name here; a newer kernel may know more: `/proc/sys/kernel/cap_last_cap`.
pub const LAST: u32 = 40;

/// The number of `name`, in letters of either case, with or without `CAP_`.
#[must_use]
pub fn parse(name: &str) -> Option<u32> {
    let bare = |name: &str| name.strip_prefix("CAP_").map(str::to_string);
    let upper = name.to_ascii_uppercase();
    let wanted = bare(&upper).unwrap_or(upper);
    (0..).zip(NAMES).find(|(_, name)| bare(name).as_ref() == Some(&wanted)).map(|(number, _)| number)
}

/// The name of a number: `CAP_CHOWN` for 0.
#[must_use]
pub fn name(number: u32) -> Option<&'static str> {
    NAMES.get(number as usize).copied()
}

/// All names, in the order of their numbers.
#[must_use]
pub fn names() -> &'static [&'static str] {
    &NAMES
}

/// A list of names as the kernel takes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mask<'a> {
    /// Bit N for capability N.
    pub bits: u64,
    /// What no name is, in order: for a warning.
    pub unknown: Vec<&'a str>,
}

/// The set of all capabilities named.
#[must_use]
pub fn mask(names: &[String]) -> Mask<'_> {
    let mut mask = Mask::default();
    for name in names {
        match parse(name) {
            Some(number) => mask.bits |= 1 << number,
            None => mask.unknown.push(name),
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_has_a_name_that_means_it() {
        for number in 0..=LAST {
            assert_eq!(parse(name(number).unwrap()), Some(number));
        }
        assert_eq!((LAST, name(LAST + 1), name(u32::MAX)), (40, None, None));
    }

    #[test]
    fn some_numbers_of_the_kernels_header() {
        let known = [("CHOWN", 0), ("SETPCAP", 8), ("SYS_ADMIN", 21), ("SETFCAP", 31), ("SYSLOG", 34), ("BPF", 39)];
        for (name, number) in known {
            assert_eq!(parse(name), Some(number), "{name}");
        }
    }

    #[test]
    fn a_name_is_known_in_either_case_with_and_without_its_prefix() {
        for name in ["CAP_NET_RAW", "cap_net_raw", "NET_RAW", "Net_Raw"] {
            assert_eq!(parse(name), Some(13), "{name}");
        }
        for name in ["", "CAP_", "CAP_CAP_CHOWN", "NET-RAW", " CHOWN", "CHOWN ", "13", "ALL"] {
            assert_eq!(parse(name), None, "{name:?}");
        }
    }

    #[test]
    fn a_mask_has_a_bit_for_each_name_and_keeps_what_is_none() {
        let names = ["CAP_CHOWN", "CAP_FUTURE", "cap_checkpoint_restore", "CAP_CHOWN"].map(String::from);
        assert_eq!(mask(&names), Mask { bits: 1 | 1 << 40, unknown: vec!["CAP_FUTURE"] });
        assert_eq!(mask(&[]), Mask::default());
    }
}
