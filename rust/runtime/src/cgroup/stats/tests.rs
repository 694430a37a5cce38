//! What the files of both versions tell.

use super::*;

fn files<'f>(files: &'f [(&'f str, &'f str)]) -> impl Fn(&str) -> Option<String> + 'f {
    move |name| files.iter().find(|(file, _)| *file == name).map(|(_, text)| (*text).to_string())
}

#[test]
fn processors_are_told_in_microseconds_by_both_versions() {
    let v2 = "usage_usec 5000\nuser_usec 3000\nsystem_usec 2000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 700\n";
    let of_v1 =
        [("cpuacct.usage", "5000123\n"), ("cpuacct.usage_user", "3000000\n"), ("cpuacct.usage_sys", "2000000\n")];
    let stat = "nr_periods 10\nnr_throttled 4\nthrottled_time 700000\n";
    let wanted =
        Cpu { usage_us: 5000, user_us: 3000, system_us: 2000, periods: 10, throttled_periods: 4, throttled_us: 700 };
    assert_eq!(cpu_v2(v2, None), wanted);
    assert_eq!(cpu_v2("usage_usec 1\n", Some(v2)).throttled_us, wanted.throttled_us);
    assert_eq!(cpu_v1(files(&of_v1), Some(stat), None), Some(wanted));
}

#[test]
fn memory_has_no_limit_where_none_was_set() {
    let v1 = [
        ("memory.usage_in_bytes", "4096\n"),
        ("memory.max_usage_in_bytes", "8192\n"),
        ("memory.limit_in_bytes", "9223372036854771712\n"),
        ("memory.memsw.usage_in_bytes", "5096\n"),
        ("memory.failcnt", "3\n"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
    ];
    let v2 = [
        ("memory.current", "4096\n"),
        ("memory.peak", "8192\n"),
        ("memory.max", "max\n"),
        ("memory.swap.current", "1000\n"),
        ("memory.events", "low 0\nhigh 0\nmax 3\noom 1\noom_kill 1\noom_group_kill 0\n"),
    ];
    let wanted = Memory {
        current_bytes: 4096,
        peak_bytes: Some(8192),
        limit_bytes: None,
        swap_bytes: Some(1000),
        limit_hits: 3,
        oom_kills: 1,
    };
    assert_eq!(memory_v1(files(&v1)), Some(wanted));
    assert_eq!(memory_v2(files(&v2)), Some(wanted));
    assert_eq!(memory_v2(files(&[])), None);
    // Its cgroup is being removed.
    let read_before = v1.map(|(file, text)| if file == "memory.oom_control" { ("", "") } else { (file, text) });
    assert_eq!(memory_v1(files(&read_before)), None);
}

#[test]
fn devices_and_pressure_are_read() {
    let wanted = Io { read_bytes: 4096, write_bytes: 512, reads: 2, writes: 1 };
    let v1 = [
        (
            "blkio.throttle.io_service_bytes",
            "8:0 Read 4096\n8:0 Write 512\n8:0 Sync 4608\n8:0 Total 4608\nTotal 4608\n",
        ),
        ("blkio.throttle.io_serviced", "8:0 Read 2\n8:0 Write 1\nTotal 3\n"),
    ];
    assert_eq!(io_v1(files(&v1)), Some([("8:0".to_string(), wanted)].into()));
    let v2 = "8:0 rbytes=4096 wbytes=512 rios=2 wios=1 dbytes=0 dios=0\n8:16 \n";
    assert_eq!(io_v2(v2).get("8:0"), Some(&wanted));
    assert_eq!(some_total("some avg10=0.00 avg60=0.00 avg300=0.00 total=77\nfull avg10=0.00 total=1\n"), Some(77));
}
