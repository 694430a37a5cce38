//! `ioMax`, which OCI has other words for.

use crate::cgroup::IoMax;
use crate::cgroup::resources::{Resources, ThrottleDevice};

/// Limits by device in OCI's words.
pub(super) fn add_io_max(resources: &mut Resources, limits: &[IoMax], devices: &[(u64, u64)]) {
    if limits.is_empty() {
        return;
    }
    let io = resources.block_io.get_or_insert_default();
    for (limit, (major, minor)) in limits.iter().zip(devices) {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let one = |rate| ThrottleDevice { major: number(*major), minor: number(*minor), rate };
        io.throttle_read_bps_device.extend(limit.read_bps.map(one));
        io.throttle_write_bps_device.extend(limit.write_bps.map(one));
        io.throttle_read_iops_device.extend(limit.read_iops.map(one));
        io.throttle_write_iops_device.extend(limit.write_iops.map(one));
    }
}
