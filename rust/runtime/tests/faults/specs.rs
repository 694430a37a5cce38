//! Containers that have all there is to have.

use std::os::fd::AsRawFd;

use minicontainer::facts::Facts;
use minicontainer::launch::probe::landlock_version;
use minicontainer::launch::wait::{WaitFor, reap, send_signal};
use minicontainer::launch::{Child, launch};
use minicontainer::plan::{Plan, plan};
use minicontainer::spec::Spec;
use nix::libc;

use crate::host::Host;

/// A plan of these properties, for this host.
pub fn planned(properties: &str) -> Plan {
    let json = format!(r#"{{"ociVersion": "1.2.0", {properties}}}"#);
    let spec = Spec::parse(json.as_bytes()).unwrap();
    let mut plan = plan(&spec, &Facts::gather(&spec).unwrap()).unwrap();
    // Its step is asked for, its words are not.
    plan.debug = false;
    plan
}

/// What every container mounts.
const MOUNTS: &str = r#"
    {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "strictatime", "mode=755"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
        "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", "ro"]},
    {"destination": "/run/a/b", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "private"]}"#;

const LIMITS: &str = r#"
    "rlimits": [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}], "oomScoreAdj": 500,
    "scheduler": {"policy": "SCHED_BATCH", "nice": 1}, "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 5},
    "execCPUAffinity": {"initial": "0"}"#;

const CAPABILITIES: &str = r#"
    "capabilities": {"bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"],
        "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}"#;

const COVERED: &str = r#"
    "maskedPaths": ["/proc/kcore", "/proc/acpi", "/sys/firmware"], "readonlyPaths": ["/proc/sys", "/proc/bus"]"#;

/// As Docker's, and whatever can be asked for beside that: a container of root's.
pub fn container(host: &Host) -> String {
    let landlock = match landlock_version() {
        Ok(_) => r#""landlock": {"readOnly": ["/"], "readWrite": ["/tmp"]},"#,
        Err(_) => "",
    };
    let (rootfs, volume) = (host.rootfs.display(), host.path("volume"));
    let ids = r#"[{"containerID": 0, "hostID": 1000, "size": 1}]"#;
    format!(
        r#""process": {{"args": ["/bin/true"], "cwd": "/tmp", "noNewPrivileges": true, {LIMITS}, {CAPABILITIES},
            "user": {{"uid": 1000, "gid": 1000, "umask": 63, "additionalGids": [100]}}}},
        "root": {{"path": "{rootfs}", "readonly": true}}, "hostname": "faults", "domainname": "faults",
        "mounts": [{MOUNTS},
            {{"destination": "/volume", "source": "{volume}", "options": ["rbind", "rro", "nosuid"]}},
            {{"destination": "/mapped", "source": "{volume}", "options": ["bind", "idmap"],
                "uidMappings": {ids}, "gidMappings": {ids}}},
            {{"destination": "/a/file", "source": "{volume}/file", "options": ["bind", "rslave"]}}],
        "linux": {{{COVERED}, "personality": {{"domain": "LINUX"}}, "rootfsPropagation": "rslave",
            "namespaces": [{{"type": "pid"}}, {{"type": "mount"}}, {{"type": "network"}}, {{"type": "uts"}},
                {{"type": "ipc"}}, {{"type": "cgroup"}}, {{"type": "time"}}],
            "timeOffsets": {{"monotonic": {{"secs": 60}}}}, "sysctl": {{"kernel.shmmax": "65536"}},
            "devices": [{{"type": "c", "path": "/dev/more/null", "major": 1, "minor": 3}}]}},
        "minicontainer": {{{landlock} "overlay": {{"sizeBytes": 1048576, "diff": true}}, "seccompProfile": "default",
            "files": [{{"path": "/etc/motd", "content": "aGVsbG8K"}}], "newKeyring": true, "killOnExit": true,
            "stdio": ["null", "piped", "piped"], "timeoutMs": 60000, "debug": true}}"#
    )
}

