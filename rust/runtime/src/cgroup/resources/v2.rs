//! What version 2 has files for: Linux's Documentation/admin-guide/cgroup-v2.rst; what OCI says in version 1's terms is
//! converted.

use super::write::Write;
use super::{BlockIo, Cpu, Memory};
use crate::error::Error;

/// The kernel's period, where none is asked for.
const USUAL_PERIOD_US: u64 = 100_000;

/// `kernel`, `kernelTCP`, `swappiness`, `useHierarchy` and `disableOOMKiller` have no counterpart and are passed over, as
/// runc and crun do.
pub(super) fn memory(memory: &Memory, writes: &mut Vec<Write>) {
    let mut write = |file: &str, amount: i64, field: &str| {
        let text = if amount < 0 { "max".into() } else { amount.to_string() };
        writes.push(Write::new("memory", file, text, &format!("memory.{field}")));
    };
    let limit = memory.limit.filter(|limit| *limit != 0);
    if let Some(limit) = limit {
        write("memory.max", limit, "limit");
    }
    // OCI's swap has memory in it, the kernel's has not.
    match (memory.swap.filter(|swap| *swap != 0), limit) {
        (Some(-1), _) => write("memory.swap.max", -1, "swap"),
        (Some(swap), Some(limit)) => write("memory.swap.max", if limit < 0 { -1 } else { swap - limit }, "swap"),
        _ => {}
    }
    if let Some(reservation) = memory.reservation.filter(|reservation| *reservation != 0) {
        write("memory.low", reservation, "reservation");
    }
}

pub(super) fn cpu(cpu: &Cpu, writes: &mut Vec<Write>) -> Result<(), Error> {
    let is_realtime = cpu.realtime_runtime.is_some_and(|time| time != 0);
    if is_realtime || cpu.realtime_period.is_some_and(|period| period != 0) {
        let field = if is_realtime { "realtimeRuntime" } else { "realtimePeriod" };
        let why = "is version 1's alone: version 2 has no limit on real-time scheduling";
        return Err(Error::spec(format!("linux.resources.cpu.{field}"), why));
    }
    let mut write = |file: &str, text: String, field: &str| {
        writes.push(Write::new("cpu", file, text, &format!("cpu.{field}")));
    };
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0) {
        write("cpu.weight", weight(shares).to_string(), "shares");
    }
    let period = cpu.period.filter(|period| *period != 0);
    match (cpu.quota.filter(|quota| *quota != 0), period) {
        (Some(quota), period) if quota < 0 => {
            write("cpu.max", format!("max {}", period.unwrap_or(USUAL_PERIOD_US)), "quota");
        }
        (Some(quota), Some(period)) => write("cpu.max", format!("{quota} {period}"), "quota"),
        (Some(quota), None) => write("cpu.max", quota.to_string(), "quota"),
        (None, Some(period)) => write("cpu.max", format!("max {period}"), "period"),
        (None, None) => {}
    }
    if let Some(burst) = cpu.burst {
        write("cpu.max.burst", burst.to_string(), "burst");
    }
    if let Some(idle) = cpu.idle {
        write("cpu.idle", idle.to_string(), "idle");
    }
    Ok(())
}

/// The files have the same names in both versions.
pub(super) fn cpuset(cpu: &Cpu, writes: &mut Vec<Write>) {
    for (list, name) in [(&cpu.cpus, "cpus"), (&cpu.mems, "mems")] {
        if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
            writes.push(Write::new("cpuset", &format!("cpuset.{name}"), list, &format!("cpu.{name}")));
        }
    }
}

pub(super) fn block_io(io: &BlockIo, writes: &mut Vec<Write>) {
    let field = |name: &str| format!("blockIO.{name}");
    if let Some(weight) = io.weight.filter(|weight| *weight != 0) {
        let write = Write::new("io", "io.bfq.weight", weight, &field("weight"));
        writes.push(write.or("io.weight", format!("default {}", io_weight(weight))));
    }
    for (index, device) in io.weight_device.iter().enumerate() {
        if let Some(weight) = device.weight {
            let (id, field) = (format!("{}:{}", device.major, device.minor), field(&format!("weightDevice[{index}]")));
            let write = Write::new("io", "io.bfq.weight", format!("{id} {weight}"), &field);
            writes.push(write.or("io.weight", format!("{id} {}", io_weight(weight))));
        }
    }
    let throttled = [
        ("rbps", &io.throttle_read_bps_device, "throttleReadBpsDevice"),
        ("wbps", &io.throttle_write_bps_device, "throttleWriteBpsDevice"),
        ("riops", &io.throttle_read_iops_device, "throttleReadIOPSDevice"),
        ("wiops", &io.throttle_write_iops_device, "throttleWriteIOPSDevice"),
    ];
    for (key, devices, name) in throttled {
        for (index, device) in devices.iter().enumerate() {
            let rate = if device.rate == 0 { "max".into() } else { device.rate.to_string() };
            let text = format!("{}:{} {key}={rate}", device.major, device.minor);
            writes.push(Write::new("io", "io.max", text, &field(&format!("{name}[{index}]"))));
        }
    }
}

/// From version 1's 2..262144 to 1..10000, by a straight line: who has twice the shares has twice the weight.
fn weight(shares: u64) -> u64 {
    1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142
}

/// From version 1's 10..1000 to 1..10000.
fn io_weight(weight: u16) -> u64 {
    1 + (u64::from(weight.clamp(10, 1000)) - 10) * 9999 / 990
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_keep_their_ends_and_their_proportions() {
        assert_eq!([2, 1024, 2048, 262_144].map(weight), [1, 39, 79, 10_000]);
        assert_eq!([10, 500, 1000].map(io_weight), [1, 4950, 10_000]);
    }
}
