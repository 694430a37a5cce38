//! Limits in systemd's words, from what is written to the files: systemd.resource-control(5) for version 2, and for version
//! 1, whose words are no longer in it, org.freedesktop.systemd1(5). Pure.
//!
//! What systemd has no word for is in the files alone.

use std::fmt;

use crate::cgroup::resources::Write;

/// What a property is set to, by its type on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `t`
    Number(u64),
    /// `ay`
    Bytes(Vec<u8>),
    /// `a(st)`: paths of devices, and a number for each.
    Devices(Vec<(String, u64)>),
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{}", shown(*number)),
            Self::Bytes(bytes) => bytes.iter().rev().try_for_each(|byte| write!(formatter, "{byte:02x}")),
            Self::Devices(devices) => {
                devices.iter().try_for_each(|(device, number)| write!(formatter, "[{device} {}]", shown(*number)))
            }
        }
    }
}

fn shown(number: u64) -> String {
    if number == NO_LIMIT { "infinity".into() } else { number.to_string() }
}

/// A property's name and what it is set to.
pub type Property = (&'static str, Value);

/// `CGROUP_LIMIT_MAX` and `USEC_INFINITY` of systemd: no limit.
const NO_LIMIT: u64 = u64::MAX;

/// Beside the container's there is the keeper.
const KEEPERS: u64 = 1;

/// systemd has a time per second.
const SECOND_US: u64 = 1_000_000;

/// The kernel's period, where none is asked for.
const USUAL_PERIOD_US: u64 = 100_000;

/// systemd has hundredths of a processor: 10 ms a second. Rounded up, for the exact limit is the file's.
const QUOTA_STEP_US: u64 = 10_000;

/// The properties of a scope whose container's limits are these.
#[must_use]
pub fn properties<'w>(writes: impl Iterator<Item = &'w Write>) -> Vec<Property> {
    let mut found: Vec<Property> = Vec::new();
    let mut quota = Quota::default();
    for (file, text) in writes.flat_map(|write| &write.files) {
        let Some((name, value)) = quota.property(file, text).or_else(|| property(file, text)) else { continue };
        match found.iter_mut().find(|(known, _)| *known == name) {
            // Later ones go before earlier ones, as in the files; devices are added to.
            Some((_, Value::Devices(devices))) => {
                if let Value::Devices(more) = value {
                    devices.extend(more);
                }
            }
            Some((_, known)) => *known = value,
            None => found.push((name, value)),
        }
    }
    found
}

fn property(file: &str, text: &str) -> Option<Property> {
    let bytes = |name| Some((name, Value::Number(amount(text)?)));
    match file {
        "cpu.weight" => bytes("CPUWeight"),
        "cpu.shares" => bytes("CPUShares"),
        "cpuset.cpus" => Some(("AllowedCPUs", Value::Bytes(mask(text)?))),
        "cpuset.mems" => Some(("AllowedMemoryNodes", Value::Bytes(mask(text)?))),
        "memory.limit_in_bytes" => bytes("MemoryLimit"),
        "memory.max" => bytes("MemoryMax"),
        "memory.high" => bytes("MemoryHigh"),
        "memory.low" => bytes("MemoryLow"),
        "memory.min" => bytes("MemoryMin"),
        "memory.swap.max" => bytes("MemorySwapMax"),
        "pids.max" => Some(("TasksMax", Value::Number(amount(text)?.saturating_add(KEEPERS)))),
        "io.weight" => match text.split_once(' ') {
            None | Some(("default", _)) => {
                let weight = text.rsplit(' ').next()?;
                Some(("IOWeight", Value::Number(amount(weight)?)))
            }
            Some((device, weight)) => Some(("IODeviceWeight", devices(device, amount(weight)?))),
        },
        "io.max" => {
            let (device, limit) = text.split_once(' ')?;
            let (key, limit) = limit.split_once('=')?;
            let name = match key {
                "rbps" => "IOReadBandwidthMax",
                "wbps" => "IOWriteBandwidthMax",
                "riops" => "IOReadIOPSMax",
                "wiops" => "IOWriteIOPSMax",
                _ => return None,
            };
            Some((name, devices(device, amount(limit)?)))
        }
        "blkio.weight" => bytes("BlockIOWeight"),
        "blkio.weight_device" => Some(("BlockIODeviceWeight", device(text)?)),
        "blkio.throttle.read_bps_device" => Some(("BlockIOReadBandwidth", device(text)?)),
        "blkio.throttle.write_bps_device" => Some(("BlockIOWriteBandwidth", device(text)?)),
        _ => None,
    }
}

