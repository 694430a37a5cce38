//! A mount's attributes: what `mount_setattr(2)` sets and clears, and the same for `mount(2)`.

use nix::libc::{self, c_ulong};

/// `linux/mount.h`: the mount is read-only.
pub const MOUNT_ATTR_RDONLY: u64 = 0x1;
/// Set-user-ID bits and file capabilities count for nothing.
pub const MOUNT_ATTR_NOSUID: u64 = 0x2;
/// Device files are not devices.
pub const MOUNT_ATTR_NODEV: u64 = 0x4;
/// Nothing is executed.
pub const MOUNT_ATTR_NOEXEC: u64 = 0x8;
/// The three values of the access time's enumeration lie in these bits.
pub const MOUNT_ATTR__ATIME: u64 = 0x70;
/// Access times are written when they are older than the change: the kernel's usual way.
pub const MOUNT_ATTR_RELATIME: u64 = 0x00;
/// Access times are never written.
pub const MOUNT_ATTR_NOATIME: u64 = 0x10;
/// Access times are always written.
pub const MOUNT_ATTR_STRICTATIME: u64 = 0x20;
/// Access times of folders are never written.
pub const MOUNT_ATTR_NODIRATIME: u64 = 0x80;
/// Symbolic links are not followed.
pub const MOUNT_ATTR_NOSYMFOLLOW: u64 = 0x0020_0000;

/// Files are shown with the ids of a user namespace.
pub const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;

/// Attributes to change: the fields of `mount_setattr(2)`, which clears first and then sets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `attr_set`.
    pub set: u64,
    /// `attr_clr`; with any access time asked for, all of [`MOUNT_ATTR__ATIME`], as the kernel wants it.
    pub clear: u64,
}

/// The name, its bits, and whether it sets them. Each is known with an `r` before it, too.
pub(super) const NAMES: [(&str, u64, bool); 18] = [
    ("ro", MOUNT_ATTR_RDONLY, true),
    ("rw", MOUNT_ATTR_RDONLY, false),
    ("nosuid", MOUNT_ATTR_NOSUID, true),
    ("suid", MOUNT_ATTR_NOSUID, false),
    ("nodev", MOUNT_ATTR_NODEV, true),
    ("dev", MOUNT_ATTR_NODEV, false),
    ("noexec", MOUNT_ATTR_NOEXEC, true),
    ("exec", MOUNT_ATTR_NOEXEC, false),
    ("noatime", MOUNT_ATTR_NOATIME, true),
    ("atime", MOUNT_ATTR_NOATIME, false),
    ("relatime", MOUNT_ATTR_RELATIME, true),
    ("norelatime", MOUNT_ATTR_RELATIME, false),
    ("strictatime", MOUNT_ATTR_STRICTATIME, true),
    ("nostrictatime", MOUNT_ATTR_STRICTATIME, false),
    ("nodiratime", MOUNT_ATTR_NODIRATIME, true),
    ("diratime", MOUNT_ATTR_NODIRATIME, false),
    ("nosymfollow", MOUNT_ATTR_NOSYMFOLLOW, true),
    ("symfollow", MOUNT_ATTR_NOSYMFOLLOW, false),
];

const CLASSIC: [(u64, c_ulong); 6] = [
    (MOUNT_ATTR_RDONLY, libc::MS_RDONLY),
    (MOUNT_ATTR_NOSUID, libc::MS_NOSUID),
    (MOUNT_ATTR_NODEV, libc::MS_NODEV),
    (MOUNT_ATTR_NOEXEC, libc::MS_NOEXEC),
    (MOUNT_ATTR_NODIRATIME, libc::MS_NODIRATIME),
    (MOUNT_ATTR_NOSYMFOLLOW, libc::MS_NOSYMFOLLOW),
];

/// The kernel's words for attributes: `MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV`; `0` for none.
#[must_use]
pub fn flag_names(bits: u64) -> String {
    const WORDS: [(u64, &str); 10] = [
        (MOUNT_ATTR_RDONLY, "MOUNT_ATTR_RDONLY"),
        (MOUNT_ATTR_NOSUID, "MOUNT_ATTR_NOSUID"),
        (MOUNT_ATTR_NODEV, "MOUNT_ATTR_NODEV"),
        (MOUNT_ATTR_NOEXEC, "MOUNT_ATTR_NOEXEC"),
        (MOUNT_ATTR__ATIME, "MOUNT_ATTR__ATIME"),
        (MOUNT_ATTR_NOATIME, "MOUNT_ATTR_NOATIME"),
        (MOUNT_ATTR_STRICTATIME, "MOUNT_ATTR_STRICTATIME"),
        (MOUNT_ATTR_NODIRATIME, "MOUNT_ATTR_NODIRATIME"),
        (MOUNT_ATTR_NOSYMFOLLOW, "MOUNT_ATTR_NOSYMFOLLOW"),
        (MOUNT_ATTR_IDMAP, "MOUNT_ATTR_IDMAP"),
    ];
    let mut left = bits;
    let mut words = Vec::new();
    for (flag, word) in WORDS {
        if left & flag == flag {
            words.push(word.to_string());
            left &= !flag;
        }
    }
    match (words.is_empty(), left) {
        (true, 0) => "0".into(),
        (_, 0) => words.join("|"),
        (_, left) => {
            words.push(format!("{left:#x}"));
            words.join("|")
        }
    }
}