/// The same by mount(2), as far as that can do it; without an overlay, but with its stage.
pub fn classic(host: &Host) -> String {
    let (rootfs, volume) = (host.rootfs.display(), host.path("volume"));
    format!(
        r#""process": {{"args": ["/bin/true"]}}, "root": {{"path": "{rootfs}"}},
        "mounts": [{MOUNTS},
            {{"destination": "/mnt", "source": "{volume}", "options": ["rbind", "ro", "nosuid", "private"]}}],
        "linux": {{{COVERED}, "namespaces": [{{"type": "pid"}}, {{"type": "mount"}}, {{"type": "network"}},
            {{"type": "ipc"}}]}},
        "minicontainer": {{"mountApi": "classic", "overlay": {{"folder": "{}"}},
            "files": [{{"path": "/etc/motd", "content": "aGVsbG8K"}}]}}"#,
        host.path("layer")
    )
}

/// In a user namespace, whose ids come from `linux`.
pub fn in_user_namespace(host: &Host, linux: &str, extras: &str) -> String {
    let (rootfs, volume) = (host.rootfs.display(), host.path("volume"));
    format!(
        r#""process": {{"args": ["/bin/true"], "noNewPrivileges": true, {CAPABILITIES}}},
        "root": {{"path": "{rootfs}"}}, "hostname": "faults",
        "mounts": [{MOUNTS}, {{"destination": "/volume", "source": "{volume}", "options": ["rbind"]}}],
        "linux": {{{COVERED} {linux}, "namespaces": [{{"type": "user"}}, {{"type": "pid"}}, {{"type": "mount"}},
            {{"type": "network"}}, {{"type": "uts"}}, {{"type": "ipc"}}]}},
        "minicontainer": {{{extras} "overlay": {{}}, "seccompProfile": "default",
            "files": [{{"path": "/etc/motd", "content": "aGVsbG8K"}}]}}"#
    )
}

/// Root is itself, whose the files are, and the others are further up.
pub const RANGES: &str = r#",
    "uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}, {"containerID": 1, "hostID": 100000, "size": 65535}],
    "gidMappings": [{"containerID": 0, "hostID": 0, "size": 1}, {"containerID": 1, "hostID": 100000, "size": 65535}]"#;

/// With a terminal of its own, in a root that is no overlay.
pub fn with_terminal(host: &Host) -> String {
    format!(
        r#""process": {{"args": ["/bin/true"], "terminal": true}}, "root": {{"path": "{}"}}, "mounts": [{MOUNTS}],
        "linux": {{"namespaces": [{{"type": "pid"}}, {{"type": "mount"}}, {{"type": "network"}}, {{"type": "ipc"}}]}}"#,
        host.rootfs.display()
    )
}

/// Mounts without a root of its own.
pub const WITHOUT_ROOT: &str = r#""process": {"args": ["/bin/true"]},
    "mounts": [{"destination": "/mnt", "type": "tmpfs"}],
    "linux": {"namespaces": [{"type": "mount"}], "maskedPaths": ["/proc/kcore"]}"#;

/// A program that runs until it is dropped, in namespaces that others join.
pub struct Sleeper(Child);

impl Sleeper {
    pub fn start() -> Self {
        let properties = r#""process": {"args": ["sleep", "1000"]},
            "linux": {"namespaces": [{"type": "pid"}, {"type": "uts"}, {"type": "ipc"}, {"type": "network"}]}"#;
        Self(launch(&planned(properties)).unwrap())
    }

    /// A program that joins its namespaces.
    pub fn joined(&self) -> String {
        let path =
            |kind: &str, file: &str| format!(r#"{{"type": "{kind}", "path": "/proc/{}/ns/{file}"}}"#, self.0.pid);
        format!(
            r#""process": {{"args": ["/bin/true"]}}, "linux": {{"namespaces": [{}, {}, {}, {}]}}"#,
            path("pid", "pid"),
            path("uts", "uts"),
            path("ipc", "ipc"),
            path("network", "net")
        )
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let pidfd = self.0.pidfd.as_raw_fd();
        send_signal(pidfd, libc::SIGKILL).unwrap();
        reap(pidfd, WaitFor::End).unwrap();
    }
}