/// Version 2 calls no limit `max`, version 1 -1.
fn amount(text: &str) -> Option<u64> {
    if matches!(text, "max" | "-1") { Some(NO_LIMIT) } else { text.parse().ok() }
}

/// Time on processors, from files of which each says a part.
struct Quota {
    quota_us: Option<u64>,
    period_us: u64,
}

impl Default for Quota {
    fn default() -> Self {
        Self { quota_us: None, period_us: USUAL_PERIOD_US }
    }
}

impl Quota {
    /// The property, with what was written before.
    fn property(&mut self, file: &str, text: &str) -> Option<Property> {
        let (quota, period) = match (file, text.split_once(' ')) {
            ("cpu.max", Some((quota, period))) => (Some(quota), Some(period)),
            ("cpu.max" | "cpu.cfs_quota_us", _) => (Some(text), None),
            ("cpu.cfs_period_us", _) => (None, Some(text)),
            _ => return None,
        };
        if let Some(quota) = quota {
            self.quota_us = amount(quota);
        }
        if let Some(period) = period {
            self.period_us = period.parse().unwrap_or(0);
        }
        Some(("CPUQuotaPerSecUSec", Value::Number(self.per_second()?)))
    }

    fn per_second(&self) -> Option<u64> {
        let quota = self.quota_us?;
        if quota == NO_LIMIT {
            return Some(NO_LIMIT);
        }
        let per_second = (u128::from(quota) * u128::from(SECOND_US)).checked_div(self.period_us.into())?;
        u64::try_from(per_second).ok()?.checked_next_multiple_of(QUOTA_STEP_US)
    }
}

/// `MAJOR:MINOR AMOUNT`; 0: no limit.
fn device(text: &str) -> Option<Value> {
    let (device, limit) = text.split_once(' ')?;
    Some(devices(device, amount(limit).map(|limit| if limit == 0 { NO_LIMIT } else { limit })?))
}

fn devices(numbers: &str, amount: u64) -> Value {
    Value::Devices(vec![(format!("/dev/block/{numbers}"), amount)])
}

