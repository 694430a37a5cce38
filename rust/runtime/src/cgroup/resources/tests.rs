//! What is written for a `linux.resources`, in both versions.

use super::{Resources, Version, writes};
use crate::error::Error;

const ALL: &str = r#"{
    "memory": {"limit": 67108864, "swap": 100663296, "reservation": 33554432, "swappiness": 10,
               "disableOOMKiller": true, "kernelTCP": 4096, "useHierarchy": true, "kernel": 5},
    "cpu": {"shares": 2048, "quota": 50000, "period": 100000, "burst": 1000, "cpus": "0-1", "mems": "0", "idle": 0},
    "pids": {"limit": 0},
    "blockIO": {"weight": 500, "weightDevice": [{"major": 8, "minor": 0, "weight": 100}],
                "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 1048576}],
                "throttleWriteIOPSDevice": [{"major": 8, "minor": 16, "rate": 0}]},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 4194304}],
    "rdma": {"mlx5_1": {"hcaHandles": 3, "hcaObjects": 10000}, "rxe": {"hcaObjects": 5}}
}"#;

fn written(json: &str, version: Version) -> Result<Vec<String>, Error> {
    let resources: Resources = serde_json::from_str(json).unwrap();
    let line = |(file, text): &(String, String)| format!("{file}={text}");
    let lines = writes(&resources, |_| version)?;
    Ok(lines.iter().map(|write| write.files.iter().map(line).collect::<Vec<_>>().join(" or ")).collect())
}

#[test]
fn version_1_has_a_file_for_each() {
    let wanted = [
        "cpuset.cpus=0-1",
        "cpuset.mems=0",
        "cpu.shares=2048",
        "cpu.cfs_period_us=100000",
        "cpu.cfs_quota_us=50000",
        "cpu.cfs_burst_us=1000",
        "cpu.idle=0",
        "memory.use_hierarchy=1",
        "memory.limit_in_bytes=67108864",
        "memory.memsw.limit_in_bytes=100663296",
        "memory.soft_limit_in_bytes=33554432",
        "memory.kmem.tcp.limit_in_bytes=4096",
        "memory.swappiness=10",
        "memory.oom_control=1",
        "pids.max=0",
        "blkio.weight=500 or blkio.bfq.weight=500",
        "blkio.weight_device=8:0 100 or blkio.bfq.weight_device=8:0 100",
        "blkio.throttle.read_bps_device=8:0 1048576",
        "blkio.throttle.write_iops_device=8:16 0",
        "hugetlb.2MB.limit_in_bytes=4194304",
        "hugetlb.2MB.rsvd.limit_in_bytes=4194304",
        "rdma.max=mlx5_1 hca_handle=3 hca_object=10000",
        "rdma.max=rxe hca_object=5",
    ];
    assert_eq!(written(ALL, Version::One).unwrap(), wanted);
}

#[test]
fn version_2_gets_it_converted() {
    let wanted = [
        "cpuset.cpus=0-1",
        "cpuset.mems=0",
        "cpu.weight=79",
        "cpu.max=50000 100000",
        "cpu.max.burst=1000",
        "cpu.idle=0",
        "memory.max=67108864",
        "memory.swap.max=33554432",
        "memory.low=33554432",
        "pids.max=0",
        "io.bfq.weight=500 or io.weight=default 4950",
        "io.bfq.weight=8:0 100 or io.weight=8:0 910",
        "io.max=8:0 rbps=1048576",
        "io.max=8:16 wiops=max",
        "hugetlb.2MB.max=4194304",
        "hugetlb.2MB.rsvd.max=4194304",
        "rdma.max=mlx5_1 hca_handle=3 hca_object=10000",
        "rdma.max=rxe hca_object=5",
    ];
    assert_eq!(written(ALL, Version::Two).unwrap(), wanted);
}

#[test]
fn no_limit_is_one_that_is_written_and_zero_leaves_it_as_it_is() {
    let json = r#"{"memory": {"limit": -1, "swap": -1}, "cpu": {"quota": -1, "shares": 0}, "pids": {"limit": -1}}"#;
    assert_eq!(
        written(json, Version::Two).unwrap(),
        ["cpu.max=max 100000", "memory.max=max", "memory.swap.max=max", "pids.max=max"]
    );
    assert_eq!(
        written(json, Version::One).unwrap(),
        ["cpu.cfs_quota_us=-1", "memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1", "pids.max=max"]
    );
    for version in [Version::One, Version::Two] {
        let json = r#"{"memory": {"limit": 0, "swap": 0, "reservation": 0}, "cpu": {"quota": 0, "period": 0}}"#;
        assert_eq!(written(json, version).unwrap(), Vec::<String>::new());
    }
}

#[test]
fn a_quota_or_period_alone_is_written_alone() {
    assert_eq!(written(r#"{"cpu": {"quota": 5000}}"#, Version::Two).unwrap(), ["cpu.max=5000"]);
    assert_eq!(written(r#"{"cpu": {"period": 5000}}"#, Version::Two).unwrap(), ["cpu.max=max 5000"]);
}

#[test]
fn what_version_1_alone_has_is_written_there() {
    let json = r#"{"cpu": {"realtimeRuntime": 1000, "realtimePeriod": 5000},
                   "network": {"classID": 7, "priorities": [{"name": "eth0", "priority": 3}]}}"#;
    let wanted = ["cpu.rt_period_us=5000", "cpu.rt_runtime_us=1000", "net_cls.classid=7", "net_prio.ifpriomap=eth0 3"];
    assert_eq!(written(json, Version::One).unwrap(), wanted);
    let refused = written(json, Version::Two).unwrap_err();
    assert!(matches!(&refused, Error::Spec { path, .. } if path.ends_with("cpu.realtimeRuntime")), "{refused:?}");
}

#[test]
fn unified_is_written_as_it_stands_and_names_its_controller() {
    let resources: Resources = serde_json::from_str(r#"{"unified": {"memory.high": "1G", "new.thing": "x"}}"#).unwrap();
    let found: Vec<_> = writes(&resources, |_| Version::Two).unwrap();
    let told = found.iter().map(|write| (write.controller.as_str(), write.files[0].1.as_str()));
    assert_eq!(told.collect::<Vec<_>>(), [("memory", "1G"), ("new", "x")]);
}

#[test]
fn what_cannot_be_names_its_field() {
    let cases = [
        (r#"{"memory": {"limit": -2}}"#, "memory.limit"),
        (r#"{"memory": {"limit": 100, "swap": 50}}"#, "memory.swap"),
        (r#"{"memory": {"swap": 50}}"#, "memory.swap"),
        (r#"{"memory": {"swappiness": 101}}"#, "memory.swappiness"),
        (r#"{"cpu": {"shares": 1}}"#, "cpu.shares"),
        (r#"{"cpu": {"idle": 2}}"#, "cpu.idle"),
        (r#"{"cpu": {"cpus": "a"}}"#, "cpu.cpus"),
        (r#"{"blockIO": {"weight": 5}}"#, "blockIO.weight"),
        (r#"{"hugepageLimits": [{"pageSize": "../x", "limit": 1}]}"#, "hugepageLimits[0].pageSize"),
        (r#"{"unified": {"../memory.max": "1"}}"#, "unified.../memory.max"),
    ];
    for (json, field) in cases {
        for version in [Version::One, Version::Two] {
            let refused = written(json, version).unwrap_err();
            let wanted = format!("linux.resources.{field}");
            assert!(matches!(&refused, Error::Spec { path, .. } if *path == wanted), "{json}: {refused:?}");
        }
    }
}
