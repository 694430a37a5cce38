//! What a cgroup has used: the files' texts, and what is read from them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::file::{number_of, read_at_once};
use super::place::Place;

/// What the processes of a cgroup use and have used, those that have ended too; what this host does not tell is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Processors.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Processes.
    pub pids: Option<Pids>,
    /// Block devices, by `MAJOR:MINOR`.
    pub io: Option<BTreeMap<String, Io>>,
    /// How long its processes waited because something was short; version 2.
    pub pressure: Option<Pressure>,
}

/// Time on processors in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cpu {
    /// All of it.
    pub usage_us: u64,
    /// In programs' own code.
    pub user_us: u64,
    /// In the kernel.
    pub system_us: u64,
    /// Periods in which it had something to do, where its time is limited.
    pub periods: u64,
    /// Those of them in which it had to stop.
    pub throttled_periods: u64,
    /// How long it had to.
    pub throttled_us: u64,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Memory {
    /// Now.
    pub current_bytes: u64,
    /// At most so far.
    pub peak_bytes: Option<u64>,
    /// The limit; absent: there is none.
    pub limit_bytes: Option<u64>,
    /// In swap now.
    pub swap_bytes: Option<u64>,
    /// How often the limit was met.
    pub limit_hits: u64,
    /// How many processes were killed because no memory was left.
    pub oom_kills: u64,
}

/// Processes and threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pids {
    /// Now.
    pub current: u64,
    /// At most so far.
    pub peak: Option<u64>,
    /// The limit; absent: there is none.
    pub limit: Option<u64>,
    /// How often one could not be made for the limit.
    pub limit_hits: u64,
}

/// Of one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Io {
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Bytes that were written.
    pub write_bytes: u64,
    /// How often something was read.
    pub reads: u64,
    /// How often something was written.
    pub writes: u64,
}

/// Microseconds in which some of the processes waited for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pressure {
    /// For a processor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_us: Option<u64>,
    /// For memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_us: Option<u64>,
    /// For a device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_us: Option<u64>,
}

/// What a cgroup has used in all, as a program's end tells of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Used {
    /// Bytes at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_peak_bytes: Option<u64>,
    /// In programs' own code, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_user_us: Option<u64>,
    /// In the kernel, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_system_us: Option<u64>,
    /// How long a limit on processors made it stop, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throttled_us: Option<u64>,
    /// Processes and threads at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pids_peak: Option<u64>,
    /// Bytes read from block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_read_bytes: Option<u64>,
    /// Bytes written to block devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub io_write_bytes: Option<u64>,
    /// How many of its processes were killed because no memory was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oom_kills: Option<u64>,
    /// How long its processes waited because something was short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pressure: Option<Pressure>,
    /// Why the cgroup is still there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

impl Stats {
    /// In all.
    #[must_use]
    pub fn summary(&self) -> Used {
        let io = |of: fn(&Io) -> u64| self.io.as_ref().map(|devices| devices.values().map(of).sum());
        Used {
            memory_peak_bytes: self.memory.and_then(|memory| memory.peak_bytes),
            cpu_user_us: self.cpu.map(|cpu| cpu.user_us),
            cpu_system_us: self.cpu.map(|cpu| cpu.system_us),
            throttled_us: self.cpu.map(|cpu| cpu.throttled_us),
            pids_peak: self.pids.and_then(|pids| pids.peak),
            io_read_bytes: io(|io| io.read_bytes),
            io_write_bytes: io(|io| io.write_bytes),
            oom_kills: self.memory.map(|memory| memory.oom_kills),
            pressure: self.pressure,
            left: None,
        }
    }
}

/// Files that have nothing for [`Used`].
const NOT_IN_ALL: [&str; 12] = [
    "memory.current",
    "memory.max",
    "memory.swap.current",
    "memory.usage_in_bytes",
    "memory.limit_in_bytes",
    "memory.memsw.usage_in_bytes",
    "memory.failcnt",
    "pids.current",
    "pids.max",
    "pids.events",
    "blkio.throttle.io_serviced_recursive",
    "blkio.throttle.io_serviced",
];

