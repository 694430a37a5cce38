//! The ways to call the kernel: which numbers a call has, and how the kernel names them to a filter.

use super::spec::Architecture;
use super::table::{Row, X};

/// A way to call the kernel, in the order of a row's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Abi {
    /// 64-bit PCs.
    X86_64,
    /// 32-bit PCs.
    X86,
    /// 64-bit PCs with 32-bit pointers.
    X32,
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit ARM, EABI.
    Arm,
    /// 64-bit RISC-V.
    Riscv64,
}

/// An x32 call has x86_64's token and this bit in its number: `__X32_SYSCALL_BIT`.
pub(super) const X32_BIT: u32 = 0x4000_0000;
/// The first of x32's calls that no other ABI has.
pub(super) const X32_OWN: u32 = X32_BIT | 512;

impl Abi {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [Self::X86_64, Self::X32, Self::X86, Self::Aarch64, Self::Arm, Self::Riscv64];

    /// The one that this library is built for, where there is a table for it.
    pub(super) const NATIVE: Option<Self> = if cfg!(all(target_arch = "x86_64", target_pointer_width = "64")) {
        Some(Self::X86_64)
    } else if cfg!(target_arch = "x86") {
        Some(Self::X86)
    } else if cfg!(all(target_arch = "aarch64", target_endian = "little")) {
        Some(Self::Aarch64)
    } else if cfg!(all(target_arch = "arm", target_endian = "little")) {
        Some(Self::Arm)
    } else if cfg!(target_arch = "riscv64") {
        Some(Self::Riscv64)
    } else {
        None
    };

    /// OCI's architecture, where a process of it can run on a machine whose own ABI is `native`.
    pub(super) fn on(native: Self, architecture: Architecture) -> Option<Self> {
        match (native, architecture) {
            (_, Architecture::Native) => Some(native),
            (Self::X86_64, Architecture::X86_64) => Some(Self::X86_64),
            (Self::X86_64, Architecture::X32) => Some(Self::X32),
            (Self::X86_64 | Self::X86, Architecture::X86) => Some(Self::X86),
            (Self::Aarch64, Architecture::Aarch64) => Some(Self::Aarch64),
            (Self::Aarch64 | Self::Arm, Architecture::Arm) => Some(Self::Arm),
            (Self::Riscv64, Architecture::Riscv64) => Some(Self::Riscv64),
            _ => None,
        }
    }

    /// OCI's architecture.
    pub(super) fn architecture(self) -> Option<Architecture> {
        serde_json::from_value(self.name().into()).ok()
    }

    /// OCI's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "SCMP_ARCH_X86_64",
            Self::X32 => "SCMP_ARCH_X32",
            Self::X86 => "SCMP_ARCH_X86",
            Self::Aarch64 => "SCMP_ARCH_AARCH64",
            Self::Arm => "SCMP_ARCH_ARM",
            Self::Riscv64 => "SCMP_ARCH_RISCV64",
        }
    }

    /// The token in `seccomp_data.arch`: `AUDIT_ARCH_*` of linux/audit.h.
    pub(super) fn token(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => 0xc000_003e,
            Self::X86 => 0x4000_0003,
            Self::Aarch64 => 0xc000_00b7,
            Self::Arm => 0x4000_0028,
            Self::Riscv64 => 0xc000_00f3,
        }
    }

    /// Whether a register has 64 bits. x32's have: its calls read all of them.
    pub(super) fn is_wide(self) -> bool {
        !matches!(self, Self::X86 | Self::Arm)
    }

    /// Whether a call of x32's is one of this machine's own with a bit more, as all below 512 are that there are. Numbers
    /// there that only the other has are taken alike: x32 has no call for them.
    pub(super) fn shares(self, number: u32) -> bool {
        self == Self::X32 && number < X32_OWN
    }

    /// The number of a call.
    pub(super) fn number(self, (_, numbers): &Row) -> Option<u32> {
        let number = *numbers.get(self as usize)?;
        let bit = if self == Self::X32 { X32_BIT } else { 0 };
        (number != X).then_some(number | bit)
    }
}
