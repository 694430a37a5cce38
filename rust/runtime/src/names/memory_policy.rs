//! Where memory is taken from: OCI `linux.memoryPolicy`.

/// `linux/mempolicy.h`, `set_mempolicy(2)`.
const MODES: [(&str, i32); 7] = [
    ("MPOL_DEFAULT", 0),
    ("MPOL_PREFERRED", 1),
    ("MPOL_BIND", 2),
    ("MPOL_INTERLEAVE", 3),
    ("MPOL_LOCAL", 4),
    ("MPOL_PREFERRED_MANY", 5),
    ("MPOL_WEIGHTED_INTERLEAVE", 6),
];

/// `linux/mempolicy.h`, `set_mempolicy(2)`.
const FLAGS: [(&str, i32); 3] =
    [("MPOL_F_NUMA_BALANCING", 1 << 13), ("MPOL_F_RELATIVE_NODES", 1 << 14), ("MPOL_F_STATIC_NODES", 1 << 15)];

/// The number of a mode: `MPOL_BIND`.
#[must_use]
pub fn parse_mode(name: &str) -> Option<i32> {
    MODES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

/// The bit of a flag: `MPOL_F_STATIC_NODES`.
#[must_use]
pub fn parse_flag(name: &str) -> Option<i32> {
    FLAGS.iter().find(|(known, _)| *known == name).map(|(_, bit)| *bit)
}

/// What a mode with its flags is called.
#[must_use]
pub fn name(mode: i32) -> String {
    let flags = FLAGS.iter().filter(|(_, bit)| mode & bit != 0);
    let bits: i32 = FLAGS.iter().map(|(_, bit)| bit).sum();
    let mode = MODES.iter().filter(|(_, number)| *number == mode & !bits);
    mode.chain(flags).map(|(name, _)| *name).collect::<Vec<_>>().join("|")
}

/// The names of all modes.
pub fn modes() -> impl Iterator<Item = &'static str> {
    MODES.iter().map(|(name, _)| *name)
}

/// The names of all flags.
pub fn flags() -> impl Iterator<Item = &'static str> {
    FLAGS.iter().map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_kernels() {
        assert_eq!((parse_mode("MPOL_WEIGHTED_INTERLEAVE"), parse_flag("MPOL_F_STATIC_NODES")), (Some(6), Some(32768)));
        assert_eq!((parse_mode("MPOL_F_STATIC_NODES"), parse_flag("MPOL_BIND")), (None, None));
        assert_eq!(name(2 | 1 << 14), "MPOL_BIND|MPOL_F_RELATIVE_NODES");
        assert_eq!((modes().count(), flags().count()), (7, 3));
    }
}