impl Place {
    /// What its processes use and have used.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.look(|_| true)
    }

    /// What its processes have used in all, once they have ended.
    #[must_use]
    pub fn used(&self) -> Used {
        self.look(|file| !NOT_IN_ALL.contains(&file)).summary()
    }

    fn look(&self, is_wanted: impl Fn(&str) -> bool) -> Stats {
        let unified = self.unified();
        let text = |folder: Option<&Path>, file: &str| {
            folder.filter(|_| is_wanted(file)).and_then(|folder| read_at_once(&folder.join(file)).ok())
        };
        let v1 = |controller: &str| self.legacy(controller);
        let around = |folder: Option<&Path>| text(self.scope_of(folder), "cpu.stat");
        let cpu = match v1("cpuacct") {
            Some(folder) => {
                let stat = text(v1("cpu"), "cpu.stat");
                cpu_v1(|file| text(Some(folder), file), stat.as_deref(), around(v1("cpu")).as_deref())
            }
            None => text(unified, "cpu.stat").map(|stat| cpu_v2(&stat, around(unified).as_deref())),
        };
        let memory = match v1("memory") {
            Some(folder) => memory_v1(|file| text(Some(folder), file)),
            None => memory_v2(|file| text(unified, file)),
        };
        let pids = v1("pids").or(unified);
        let io = match v1("blkio") {
            Some(folder) => io_v1(|file| text(Some(folder), file)),
            None => text(unified, "io.stat").map(|stat| io_v2(&stat)),
        };
        let pressure = |file| text(unified, file).and_then(|text| some_total(&text));
        let pressure = Pressure {
            cpu_us: pressure("cpu.pressure"),
            memory_us: pressure("memory.pressure"),
            io_us: pressure("io.pressure"),
        };
        let is_told = pressure != Pressure::default();
        Stats { cpu, memory, pids: pids_of(|file| text(pids, file)), io, pressure: is_told.then_some(pressure) }
    }

    /// The time on processors in microseconds; `None` where nothing tells of it.
    #[must_use]
    pub fn cpu_us(&self) -> Option<u64> {
        match self.legacy("cpuacct") {
            Some(folder) => number(&read_at_once(&folder.join("cpuacct.usage")).ok()?).map(|time| time / 1000),
            None => number_of(&read_at_once(&self.unified()?.join("cpu.stat")).ok()?, "usage_usec"),
        }
    }
}

fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

fn cpu_v1(text: impl Fn(&str) -> Option<String>, stat: Option<&str>, scope: Option<&str>) -> Option<Cpu> {
    let nanoseconds = |file: &str| text(file).and_then(|text| number(&text)).map(|time| time / 1000);
    let of = |key: &str| in_all(stat, scope, key);
    let usage_us = nanoseconds("cpuacct.usage")?;
    // These are sampled at the timer's ticks, and only good for what part of the whole each is.
    let (user, system) =
        (nanoseconds("cpuacct.usage_user").unwrap_or(0), nanoseconds("cpuacct.usage_sys").unwrap_or(0));
    let part = u128::from(usage_us) * u128::from(system) / u128::from((user + system).max(1));
    let system_us = u64::try_from(part).unwrap_or(usage_us);
    Some(Cpu {
        usage_us,
        user_us: usage_us - system_us,
        system_us,
        periods: of("nr_periods"),
        throttled_periods: of("nr_throttled"),
        throttled_us: of("throttled_time") / 1000,
    })
}

/// Where there is a scope around it, with the same limit, it is that one that is stopped.
fn in_all(stat: Option<&str>, scope: Option<&str>, key: &str) -> u64 {
    let of = |stat: Option<&str>| stat.and_then(|stat| number_of(stat, key)).unwrap_or(0);
    of(stat).max(of(scope))
}

fn cpu_v2(stat: &str, scope: Option<&str>) -> Cpu {
    let of = |key| number_of(stat, key).unwrap_or(0);
    let in_all = |key| in_all(Some(stat), scope, key);
    Cpu {
        usage_us: of("usage_usec"),
        user_us: of("user_usec"),
        system_us: of("system_usec"),
        periods: in_all("nr_periods"),
        throttled_periods: in_all("nr_throttled"),
        throttled_us: in_all("throttled_usec"),
    }
}