/// A list such as `0-3,7` as bits, the first in the lowest of the first byte.
fn mask(list: &str) -> Option<Vec<u8>> {
    /// `CONFIG_NR_CPUS` is 8192 at most.
    const MOST: usize = 8192;
    let mut mask = Vec::new();
    for range in list.split(',').filter(|range| !range.is_empty()) {
        let (start, end) = range.split_once('-').unwrap_or((range, range));
        let (first, end): (usize, usize) = (start.trim().parse().ok()?, end.trim().parse().ok()?);
        for bit in first..=end.min(MOST) {
            mask.resize(mask.len().max(bit / 8 + 1), 0);
            mask[bit / 8] |= 1 << (bit % 8);
        }
    }
    Some(mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::resources::{Resources, Version, writes};

    fn all(resources: &str) -> String {
        of(resources, Version::Two)
    }

    fn of(resources: &str, version: Version) -> String {
        let resources: Resources = serde_json::from_str(resources).unwrap();
        let writes = writes(&resources, |_| version).unwrap();
        let properties = properties(writes.iter());
        properties.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_limit_that_systemd_has_a_word_for_is_a_property() {
        let cases = [
            (
                r#"{"memory": {"limit": 1048576, "swap": 3145728, "reservation": 4096}}"#,
                "MemoryMax=1048576 MemorySwapMax=2097152 MemoryLow=4096",
            ),
            (r#"{"memory": {"limit": -1, "swap": -1}}"#, "MemoryMax=infinity MemorySwapMax=infinity"),
            (
                r#"{"cpu": {"shares": 2048, "quota": 50000, "period": 100000}}"#,
                "CPUWeight=79 CPUQuotaPerSecUSec=500000",
            ),
            (r#"{"cpu": {"quota": 25000}}"#, "CPUQuotaPerSecUSec=250000"),
            (r#"{"cpu": {"quota": 1234, "period": 100000}}"#, "CPUQuotaPerSecUSec=20000"),
            (r#"{"cpu": {"quota": -1}}"#, "CPUQuotaPerSecUSec=infinity"),
            (r#"{"cpu": {"cpus": "0-3,8", "mems": "0"}}"#, "AllowedCPUs=010f AllowedMemoryNodes=01"),
            (r#"{"pids": {"limit": 20}}"#, "TasksMax=21"),
            (r#"{"pids": {"limit": 0}}"#, "TasksMax=1"),
            (r#"{"pids": {"limit": -1}}"#, "TasksMax=infinity"),
            (r#"{"blockIO": {"weight": 500}}"#, "IOWeight=4950"),
            (
                r#"{"blockIO": {"throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 7}, {"major": 8, "minor": 16, "rate": 0}],
                    "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 9}]}}"#,
                "IOReadBandwidthMax=[/dev/block/8:0 7][/dev/block/8:16 infinity] IOWriteIOPSMax=[/dev/block/8:0 9]",
            ),
            (
                r#"{"unified": {"memory.high": "5", "memory.max": "max", "pids.max": "3"}}"#,
                "MemoryHigh=5 MemoryMax=infinity TasksMax=4",
            ),
        ];
        for (resources, properties) in cases {
            assert_eq!(all(resources), properties, "{resources}");
        }
    }

    #[test]
    fn version_1_has_words_of_its_own() {
        let cases = [
            (r#"{"memory": {"limit": 1048576, "swap": 3145728, "reservation": 4096}}"#, "MemoryLimit=1048576"),
            (r#"{"memory": {"limit": -1}, "pids": {"limit": 20}}"#, "MemoryLimit=infinity TasksMax=21"),
            (
                r#"{"cpu": {"shares": 2048, "quota": 50000, "period": 200000}}"#,
                "CPUShares=2048 CPUQuotaPerSecUSec=250000",
            ),
            (r#"{"cpu": {"quota": 25000}}"#, "CPUQuotaPerSecUSec=250000"),
            (r#"{"cpu": {"quota": -1, "period": 5000}}"#, "CPUQuotaPerSecUSec=infinity"),
            (r#"{"cpu": {"period": 50000}}"#, ""),
            (
                r#"{"blockIO": {"weight": 500, "weightDevice": [{"major": 8, "minor": 0, "weight": 300}],
                    "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 7}, {"major": 8, "minor": 16, "rate": 0}],
                    "throttleWriteIOPSDevice": [{"major": 8, "minor": 0, "rate": 9}]}}"#,
                "BlockIOWeight=500 BlockIODeviceWeight=[/dev/block/8:0 300] \
                    BlockIOReadBandwidth=[/dev/block/8:0 7][/dev/block/8:16 infinity]",
            ),
        ];
        for (resources, properties) in cases {
            assert_eq!(of(resources, Version::One), properties, "{resources}");
        }
    }

    #[test]
    fn a_period_that_is_known_goes_with_a_new_quota() {
        let write = |file: &str, text: &str| Write::new("cpu", file, text, "cpu");
        let v1 =
            [write("cpu.cfs_period_us", "50000"), write("cpu.cfs_quota_us", "-1"), write("cpu.cfs_quota_us", "25000")];
        let v2 = [write("cpu.max", "max 50000"), write("cpu.max", "25000")];
        for writes in [&v1[..], &v2] {
            assert_eq!(properties(writes.iter()), [("CPUQuotaPerSecUSec", Value::Number(500_000))]);
        }
    }

    #[test]
    fn what_it_has_none_for_or_what_is_no_number_is_left_to_the_files() {
        let resources = r#"{"cpu": {"burst": 1, "idle": 1}, "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
            "unified": {"memory.high": "60M", "cpu.max": "1 0", "cpuset.cpus": "a-b", "io.max": "x", "memory.oom.group": "1"}}"#;
        assert_eq!(all(resources), "");
    }

    #[test]
    fn a_later_one_goes_before_an_earlier_one() {
        assert_eq!(all(r#"{"memory": {"limit": 4096}, "unified": {"memory.max": "8192"}}"#), "MemoryMax=8192");
    }
}