impl Attributes {
    /// Takes in one more option, which has the last word.
    pub(super) fn change(&mut self, bits: u64, sets: bool) {
        if bits & !MOUNT_ATTR__ATIME == 0 {
            // An enumeration: `noatime` takes the place of `strictatime`, and `nostrictatime` leaves `noatime` alone.
            if sets || self.set & MOUNT_ATTR__ATIME == bits {
                self.set = self.set & !MOUNT_ATTR__ATIME | if sets { bits } else { MOUNT_ATTR_RELATIME };
            }
            self.clear |= MOUNT_ATTR__ATIME;
        } else if sets {
            *self = Self { set: self.set | bits, clear: self.clear & !bits };
        } else {
            *self = Self { set: self.set & !bits, clear: self.clear | bits };
        }
    }

    /// The same for `mount(2)`, which clears what isn't set.
    pub(super) fn classic_flags(self) -> c_ulong {
        let same = CLASSIC.iter().filter(|(bit, _)| self.set & bit != 0).fold(0, |flags, (_, flag)| flags | flag);
        // Where none is asked for, none is named: a remount then keeps what there is.
        same | match self.set & MOUNT_ATTR__ATIME {
            _ if self.clear & MOUNT_ATTR__ATIME == 0 => 0,
            MOUNT_ATTR_NOATIME => libc::MS_NOATIME,
            MOUNT_ATTR_STRICTATIME => libc::MS_STRICTATIME,
            _ => libc::MS_RELATIME,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(names: &[&str]) -> Attributes {
        names.iter().fold(Attributes::default(), |mut attributes, name| {
            let (_, bits, sets) = NAMES.iter().find(|(known, ..)| known == name).unwrap();
            attributes.change(*bits, *sets);
            attributes
        })
    }

    #[test]
    fn the_last_of_two_that_contradict_each_other_counts() {
        assert_eq!(after(&["ro", "rw"]), Attributes { set: 0, clear: MOUNT_ATTR_RDONLY });
        assert_eq!(after(&["rw", "ro"]), Attributes { set: MOUNT_ATTR_RDONLY, clear: 0 });
        let set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
        assert_eq!(after(&["nosuid", "exec", "nodev"]), Attributes { set, clear: MOUNT_ATTR_NOEXEC });
    }

    #[test]
    fn access_times_are_an_enumeration() {
        let clear = MOUNT_ATTR__ATIME;
        for (names, set) in [
            (&["noatime"][..], MOUNT_ATTR_NOATIME),
            (&["strictatime"], MOUNT_ATTR_STRICTATIME),
            (&["relatime"], MOUNT_ATTR_RELATIME),
            (&["atime"], MOUNT_ATTR_RELATIME),
            (&["norelatime"], MOUNT_ATTR_RELATIME),
            (&["strictatime", "noatime"], MOUNT_ATTR_NOATIME),
            (&["noatime", "strictatime"], MOUNT_ATTR_STRICTATIME),
            (&["noatime", "relatime"], MOUNT_ATTR_RELATIME),
            (&["noatime", "atime"], MOUNT_ATTR_RELATIME),
            (&["noatime", "norelatime"], MOUNT_ATTR_NOATIME),
            (&["noatime", "nostrictatime"], MOUNT_ATTR_NOATIME),
            (&["strictatime", "atime"], MOUNT_ATTR_STRICTATIME),
        ] {
            assert_eq!(after(names), Attributes { set, clear }, "{names:?}");
        }
    }

    #[test]
    fn access_times_of_folders_are_a_bit_of_their_own() {
        let set = MOUNT_ATTR_NOATIME | MOUNT_ATTR_NODIRATIME;
        assert_eq!(after(&["nodiratime", "noatime"]), Attributes { set, clear: MOUNT_ATTR__ATIME });
        assert_eq!(after(&["diratime"]), Attributes { set: 0, clear: MOUNT_ATTR_NODIRATIME });
    }

    #[test]
    fn mount_2_has_a_flag_for_each() {
        for (name, flag) in [
            ("ro", libc::MS_RDONLY),
            ("nosuid", libc::MS_NOSUID),
            ("nodev", libc::MS_NODEV),
            ("noexec", libc::MS_NOEXEC),
            ("noatime", libc::MS_NOATIME),
            ("relatime", libc::MS_RELATIME),
            ("strictatime", libc::MS_STRICTATIME),
            ("nodiratime", libc::MS_NODIRATIME),
            ("nosymfollow", libc::MS_NOSYMFOLLOW),
            ("atime", libc::MS_RELATIME),
            ("rw", 0),
            ("symfollow", 0),
        ] {
            assert_eq!(after(&[name]).classic_flags(), flag, "{name}");
        }
    }
}
