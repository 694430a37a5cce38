//! Random facts about a host, whether or not there could be one like it.

use minicontainer::cgroup::Layout;
use minicontainer::cgroup::resources::DeviceRule;
use minicontainer::cgroup::survey::{Level, Survey};
use minicontainer::cgroup::systemd::{Purpose, Systemd};
use minicontainer::facts::{Facts, HostDevice};
use minicontainer::id_ranges::IdMapping;
use minicontainer::users::User;

use crate::random::Random;

pub fn facts(random: &mut Random) -> Facts {
    Facts {
        environment: list(random, |random| {
            random.pick(&[c"A=1", c"PATH=", c"PATH=/a:", c"B", c"", c"=", c"HOME=/"]).into()
        })
        .into(),
        env_files: list(random, |random| {
            // Mostly good: else little more than these would be looked at.
            let good = !random.one_in(8);
            random.pick(if good { &["", "A=1\n", "# no\n\nexport B='2'"] } else { &["A=\0", "=", "B"] }).into()
        }),
        nofile: random.pick(&[None, Some((1024, 4096)), Some((u64::MAX, 0))]),
        ignored_signals: random.pick(&[0, 1, u64::MAX]),
        folder: random.pick(&["/", "/home/joe"]).into(),
        uid: random.id(),
        gid: random.id(),
        capabilities: random.pick(&[0, 1, 1 << 21, u64::MAX]),
        may_set_ids: random.one_in(2),
        id_mappings: (list(random, mapping), list(random, mapping)),
        user: random.one_in(2).then(|| user(random)),
        home: random.pick(&[None, None, None, Some(""), Some("/root"), Some("/root"), Some("a\0")]).map(String::from),
        has_classic_mounts: random.one_in(3),
        cgroup_hierarchies: list(random, |random| random.pick(&["memory", "cpu,cpuacct", "name=systemd", ""]).into()),
        cgroups: random.one_in(2).then(|| survey(random)),
        landlock_version: random.pick(&[0, 1, 5, 7, u32::MAX]),
        answers_calls: random.one_in(2),
        holds: random.one_in(4),
        is_monitored: random.one_in(8),
        seccomp: random.one_in(4).then(|| serde_json::from_str(random.pick(&FILTERS)).unwrap()),
        host_devices: list(random, |random| HostDevice {
            mode: random.pick(&[0o20666, 0o60660, 0, u32::MAX]),
            device: (random.id(), random.id()),
            owner: (random.id(), random.id()),
        }),
        terminals: [random.one_in(3), random.one_in(3), random.one_in(3)],
        terminal_size: random.pick(&[None, Some((24, 80)), Some((0, u16::MAX))]),
        has_apparmor: random.one_in(2),
        apparmor_file: "/proc/self/attr/exec",
        has_selinux: random.one_in(2),
        denies_groups: random.one_in(4),
        resctrl: (!random.one_in(8)).then(|| "/sys/fs/resctrl".into()),
        degraded: Vec::new(),
    }
}

const FILTERS: [&str; 3] = [
    r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#,
    r#"{"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 4096}"#,
    r#"{"defaultAction": "SCMP_ACT_KILL", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_NOTIFY"}]}"#,
];

fn list<T>(random: &mut Random, entry: impl Fn(&mut Random) -> T) -> Vec<T> {
    (0..random.pick(&[0, 0, 1, 2, 5])).map(|_| entry(random)).collect()
}

fn survey(random: &mut Random) -> Survey {
    let v1 = "1 0 0:1 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
2 0 0:2 /a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
4 0 0:4 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd
";
    let v2 = "3 0 0:3 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
    let mounts = random.pick(&[String::new(), v1.into(), v2.into(), format!("{v1}{v2}")]);
    let layout = Layout::read(&mounts, random.pick(&["", "0::/\n", "2:memory:/a/b\n1:cpu,cpuacct:/c\n0::/d/../e\n"]));
    Survey {
        writable: list(random, |random| random.one_in(2)),
        levels: list(random, level),
        name: "minicontainer-1-2-3".into(),
        has_clone_into: random.one_in(2),
        systemd: random.one_in(2).then(|| Systemd {
            purpose: purpose(random),
            is_legacy: random.one_in(2),
            ..Systemd::default()
        }),
        may_restrict_devices: random.one_in(2),
        devices: list(random, |random| (random.id().into(), 0)),
        host_devices: list(random, |_| DeviceRule::default()),
        layout,
    }
}

fn purpose(random: &mut Random) -> Purpose {
    random.pick(&[Purpose::Container, Purpose::Owner, Purpose::OwnerInside])
}

fn level(random: &mut Random) -> Level {
    let names = |random: &mut Random| list(random, |random| random.pick(&["cpu", "memory", "pids", "io", ""]).into());
    Level {
        folder: random.pick(&["/sys/fs/cgroup/unified", "/", "", "/sys/fs/cgroup/unified/d"]).into(),
        available: names(random),
        enabled: names(random),
        is_writable: random.one_in(2),
        is_root: random.one_in(3),
        holds_only_us: random.one_in(3),
    }
}

fn mapping(random: &mut Random) -> IdMapping {
    IdMapping { container_id: random.id(), host_id: random.id(), size: random.id() }
}

fn user(random: &mut Random) -> User {
    let additional_gids = list(random, Random::id);
    User { uid: random.id(), gid: random.id(), additional_gids, home: None, name: None }
}
