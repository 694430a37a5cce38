//! Resource limits, `getrlimit(2)`.

use nix::libc;

/// OCI's names, which are the kernel's. The numbers differ between architectures: they are libc's.
const TABLE: [(&str, u32); 16] = [
    ("RLIMIT_AS", libc::RLIMIT_AS),
    ("RLIMIT_CORE", libc::RLIMIT_CORE),
    ("RLIMIT_CPU", libc::RLIMIT_CPU),
    ("RLIMIT_DATA", libc::RLIMIT_DATA),
    ("RLIMIT_FSIZE", libc::RLIMIT_FSIZE),
    ("RLIMIT_LOCKS", libc::RLIMIT_LOCKS),
    ("RLIMIT_MEMLOCK", libc::RLIMIT_MEMLOCK),
    ("RLIMIT_MSGQUEUE", libc::RLIMIT_MSGQUEUE),
    ("RLIMIT_NICE", libc::RLIMIT_NICE),
    ("RLIMIT_NOFILE", libc::RLIMIT_NOFILE),
    ("RLIMIT_NPROC", libc::RLIMIT_NPROC),
    ("RLIMIT_RSS", libc::RLIMIT_RSS),
    ("RLIMIT_RTPRIO", libc::RLIMIT_RTPRIO),
    ("RLIMIT_RTTIME", libc::RLIMIT_RTTIME),
    ("RLIMIT_SIGPENDING", libc::RLIMIT_SIGPENDING),
    ("RLIMIT_STACK", libc::RLIMIT_STACK),
];

/// The number of `name`, which is spelt as OCI has it: `RLIMIT_NOFILE`.
#[must_use]
pub fn parse(name: &str) -> Option<u32> {
    TABLE.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The name of a number.
#[must_use]
pub fn name(number: u32) -> Option<&'static str> {
    TABLE.iter().find(|(_, known)| *known == number).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_of_the_kernels_sixteen_numbers_has_a_name_that_means_it() {
        let names: HashSet<&str> = (0..16).map(|number| name(number).unwrap()).collect();
        assert_eq!(names.len(), 16);
        assert!((0..16).all(|number| name(number).and_then(parse) == Some(number)));
        assert_eq!(name(16), None);
    }

    #[test]
    fn only_ocis_spelling_is_a_name() {
        assert_eq!(parse("RLIMIT_NOFILE"), Some(libc::RLIMIT_NOFILE));
        for name in ["", "NOFILE", "rlimit_nofile", "RLIMIT_NOFILE ", "RLIMIT_OFILE"] {
            assert_eq!(parse(name), None, "{name:?}");
        }
    }
}