/// What version 1 says where there is no limit: as many pages as fit, in bytes; no machine has 2^60.
const NO_LIMIT: u64 = 1 << 60;

fn memory_v1(text: impl Fn(&str) -> Option<String>) -> Option<Memory> {
    let of = |file: &str| text(file).and_then(|text| number(&text));
    // Read first and needed: of a cgroup that is removed meanwhile nothing is told, rather than that all went well.
    let oom_kills = number_of(&text("memory.oom_control")?, "oom_kill").unwrap_or(0);
    let peak_bytes = of("memory.max_usage_in_bytes")?;
    let current_bytes = of("memory.usage_in_bytes").unwrap_or(0);
    Some(Memory {
        current_bytes,
        peak_bytes: Some(peak_bytes),
        limit_bytes: of("memory.limit_in_bytes").filter(|limit| *limit < NO_LIMIT),
        swap_bytes: of("memory.memsw.usage_in_bytes").map(|both| both.saturating_sub(current_bytes)),
        limit_hits: of("memory.failcnt").unwrap_or(0),
        oom_kills,
    })
}

fn memory_v2(text: impl Fn(&str) -> Option<String>) -> Option<Memory> {
    let of = |file: &str| text(file).and_then(|text| number(&text));
    let events = text("memory.events")?;
    Some(Memory {
        current_bytes: of("memory.current").unwrap_or(0),
        peak_bytes: of("memory.peak"),
        // "max" is no number.
        limit_bytes: of("memory.max"),
        swap_bytes: of("memory.swap.current"),
        limit_hits: number_of(&events, "max").unwrap_or(0),
        oom_kills: number_of(&events, "oom_kill").unwrap_or(0),
    })
}

fn pids_of(text: impl Fn(&str) -> Option<String>) -> Option<Pids> {
    let of = |file: &str| text(file).and_then(|text| number(&text));
    let peak = of("pids.peak");
    Some(Pids {
        current: of("pids.current").or(peak)?,
        peak,
        limit: of("pids.max"),
        limit_hits: text("pids.events").and_then(|text| number_of(&text, "max")).unwrap_or(0),
    })
}

/// `8:0 Read 4096`; the recursive files count what is below too, as version 2 does.
fn io_v1(text: impl Fn(&str) -> Option<String>) -> Option<BTreeMap<String, Io>> {
    let bytes =
        text("blkio.throttle.io_service_bytes_recursive").or_else(|| text("blkio.throttle.io_service_bytes"))?;
    let counts = text("blkio.throttle.io_serviced_recursive").or_else(|| text("blkio.throttle.io_serviced"));
    let mut devices: BTreeMap<String, Io> = BTreeMap::new();
    for (text, is_bytes) in [(bytes.as_str(), true), (counts.as_deref().unwrap_or_default(), false)] {
        for line in text.lines() {
            let mut words = line.split(' ');
            let (Some(device), Some(what), Some(amount)) = (words.next(), words.next(), words.next()) else { continue };
            let Some(amount) = number(amount) else { continue };
            let io = devices.entry(device.into()).or_default();
            match (what, is_bytes) {
                ("Read", true) => io.read_bytes = amount,
                ("Write", true) => io.write_bytes = amount,
                ("Read", false) => io.reads = amount,
                ("Write", false) => io.writes = amount,
                _ => {}
            }
        }
    }
    Some(devices)
}

/// `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`.
fn io_v2(stat: &str) -> BTreeMap<String, Io> {
    let device = |line: &str| {
        let (device, rest) = line.split_once(' ')?;
        let of = |key: &str| {
            let pairs = rest.split(' ').filter_map(|pair| pair.split_once('='));
            pairs.filter(|(name, _)| *name == key).find_map(|(_, amount)| number(amount)).unwrap_or(0)
        };
        let io = Io { read_bytes: of("rbytes"), write_bytes: of("wbytes"), reads: of("rios"), writes: of("wios") };
        Some((device.to_string(), io))
    };
    stat.lines().filter_map(device).collect()
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=1234`.
fn some_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    line.split(' ').find_map(|pair| number(pair.strip_prefix("total=")?))
}

#[cfg(test)]
mod tests;
