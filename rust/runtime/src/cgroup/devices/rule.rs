//! One rule, read and checked.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

use crate::cgroup::resources::DeviceRule;
use crate::error::Error;

/// A kind of device, by its number in `bpf_cgroup_dev_ctx`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `BPF_DEVCG_DEV_BLOCK`
    Block = 1,
    /// `BPF_DEVCG_DEV_CHAR`
    Character = 2,
}

impl Kind {
    /// The letter that mknod(1) and version 1 have for it.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Block => 'b',
            Self::Character => 'c',
        }
    }
}

/// What is done with a device: a set of `BPF_DEVCG_ACC_*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access(u8);

impl Access {
    /// `BPF_DEVCG_ACC_MKNOD`
    pub const MAKE: Self = Self(1);
    /// `BPF_DEVCG_ACC_READ`
    pub const READ: Self = Self(2);
    /// `BPF_DEVCG_ACC_WRITE`
    pub const WRITE: Self = Self(4);
    /// All of them.
    pub const ALL: Self = Self(7);
    /// With the letters of OCI and version 1, in the order of the latter.
    const LETTERS: [(char, Self); 3] = [('r', Self::READ), ('w', Self::WRITE), ('m', Self::MAKE)];

    /// The kernel's bits.
    #[must_use]
    pub fn bits(self) -> i32 {
        self.0.into()
    }

    /// Whether it is nothing.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    fn parse(text: &str) -> Option<Self> {
        let one = |letter| Self::LETTERS.into_iter().find_map(|(own, access)| (own == letter).then_some(access));
        text.chars().map(one).try_fold(Self::default(), |all, access| Some(all | access?))
    }
}

impl BitOr for Access {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Access {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

impl BitAnd for Access {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for Access {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }
}

impl fmt::Display for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Self::LETTERS
            .into_iter()
            .filter(|(_, access)| !(*self & *access).is_empty())
            .try_for_each(|(letter, _)| write!(formatter, "{letter}"))
    }
}

/// A rule; `None` is every kind or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether it allows or refuses.
    pub allow: bool,
    /// The kind of device.
    pub kind: Option<Kind>,
    /// The major number.
    pub major: Option<u32>,
    /// The minor number.
    pub minor: Option<u32>,
    /// What it is about.
    pub access: Access,
}

/// `MINORBITS` of linux/kdev_t.h: a device's number has 12 bits of major and 20 of minor.
const MAJORS: u32 = 1 << 12;
const MINORS: u32 = 1 << 20;

impl Rule {
    pub(super) fn parse(rule: &DeviceRule, field: &str) -> Result<Self, Error> {
        let kind = match rule.kind.as_deref() {
            None | Some("" | "a") => None,
            Some("b") => Some(Kind::Block),
            Some("c") => Some(Kind::Character),
            Some(other) => {
                return Err(Error::spec(format!("{field}.type"), format!("must be a, b or c; it is {other:?}")));
            }
        };
        let number = |number: Option<i64>, name: &str, limit: u32| match number {
            None | Some(-1) => Ok(None),
            Some(number) => match u32::try_from(number) {
                Ok(number) if number < limit => Ok(Some(number)),
                _ => Err(Error::spec(
                    format!("{field}.{name}"),
                    format!("must be below {limit}, or -1 for all; it is {number}"),
                )),
            },
        };
        let access = match rule.access.as_deref() {
            None => Access::ALL,
            Some(text) => Access::parse(text).filter(|access| !access.is_empty()).ok_or_else(|| {
                Error::spec(format!("{field}.access"), format!("must have letters of \"rwm\" only; it is {text:?}"))
            })?,
        };
        let (major, minor) = (number(rule.major, "major", MAJORS)?, number(rule.minor, "minor", MINORS)?);
        Ok(Self { allow: rule.allow, kind, major, minor, access })
    }

    /// Whether no access is outside of it.
    pub(super) fn is_about_everything(&self) -> bool {
        self.kind.is_none() && self.major.is_none() && self.minor.is_none() && self.access == Access::ALL
    }
}

const fn making(kind: Kind) -> Rule {
    Rule { allow: true, kind: Some(kind), major: None, minor: None, access: Access::MAKE }
}

const fn character(major: u32, minor: Option<u32>) -> Rule {
    Rule { allow: true, kind: Some(Kind::Character), major: Some(major), minor, access: Access::ALL }
}

/// What every container may do: Linux's Documentation/admin-guide/devices.txt. Making a device file is harmless, for
/// what is in it is asked when it is opened.
pub(super) const USUAL: [Rule; 11] = [
    making(Kind::Character),
    making(Kind::Block),
    character(1, Some(3)), // null
    character(1, Some(5)), // zero
    character(1, Some(7)), // full
    character(1, Some(8)), // random
    character(1, Some(9)), // urandom
    character(5, Some(0)), // tty
    character(5, Some(1)), // console
    character(5, Some(2)), // ptmx
    character(136, None),  // pts/*
];
