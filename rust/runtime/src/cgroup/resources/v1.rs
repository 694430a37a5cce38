//! What version 1 has files for: Linux's Documentation/admin-guide/cgroup-v1/.

use super::write::Write;
use super::{BlockIo, Cpu, Memory, Network};

/// The kernel's own memory is counted with all other since Linux 5.16, and its limit is gone: `kernel` is passed over.
pub(super) fn memory(memory: &Memory, writes: &mut Vec<Write>) {
    let mut write = |file: &str, text: String, field: &str| {
        writes.push(Write::new("memory", &format!("memory.{file}"), text, &format!("memory.{field}")));
    };
    if memory.use_hierarchy == Some(true) {
        write("use_hierarchy", "1".into(), "useHierarchy");
    }
    // Memory before memory and swap, which is never below it.
    let amounts = [
        (memory.limit, "limit_in_bytes", "limit"),
        (memory.swap, "memsw.limit_in_bytes", "swap"),
        (memory.reservation, "soft_limit_in_bytes", "reservation"),
        (memory.kernel_tcp, "kmem.tcp.limit_in_bytes", "kernelTCP"),
    ];
    for (amount, file, field) in amounts {
        if let Some(amount) = amount.filter(|amount| *amount != 0) {
            write(file, amount.to_string(), field);
        }
    }
    if let Some(swappiness) = memory.swappiness {
        write("swappiness", swappiness.to_string(), "swappiness");
    }
    if let Some(disable) = memory.disable_oom_killer {
        write("oom_control", u8::from(disable).to_string(), "disableOOMKiller");
    }
}

pub(super) fn cpu(cpu: &Cpu, writes: &mut Vec<Write>) {
    let mut write = |file: &str, amount: Option<i128>, field: &str| {
        if let Some(amount) = amount {
            writes.push(Write::new("cpu", &format!("cpu.{file}"), amount, &format!("cpu.{field}")));
        }
    };
    write("shares", cpu.shares.filter(|shares| *shares != 0).map(i128::from), "shares");
    // The period first: the quota has to fit it.
    write("cfs_period_us", cpu.period.filter(|period| *period != 0).map(i128::from), "period");
    write("cfs_quota_us", cpu.quota.filter(|quota| *quota != 0).map(i128::from), "quota");
    write("cfs_burst_us", cpu.burst.map(i128::from), "burst");
    write("rt_period_us", cpu.realtime_period.filter(|period| *period != 0).map(i128::from), "realtimePeriod");
    write("rt_runtime_us", cpu.realtime_runtime.filter(|time| *time != 0).map(i128::from), "realtimeRuntime");
    write("idle", cpu.idle.map(i128::from), "idle");
}

pub(super) fn cpuset(cpu: &Cpu, writes: &mut Vec<Write>) {
    super::v2::cpuset(cpu, writes);
}

pub(super) fn block_io(io: &BlockIo, writes: &mut Vec<Write>) {
    let field = |name: &str| format!("blockIO.{name}");
    if let Some(weight) = io.weight.filter(|weight| *weight != 0) {
        writes.push(Write::new("io", "blkio.weight", weight, &field("weight")).or("blkio.bfq.weight", weight));
    }
    for (index, device) in io.weight_device.iter().enumerate() {
        if let Some(weight) = device.weight {
            let text = format!("{}:{} {weight}", device.major, device.minor);
            let field = field(&format!("weightDevice[{index}]"));
            writes.push(Write::new("io", "blkio.weight_device", &text, &field).or("blkio.bfq.weight_device", &text));
        }
    }
    let throttled = [
        ("read_bps", &io.throttle_read_bps_device, "throttleReadBpsDevice"),
        ("write_bps", &io.throttle_write_bps_device, "throttleWriteBpsDevice"),
        ("read_iops", &io.throttle_read_iops_device, "throttleReadIOPSDevice"),
        ("write_iops", &io.throttle_write_iops_device, "throttleWriteIOPSDevice"),
    ];
    for (file, devices, name) in throttled {
        for (index, device) in devices.iter().enumerate() {
            let text = format!("{}:{} {}", device.major, device.minor, device.rate);
            let file = format!("blkio.throttle.{file}_device");
            writes.push(Write::new("io", &file, text, &field(&format!("{name}[{index}]"))));
        }
    }
}

/// Version 2 has no such controllers: there it is asked for in vain.
pub(super) fn network(network: &Network, writes: &mut Vec<Write>) {
    if let Some(class) = network.class_id.filter(|class| *class != 0) {
        writes.push(Write::new("net_cls", "net_cls.classid", class, "network.classID"));
    }
    for (index, priority) in network.priorities.iter().enumerate() {
        let text = format!("{} {}", priority.name, priority.priority);
        writes.push(Write::new("net_prio", "net_prio.ifpriomap", text, &format!("network.priorities[{index}]")));
    }
}
