//! A container that waits in its small program, and goes on when it is started.

use std::fs;
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use minicontainer::error::Error;
use minicontainer::facts::Facts;
use minicontainer::launch::wait::{End, WaitFor, reap};
use minicontainer::launch::{Child, Outside, launch_for};
use minicontainer::plan::{Plan, plan};
use minicontainer::spec::Spec;

/// A socket in a folder of its own, which goes with it.
struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("minicontainer-held-{}-{name}", std::process::id()));
        Self { listener: UnixListener::bind(&path).unwrap(), path }
    }

    /// What the one that waited said: nothing, where it became the program.
    fn knock(&self) -> Vec<u8> {
        let mut answer = Vec::new();
        UnixStream::connect(&self.path).unwrap().read_to_end(&mut answer).unwrap();
        answer
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn planned(process: &str) -> Plan {
    let spec = format!(r#"{{"ociVersion":"1.2.0","process":{process}}}"#);
    let spec = Spec::parse(spec.as_bytes()).unwrap();
    plan(&spec, Facts { holds: true, ..Facts::gather(&spec).unwrap() }).unwrap()
}

fn held(process: &str, door: &Door) -> (Plan, Child) {
    let plan = planned(process);
    let outside = Outside { run_hooks: &|_| Ok(()), socket: Some(door.listener.as_fd()) };
    let child = launch_for(&plan, &outside).unwrap();
    (plan, child)
}

fn end(child: &Child) -> End {
    reap(child.pidfd.as_raw_fd(), WaitFor::End).unwrap().unwrap().end
}

#[test]
fn it_waits_small_and_becomes_the_program() {
    let door = Door::new("starts");
    let (_, child) = held(r#"{"args":["sh","-c","exit 42"],"env":["PATH=/bin:/usr/bin"]}"#, &door);
    let exe = fs::read_link(format!("/proc/{}/exe", child.pid)).unwrap();
    assert!(exe.to_string_lossy().starts_with("/memfd:minicontainer-holder"), "{exe:?}");
    let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", child.pid)).unwrap();
    let pss: u64 = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:"))
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    println!("PSS {pss} KiB");
    assert!(pss < 512, "{pss} KiB");
    assert_eq!(door.knock(), b"");
    assert_eq!(end(&child), End::Exited(42));
}

#[test]
fn it_tells_what_failed_once_it_was_started() {
    let door = Door::new("fails");
    let script = std::env::temp_dir().join(format!("minicontainer-held-{}-script", std::process::id()));
    fs::write(&script, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (plan, child) = held(&format!(r#"{{"args":["{}"]}}"#, script.display()), &door);
    let answer = door.knock();
    let _ = fs::remove_file(&script);
    let (step, errno) = answer.split_at(4);
    let step = u32::from_le_bytes(step.try_into().unwrap()) as usize;
    assert_eq!(plan.hold().unwrap() + 1 + step, plan.steps.len() - 1);
    assert_eq!(i32::from_le_bytes(errno.try_into().unwrap()), nix::libc::ENOENT);
    assert_eq!(end(&child), End::Exited(127));
}

#[test]
fn what_cannot_be_executed_is_told_of_before_it_waits() {
    let door = Door::new("missing");
    let plan = planned(r#"{"args":["/no/such/program"]}"#);
    let outside = Outside { run_hooks: &|_| Ok(()), socket: Some(door.listener.as_fd()) };
    let error = launch_for(&plan, &outside).unwrap_err();
    let Error::System { message, exit_code, .. } = error else { panic!("{error:?}") };
    assert!(message.starts_with("cannot execute \"/no/such/program\": no such file or directory"), "{message}");
    assert_eq!(exit_code, Some(127));
}

#[test]
fn the_program_has_no_more_rights_than_it_would_have_had() {
    let door = Door::new("rights");
    let path = std::env::temp_dir().join(format!("minicontainer-held-{}-status", std::process::id()));
    let shell =
        format!("cat /proc/self/status /proc/self/limits > {}; ls /proc/self/fd | wc -l >> {0}", path.display());
    let (_, child) = held(&format!(r#"{{"args":["/bin/sh","-c","{shell}"],"env":["PATH=/bin:/usr/bin"]}}"#), &door);
    assert_eq!(door.knock(), b"");
    assert_eq!(end(&child), End::Exited(0));
    let told = fs::read_to_string(&path).unwrap();
    let _ = fs::remove_file(&path);
    for line in ["CapInh:\t0000000000000000", "CapAmb:\t0000000000000000", "SigBlk:\t0000000000000000"] {
        assert!(told.contains(line), "{line} in {told}");
    }
    // 0, 1, 2 and the folder itself.
    assert_eq!(told.lines().last().unwrap().trim(), "4", "{told}");
}
