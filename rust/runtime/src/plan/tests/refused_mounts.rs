//! Mounts, files and devices that cannot be, by the field that says so, and beside each what can.

use super::refusals::{Case, check};
use crate::facts::Facts;

/// A mount of a container's: of what is refused and of what is taken.
fn mount(path: &str, message: &str, refused: &str, taken: &str) {
    let whole = |mount: &str| format!(r#"ROOT, "mounts": [{{{mount}}}]"#);
    check(&[(path, message, &whole(refused), &whole(taken))], Facts::default);
}

#[test]
fn a_mount_is_refused_by_its_field() {
    mount("mounts[0].destination", "it is empty", r#""type": "tmpfs""#, r#""destination": "/m", "type": "tmpfs""#);
    mount(
        "mounts[0].destination",
        "below the container's root",
        r#""destination": "/a/..", "type": "tmpfs""#,
        r#""destination": "../m", "type": "tmpfs""#,
    );
    let long = |bytes: usize| format!(r#""destination": "/{}", "type": "tmpfs""#, "a".repeat(bytes - 1));
    mount("mounts[0].destination", "at most 4095 bytes; it has 4096", &long(4096), &long(4095));
    mount(
        "mounts[0].type",
        "or options must have bind",
        r#""destination": "/m", "source": "/s""#,
        r#""destination": "/m", "source": "/s", "options": ["bind"]"#,
    );
    mount(
        "mounts[0].source",
        "must name what is bound",
        r#""destination": "/m", "type": "bind""#,
        r#""destination": "/m", "type": "bind", "source": "s""#,
    );
    mount(
        "mounts[0].options",
        "remount is not supported",
        r#""destination": "/m", "type": "tmpfs", "options": ["remount"]"#,
        r#""destination": "/m", "type": "tmpfs", "options": ["ro"]"#,
    );
    for wrong in [r#""type": "tmpfs", "options": ["ro", "tmpcopyup"]"#, r#""type": "proc", "options": ["tmpcopyup"]"#] {
        mount(
            "mounts[0].options",
            "tmpcopyup is for a tmpfs that can be written to",
            &format!(r#""destination": "/m", {wrong}"#),
            r#""destination": "/m", "type": "tmpfs", "options": ["tmpcopyup"]"#,
        );
    }
    for (field, refused) in [
        ("destination", r#""destination": "/\u0000", "type": "tmpfs""#),
        ("type", r#""destination": "/m", "type": "\u0000""#),
        ("source", r#""destination": "/m", "type": "tmpfs", "source": "\u0000""#),
        ("source", r#""destination": "/m", "type": "bind", "source": "\u0000""#),
        ("options", r#""destination": "/m", "type": "tmpfs", "options": ["a=\u0000"]"#),
    ] {
        mount(&format!("mounts[0].{field}"), "NUL", refused, r#""destination": "/m", "type": "tmpfs", "source": "s""#);
    }
}

#[test]
fn a_mounts_ids_are_refused_by_their_field() {
    const MAP: &str = r#"[{"containerID": 0, "hostID": 0, "size": 1}]"#;
    let both =
        format!(r#""destination": "/m", "type": "bind", "source": "s", "uidMappings": {MAP}, "gidMappings": {MAP}"#);
    mount(
        "mounts[0].uidMappings",
        "for bind mounts alone",
        &format!(r#""destination": "/m", "type": "tmpfs", "gidMappings": {MAP}"#),
        &both,
    );
    mount(
        "mounts[0].options",
        "idmap needs",
        r#""destination": "/m", "source": "s", "options": ["bind", "idmap"]"#,
        &both,
    );
    mount(
        "mounts[0].options",
        "idmap needs",
        &format!(r#""destination": "/m", "type": "bind", "source": "s", "uidMappings": {MAP}"#),
        &both,
    );
    mount("mounts[0].uidMappings[0].size", "at least 1", &both.replacen(r#""size": 1"#, r#""size": 0"#, 1), &both);
    let last = both.rfind(r#""size": 1"#).unwrap();
    let (before, after) = both.split_at(last);
    let refused = format!("{before}{}", after.replace('1', "0"));
    mount("mounts[0].gidMappings[0].size", "at least 1", &refused, &both);
}

#[test]
fn a_file_from_memory_is_refused_by_its_field() {
    let file = |fields: &str| format!(r#"ROOT, "minicontainer": {{"files": [{{{fields}}}]}}"#);
    let cases = [
        ("content", "must be base64", r#""path": "/f", "content": "?""#, r#""path": "/f", "content": "Zg==""#),
        (
            "mode",
            "up to 07777",
            r#""path": "/f", "content": "", "mode": 4096"#,
            r#""path": "/f", "content": "", "mode": 4095"#,
        ),
        ("path", "below the container's root", r#""path": "", "content": """#, r#""path": "f", "content": """#),
        ("path", "NUL", r#""path": "/\u0000", "content": """#, r#""path": "/f", "content": """#),
    ];
    for (field, message, refused, taken) in cases {
        let path = format!("minicontainer.files[0].{field}");
        check(&[(&path, message, &file(refused), &file(taken))], Facts::default);
    }
}

#[test]
fn a_device_is_refused_by_its_field() {
    let devices = |list: &str| {
        format!(r#""root": {{"path": "/r"}}, "linux": {{"namespaces": [{{"type": "mount"}}], "devices": [{list}]}}"#)
    };
    let taken = devices(r#"{"type": "u", "path": "/dev/a"}"#);
    let cases: [Case<'_>; 3] = [
        ("linux.devices[0].type", "c, u, b or p", &devices(r#"{"type": "x", "path": "/dev/a"}"#), &taken),
        ("linux.devices[0].path", "below the container's root", &devices(r#"{"type": "c", "path": "/"}"#), &taken),
        ("linux.devices[0].path", "NUL", &devices(r#"{"type": "c", "path": "\u0000"}"#), &taken),
    ];
    check(&cases, Facts::default);
}
