//! The kernel takes the program and asks it, and takes version 1's list: each in a cgroup of the test's own, in whichever
//! tree is there.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::stat::{Mode, SFlag, makedev, mknod};

use super::super::attach::attach;
use super::*;
use crate::cgroup::layout::{Hierarchy, Layout};
use crate::launch::bpf;

/// A folder of the tree, and beside it the file of a device that is there always: `/dev/kmsg`.
struct Cgroup {
    folder: PathBuf,
    device: PathBuf,
}

impl Cgroup {
    /// `None` where there is no such tree, or it is not this user's to write.
    fn make(tree: fn(Layout) -> Option<Hierarchy>) -> Option<Self> {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let tree = tree(Layout::read(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup")))?;
        let name = format!("minicontainer-test-devices{}-{}", tree.controllers.len(), std::process::id());
        let (folder, device) = (tree.own.join(&name), std::env::temp_dir().join(&name));
        mknod(&device, SFlag::S_IFCHR, Mode::S_IRUSR, makedev(1, 11)).ok()?;
        let made = fs::create_dir(&folder);
        let cgroup = Self { folder, device };
        made.ok()?;
        (cgroup.reads() == [true, true]).then_some(cgroup)
    }

    /// Whether a process in it can open a file to read it.
    fn can_read(&self, file: &Path) -> bool {
        let enter_and_open = r#"echo 0 >"$0/cgroup.procs" || exit 9; exec 3<"$1""#;
        let mut shell = Command::new("sh");
        let result = shell.args(["-c", enter_and_open]).args([&self.folder, file]).output().unwrap();
        assert_ne!(result.status.code(), Some(9), "{}", String::from_utf8_lossy(&result.stderr));
        result.status.success()
    }

    /// `[/dev/null, the device]`
    fn reads(&self) -> [bool; 2] {
        [self.can_read(Path::new("/dev/null")), self.can_read(&self.device)]
    }

    fn attach(&self, json: &str) -> Result<(), Error> {
        attach(File::open(&self.folder).unwrap().as_fd(), &policy(json))
    }

    fn programs(&self) -> usize {
        bpf::attached(File::open(&self.folder).unwrap().as_fd()).unwrap().len()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        let _ = (fs::remove_dir(&self.folder), fs::remove_file(&self.device));
    }
}

#[test]
fn the_kernel_refuses_what_the_rules_do_until_they_are_replaced() {
    let Some(cgroup) = Cgroup::make(|layout| layout.unified) else {
        eprintln!("skipped: needs root, a cgroup tree of version 2, and /dev/kmsg");
        return;
    };
    if let Err(error) = cgroup.attach(DENY_ALL) {
        assert!(matches!(&error, Error::System { code, .. } if code == "EPERM"), "{error:?}");
        eprintln!("skipped: needs the right to load a BPF program");
        return;
    }
    assert_eq!((cgroup.reads(), cgroup.programs()), ([true, false], 1));
    cgroup.attach(r#"[{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]"#).unwrap();
    assert_eq!((cgroup.reads(), cgroup.programs()), ([true, true], 1));
    cgroup
        .attach(r#"[{"allow": true}, {"allow": false, "type": "c", "major": 1, "minor": 11, "access": "w"}]"#)
        .unwrap();
    assert_eq!((cgroup.reads(), cgroup.programs()), ([true, true], 1));
    cgroup.attach(DENY_ALL).unwrap();
    cgroup.attach(DENY_ALL).unwrap();
    assert_eq!((cgroup.reads(), cgroup.programs()), ([true, false], 1));
    cgroup.attach(r#"[{"allow": true}]"#).unwrap();
    assert_eq!((cgroup.reads(), cgroup.programs()), ([true, true], 0));
}

#[test]
fn the_kernel_refuses_what_version_1s_list_does() {
    let Some(cgroup) = Cgroup::make(|layout| layout.legacy("devices").cloned()) else {
        eprintln!("skipped: needs root, a cgroup tree of version 1 with devices, and /dev/kmsg");
        return;
    };
    let write = |json: &str| {
        for Write { file, line } in writes(&policy(json), "").unwrap() {
            fs::write(cgroup.folder.join(file), &line).unwrap_or_else(|error| panic!("{file} {line}: {error}"));
        }
    };
    let cases = [
        (DENY_ALL, false),
        (r#"[{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "r"}]"#, true),
        (r#"[{"allow": true, "type": "c", "major": 1, "minor": 11, "access": "w"}]"#, false),
        (r#"[{"allow": true}]"#, true),
        (r#"[{"allow": true}, {"allow": false, "type": "c", "major": 1, "minor": 11}]"#, false),
    ];
    for (json, can_read) in cases {
        write(json);
        assert_eq!(cgroup.reads(), [true, can_read], "{json}");
    }
}

#[test]
fn the_kernel_takes_the_program_of_hundreds_of_rules() {
    let rule =
        |index| format!(r#"{{"allow": {}, "type": "b", "major": 8, "minor": {index}, "access": "r"}}"#, index % 2 == 0);
    let rules: Vec<_> = (0..400).map(rule).collect();
    match bpf::load(&program(&policy(&format!("[{}]", rules.join(","))))) {
        Ok(_) => {}
        Err(errno) => {
            assert_eq!(errno, nix::errno::Errno::EPERM);
            eprintln!("skipped: needs the right to load a BPF program");
        }
    }
}
