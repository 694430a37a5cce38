//! From `linux.resources` to what is written to which file: pure.

use std::fmt::{Display, Write as _};

use super::{Resources, v1, v2};
use crate::error::Error;

/// Which version's files a controller has here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// cgroup-v1.
    One,
    /// cgroup-v2.
    Two,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Whose it is.
    pub controller: String,
    /// The file and the text; of several the first file that is there is taken, for kernels differ.
    pub files: Vec<(String, String)>,
    /// Whether it does not matter where none of the files is there.
    pub is_optional: bool,
    /// The field that asks for it.
    pub field: String,
}

impl Write {
    pub(in crate::cgroup) fn new(controller: &str, file: &str, text: impl Display, field: &str) -> Self {
        Self {
            controller: controller.into(),
            files: vec![(file.into(), text.to_string())],
            is_optional: false,
            field: format!("linux.resources.{field}"),
        }
    }

    pub(super) fn or(mut self, file: &str, text: impl Display) -> Self {
        self.files.push((file.into(), text.to_string()));
        self
    }

    pub(super) fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

/// What is written where a controller is of the version that `version_of` says, in this order. Devices are not among
/// it: they are no plain files everywhere.
///
/// # Errors
/// [`Error::Spec`] with the field that cannot be, or that this version lacks.
pub fn writes(resources: &Resources, version_of: impl Fn(&str) -> Version) -> Result<Vec<Write>, Error> {
    check(resources)?;
    let mut writes = Vec::new();
    if let Some(cpu) = &resources.cpu {
        match version_of("cpuset") {
            Version::One => v1::cpuset(cpu, &mut writes),
            Version::Two => v2::cpuset(cpu, &mut writes),
        }
        match version_of("cpu") {
            Version::One => v1::cpu(cpu, &mut writes),
            Version::Two => v2::cpu(cpu, &mut writes)?,
        }
    }
    if let Some(memory) = &resources.memory {
        match version_of("memory") {
            Version::One => v1::memory(memory, &mut writes),
            Version::Two => v2::memory(memory, &mut writes),
        }
    }
    if let Some(limit) = resources.pids.as_ref().and_then(|pids| pids.limit) {
        let text = if limit < 0 { "max".to_string() } else { limit.to_string() };
        writes.push(Write::new("pids", "pids.max", text, "pids.limit"));
    }
    if let Some(block_io) = &resources.block_io {
        match version_of("io") {
            Version::One => v1::block_io(block_io, &mut writes),
            Version::Two => v2::block_io(block_io, &mut writes),
        }
    }
    for (index, limit) in resources.hugepage_limits.iter().enumerate() {
        let (size, field) = (&limit.page_size, format!("hugepageLimits[{index}]"));
        let suffix = if version_of("hugetlb") == Version::One { "limit_in_bytes" } else { "max" };
        writes.push(Write::new("hugetlb", &format!("hugetlb.{size}.{suffix}"), limit.limit, &field));
        // What is reserved and not yet used counts too, since Linux 5.7.
        writes.push(Write::new("hugetlb", &format!("hugetlb.{size}.rsvd.{suffix}"), limit.limit, &field).optional());
    }
    if let Some(network) = &resources.network {
        v1::network(network, &mut writes);
    }
    for (device, limits) in &resources.rdma {
        let mut text = device.clone();
        for (name, limit) in [("hca_handle", limits.hca_handles), ("hca_object", limits.hca_objects)] {
            if let Some(limit) = limit {
                // Writing to a String cannot fail.
                let _ = write!(text, " {name}={limit}");
            }
        }
        writes.push(Write::new("rdma", "rdma.max", text, &format!("rdma.{device}")));
    }
    for (file, text) in &resources.unified {
        let controller = file.split_once('.').map_or("", |(controller, _)| controller);
        writes.push(Write::new(controller, file, text, &format!("unified.{file}")));
    }
    Ok(writes)
}

/// What is wrong on every host.
fn check(resources: &Resources) -> Result<(), Error> {
    let refuse = |field: &str, why: String| Err(Error::spec(format!("linux.resources.{field}"), why));
    if let Some(memory) = &resources.memory {
        let (limit, swap) = (memory.limit.unwrap_or(0), memory.swap.unwrap_or(0));
        let amounts = [("limit", memory.limit), ("reservation", memory.reservation), ("swap", memory.swap)];
        for (name, amount) in amounts {
            if let Some(amount) = amount.filter(|amount| *amount < -1) {
                return refuse(&format!("memory.{name}"), format!("must be bytes, or -1 for no limit; it is {amount}"));
            }
        }
        if swap > 0 && limit <= 0 && memory.limit != Some(-1) {
            return refuse("memory.swap", "is memory and swap together, and needs memory.limit".into());
        }
        if swap > 0 && swap < limit {
            let why = format!("is memory and swap together: at least memory.limit, {limit}; it is {swap}");
            return refuse("memory.swap", why);
        }
        if let Some(swappiness) = memory.swappiness.filter(|swappiness| *swappiness > 100) {
            return refuse("memory.swappiness", format!("must be 0 to 100; it is {swappiness}"));
        }
    }
    if let Some(cpu) = &resources.cpu {
        if let Some(shares) = cpu.shares.filter(|shares| *shares != 0 && !(2..=262_144).contains(shares)) {
            return refuse("cpu.shares", format!("must be 2 to 262144; it is {shares}"));
        }
        if let Some(idle) = cpu.idle.filter(|idle| !(0..=1).contains(idle)) {
            return refuse("cpu.idle", format!("must be 0 or 1; it is {idle}"));
        }
        for (name, list) in [("cpus", &cpu.cpus), ("mems", &cpu.mems)] {
            if list.as_ref().is_some_and(|list| !list.chars().all(|sign| sign.is_ascii_digit() || "-,".contains(sign)))
            {
                return refuse(&format!("cpu.{name}"), format!("must be such as \"0-3,7\"; it is {list:?}"));
            }
        }
    }
    if let Some(weight) = resources.block_io.as_ref().and_then(|io| io.weight)
        && weight != 0
        && !(10..=1000).contains(&weight)
    {
        return refuse("blockIO.weight", format!("must be 10 to 1000; it is {weight}"));
    }
    for (index, limit) in resources.hugepage_limits.iter().enumerate() {
        let digits = limit.page_size.trim_end_matches(|sign: char| sign.is_ascii_uppercase());
        let is_size = !digits.is_empty()
            && digits.chars().all(|sign| sign.is_ascii_digit())
            && matches!(&limit.page_size[digits.len()..], "KB" | "MB" | "GB");
        if !is_size {
            let why = format!("must be such as \"2MB\"; it is {:?}", limit.page_size);
            return refuse(&format!("hugepageLimits[{index}].pageSize"), why);
        }
    }
    for file in resources.unified.keys() {
        if file.contains(['/', '\0']) || !file.contains('.') {
            return refuse(&format!("unified.{file}"), "is no name of a file such as \"memory.high\"".into());
        }
    }
    Ok(())
}
