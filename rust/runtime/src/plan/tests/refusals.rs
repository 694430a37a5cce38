//! What cannot be, by the field that says so, and beside each what can.

use super::{Error, Facts, planned};
use crate::facts::HostDevice;

/// Where, what a refusal's message has in it, and the properties that are refused and taken.
pub(super) type Case<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Checks the cases; what they leave out is filled in.
pub(super) fn check(cases: &[Case<'_>], facts: impl Fn() -> Facts) {
    let facts = || Facts { folder: "/home/joe".into(), ..facts() };
    for (path, message, refused, taken) in cases {
        match planned(&whole(refused), facts()) {
            Err(Error::Spec { path: found, message: words }) => {
                assert!(found == *path && words.contains(message), "{refused}\n{found}: {words}");
            }
            other => panic!("{refused}\n{path} is not refused: {other:?}"),
        }
        if let Err(error) = planned(&whole(taken), facts()) {
            panic!("{taken}\n{error:?}");
        }
    }
}

/// A spec of these properties; `ROOT` stands for a root filesystem and its namespace, `MOUNTNS` for that namespace.
fn whole(properties: &str) -> String {
    let properties = properties.replace("ROOT", r#""root": {"path": "/r"}, MOUNTNS"#);
    let properties = properties.replace("MOUNTNS", r#""linux": {"namespaces": [{"type": "mount"}]}"#);
    let process = if properties.contains(r#""process""#) { "" } else { r#""process": {"args": ["x"]},"# };
    format!(r#"{{"ociVersion": "1.2.0", {process} {properties}}}"#)
}

#[test]
fn namespaces_are_refused_by_their_field() {
    let cases: &[Case<'_>] = &[
        (
            "linux.namespaces[1].type",
            "stands there twice",
            r#""linux": {"namespaces": [{"type": "pid"}, {"type": "pid"}]}"#,
            r#""linux": {"namespaces": [{"type": "pid"}, {"type": "uts"}]}"#,
        ),
        (
            "linux.namespaces[0].type",
            "unknown variant `planet`",
            r#""linux": {"namespaces": [{"type": "planet"}]}"#,
            r#""linux": {"namespaces": [{"type": "time"}]}"#,
        ),
        (
            "linux.namespaces[0].path",
            "must name a namespace",
            r#""linux": {"namespaces": [{"type": "pid", "path": ""}]}"#,
            r#""linux": {"namespaces": [{"type": "pid", "path": "/proc/1/ns/pid"}]}"#,
        ),
        (
            "linux.namespaces[1].path",
            "NUL",
            r#""linux": {"namespaces": [{"type": "uts"}, {"type": "pid", "path": "a\u0000"}]}"#,
            r#""linux": {"namespaces": [{"type": "uts"}, {"type": "pid", "path": "a"}]}"#,
        ),
        (
            "linux.uidMappings",
            "needs a new user namespace",
            r#""linux": {"uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}"#,
            r#""linux": {"namespaces": [{"type": "user"}]}"#,
        ),
        (
            "linux.gidMappings",
            "needs a new user namespace",
            r#""linux": {"namespaces": [{"type": "user", "path": "/n"}], "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}"#,
            r#""linux": {"namespaces": [{"type": "user", "path": "/n"}]}"#,
        ),
        (
            "linux.gidMappings",
            "beside linux.uidMappings",
            r#""linux": {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}"#,
            r#""linux": {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
                "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}"#,
        ),
        (
            "linux.uidMappings",
            "beside linux.gidMappings",
            r#""linux": {"namespaces": [{"type": "user"}], "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}"#,
            r#""linux": {"namespaces": [{"type": "user"}]}"#,
        ),
        (
            "linux.uidMappings[0].size",
            "at least 1",
            r#""linux": {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 0}]}"#,
            r#""linux": {"namespaces": [{"type": "user"}]}"#,
        ),
        (
            "linux.gidMappings[0].size",
            "at most 1",
            r#""linux": {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
                "gidMappings": [{"containerID": 4294967294, "hostID": 0, "size": 2}]}"#,
            r#""linux": {"namespaces": [{"type": "user"}], "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}],
                "gidMappings": [{"containerID": 4294967293, "hostID": 0, "size": 2}]}"#,
        ),
    ];
    check(cases, Facts::default);
}

#[test]
fn what_is_in_a_namespace_is_refused_without_it() {
    let cases: &[Case<'_>] = &[
        (
            "hostname",
            "needs a UTS namespace",
            r#""hostname": "a""#,
            r#""hostname": "a", "linux": {"namespaces": [{"type": "uts"}]}"#,
        ),
        (
            "domainname",
            "needs a UTS namespace",
            r#""domainname": "a""#,
            r#""domainname": "a", "linux": {"namespaces": [{"type": "uts"}]}"#,
        ),
        (
            "hostname",
            "at most 64 bytes; it has 65",
            r#""hostname": "a234567890123456789012345678901234567890123456789012345678901234x", "linux": {"namespaces": [{"type": "uts"}]}"#,
            r#""hostname": "a234567890123456789012345678901234567890123456789012345678901234", "linux": {"namespaces": [{"type": "uts"}]}"#,
        ),
        (
            "domainname",
            "NUL",
            r#""domainname": "a\u0000", "linux": {"namespaces": [{"type": "uts"}]}"#,
            r#""domainname": "", "linux": {"namespaces": [{"type": "uts"}]}"#,
        ),
        (
            "linux.timeOffsets",
            "needs a new time namespace",
            r#""linux": {"timeOffsets": {"monotonic": {}}}"#,
            r#""linux": {"namespaces": [{"type": "time"}], "timeOffsets": {"monotonic": {}}}"#,
        ),
        (
            "linux.timeOffsets.realtime",
            "monotonic or boottime",
            r#""linux": {"namespaces": [{"type": "time"}], "timeOffsets": {"realtime": {}}}"#,
            r#""linux": {"namespaces": [{"type": "time"}], "timeOffsets": {"boottime": {}}}"#,
        ),
        (
            "linux.timeOffsets.boottime",
            "below 1000000000",
            r#""linux": {"namespaces": [{"type": "time"}], "timeOffsets": {"boottime": {"nanosecs": 1000000000}}}"#,
            r#""linux": {"namespaces": [{"type": "time"}], "timeOffsets": {"boottime": {"nanosecs": 999999999}}}"#,
        ),
        ("root", "needs a mount namespace", r#""root": {"path": "/r"}"#, "ROOT"),
        (
            "mounts",
            "needs a mount namespace",
            r#""mounts": [{"destination": "/m", "type": "tmpfs"}]"#,
            r#""mounts": [{"destination": "/m", "type": "tmpfs"}], MOUNTNS"#,
        ),
        (
            "linux.sysctl.vm.swappiness",
            "belongs to no namespace",
            r#""linux": {"sysctl": {"vm.swappiness": "1"}}"#,
            r#""linux": {"namespaces": [{"type": "network"}], "sysctl": {"net.core.somaxconn": "1"}}"#,
        ),
        (
            "linux.sysctl.net.a",
            "needs a network namespace",
            r#""linux": {"sysctl": {"net.a": "1"}}"#,
            r#""linux": {"namespaces": [{"type": "network", "path": "/n"}], "sysctl": {"net.a": "1"}}"#,
        ),
        (
            "linux.sysctl.kernel.hostname",
            "conflicts with hostname",
            r#""hostname": "a", "linux": {"namespaces": [{"type": "uts"}], "sysctl": {"kernel.hostname": "b"}}"#,
            r#""linux": {"namespaces": [{"type": "uts"}], "sysctl": {"kernel.hostname": "b"}}"#,
        ),
        (
            "linux.sysctl.net/../kernel/panic",
            "is no name of a parameter",
            r#""linux": {"namespaces": [{"type": "network"}], "sysctl": {"net/../kernel/panic": "1"}}"#,
            r#""linux": {"namespaces": [{"type": "network"}], "sysctl": {"net/ipv4/conf/eth0.1/mtu": "1"}}"#,
        ),
        (
            "linux.sysctl.net.a",
            "NUL",
            r#""linux": {"namespaces": [{"type": "network"}], "sysctl": {"net.a": "1\u0000"}}"#,
            r#""linux": {"namespaces": [{"type": "network"}], "sysctl": {"net.a": ""}}"#,
        ),
        (
            "process.oomScoreAdj",
            "-1000 to 1000",
            r#""process": {"args": ["x"], "oomScoreAdj": 1001}"#,
            r#""process": {"args": ["x"], "oomScoreAdj": 1000}"#,
        ),
    ];
    check(cases, Facts::default);
}

#[test]
fn a_root_is_refused_by_its_field() {
    let cases: &[Case<'_>] = &[
        ("root.path", "must name a folder", r#""root": {"path": ""}, MOUNTNS"#, "ROOT"),
        ("root.path", "NUL", r#""root": {"path": "a\u0000"}, MOUNTNS"#, r#""root": {"path": "a"}, MOUNTNS"#),
        (
            "root",
            "not one that is joined",
            r#""root": {"path": "/r"}, "linux": {"namespaces": [{"type": "mount", "path": "/n"}]}"#,
            r#""linux": {"namespaces": [{"type": "mount", "path": "/n"}]}"#,
        ),
        (
            "minicontainer.overlay",
            "needs a root filesystem",
            r#""minicontainer": {"overlay": {}}"#,
            r#"ROOT, "minicontainer": {"overlay": {}}"#,
        ),
        (
            "minicontainer.files",
            "needs a root filesystem",
            r#""minicontainer": {"files": [{"path": "/f", "content": ""}]}"#,
            r#"ROOT, "minicontainer": {"files": [{"path": "/f", "content": ""}]}"#,
        ),
        (
            "linux.devices",
            "needs a root filesystem",
            r#""linux": {"devices": [{"type": "p", "path": "/p"}]}"#,
            r#""root": {"path": "/r"}, "linux": {"namespaces": [{"type": "mount"}], "devices": [{"type": "p", "path": "/p"}]}"#,
        ),
        (
            "linux.rootfsPropagation",
            "needs a root filesystem",
            r#""linux": {"rootfsPropagation": "slave"}"#,
            r#""root": {"path": "/r"}, "linux": {"namespaces": [{"type": "mount"}], "rootfsPropagation": "slave"}"#,
        ),
        (
            "linux.rootfsPropagation",
            "private, shared",
            r#""root": {"path": "/r"}, "linux": {"namespaces": [{"type": "mount"}], "rootfsPropagation": "some"}"#,
            r#""root": {"path": "/r"}, "linux": {"namespaces": [{"type": "mount"}], "rootfsPropagation": ""}"#,
        ),
        (
            "minicontainer.overlay.sizeBytes",
            "above 0",
            r#"ROOT, "minicontainer": {"overlay": {"sizeBytes": 0.5}}"#,
            r#"ROOT, "minicontainer": {"overlay": {"sizeBytes": 1}}"#,
        ),
        (
            "minicontainer.overlay.folder",
            "NUL",
            r#"ROOT, "minicontainer": {"overlay": {"folder": "\u0000"}}"#,
            r#"ROOT, "minicontainer": {"overlay": {"folder": "f"}}"#,
        ),
        (
            "process.cwd",
            "must be an absolute path",
            r#"ROOT, "process": {"args": ["x"], "cwd": "tmp"}"#,
            r#"ROOT, "process": {"args": ["x"], "cwd": "/tmp"}"#,
        ),
        (
            "process.cwd",
            "NUL",
            r#"ROOT, "process": {"args": ["x"], "cwd": "/\u0000"}"#,
            r#"ROOT, "process": {"args": ["x"], "cwd": ""}"#,
        ),
        (
            "linux.maskedPaths[1]",
            "NUL",
            r#""linux": {"namespaces": [{"type": "mount"}], "maskedPaths": ["/a", "\u0000"]}"#,
            r#""linux": {"namespaces": [{"type": "mount"}], "maskedPaths": ["/a", "/b"]}"#,
        ),
        (
            "linux.readonlyPaths[0]",
            "NUL",
            r#""linux": {"namespaces": [{"type": "mount"}], "readonlyPaths": ["\u0000"]}"#,
            r#""linux": {"namespaces": [{"type": "mount"}], "readonlyPaths": ["/a"]}"#,
        ),
    ];
    check(cases, Facts::default);
}

#[test]
fn mounts_have_a_label_where_selinux_is_and_else_it_is_told_that_they_have_none() {
    let json = whole(
        r#""mounts": [{"destination": "/m", "type": "tmpfs"}],
            "linux": {"namespaces": [{"type": "mount"}], "mountLabel": "l"}"#,
    );
    let label = |has_selinux| {
        let plan = planned(&json, Facts { has_selinux, ..Facts::default() }).unwrap();
        (plan.strings.iter().any(|text| text.to_bytes().ends_with(b"context=\"l\"")), plan.degraded)
    };
    let degraded = "mounts have no label: this host does not have SELinux (linux.mountLabel)";
    assert_eq!(label(true), (true, Vec::new()));
    assert_eq!(label(false), (false, vec![degraded.to_string()]));
}

#[test]
fn what_the_host_lacks_is_refused_by_who_asks_for_it() {
    let has = || Facts {
        has_apparmor: true,
        apparmor_file: "/proc/self/attr/exec",
        has_selinux: true,
        landlock_version: 1,
        ..Facts::default()
    };
    for (path, name, properties) in [
        ("process.apparmorProfile", "AppArmor", r#""process": {"args": ["x"], "apparmorProfile": "p"}"#),
        ("process.selinuxLabel", "SELinux", r#""process": {"args": ["x"], "selinuxLabel": "l"}"#),
        ("minicontainer.landlock", "Landlock", r#""minicontainer": {"landlock": {"readOnly": ["/"]}}"#),
    ] {
        check(&[(path, name, properties, r#""hostname": null"#)], Facts::default);
        assert!(planned(&whole(properties), has()).is_ok(), "{properties}");
    }
    let device = || Facts {
        host_devices: vec![HostDevice { mode: 0o20666, device: (1, 3), owner: (0, 0) }],
        landlock_version: 1,
        ..Facts::default()
    };
    let cases: &[Case<'_>] = &[
        (
            "minicontainer.hostDevices[0]",
            "below the container's root",
            r#"ROOT, "minicontainer": {"hostDevices": ["/dev/.."]}"#,
            r#"ROOT, "minicontainer": {"hostDevices": ["/dev/fuse"]}"#,
        ),
        (
            "minicontainer.landlock.readOnly[0]",
            "NUL",
            r#""minicontainer": {"landlock": {"readOnly": ["\u0000"]}}"#,
            r#""minicontainer": {"landlock": {"readOnly": [""]}}"#,
        ),
        (
            "minicontainer.landlock.readWrite[1]",
            "NUL",
            r#""minicontainer": {"landlock": {"readWrite": ["/", "\u0000"]}}"#,
            r#""minicontainer": {"landlock": {"readWrite": ["/", "/tmp"]}}"#,
        ),
    ];
    check(cases, device);
}
