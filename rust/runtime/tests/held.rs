//! A container that waits in its small program, and goes on when it is started.

use std::ffi::CString;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use minicontainer::error::Error;
use minicontainer::facts::Facts;
use minicontainer::launch::wait::{End, WaitFor, reap};
use minicontainer::launch::{Child, MonitorRequest, Outside, launch_for};
use minicontainer::plan::{Plan, plan};
use minicontainer::spec::Spec;
use minicontainer_child::{GIVE_UP, START};

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
        self.say(START)
    }

    fn say(&self, word: u8) -> Vec<u8> {
        let mut answer = Vec::new();
        let mut door = UnixStream::connect(&self.path).unwrap();
        door.write_all(&[word]).unwrap();
        door.read_to_end(&mut answer).unwrap();
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
    plan(&spec, &Facts { holds: true, ..Facts::gather(&spec).unwrap() }).unwrap()
}

fn held(process: &str, door: &Door) -> (Plan, Child) {
    let plan = planned(process);
    let outside = Outside { run_hooks: &|_| Ok(()), socket: Some(door.listener.as_fd()), monitor: None };
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
    assert!(pss < 512, "{pss} KiB");
    assert_eq!(door.knock(), b"");
    assert_eq!(end(&child), End::Exited(42));
}

#[test]
fn it_goes_on_waiting_for_who_said_nothing_and_ends_where_all_is_given_up() {
    let door = Door::new("gives-up");
    let (_, child) = held(r#"{"args":["/bin/true"]}"#, &door);
    drop(UnixStream::connect(&door.path).unwrap());
    assert_eq!(door.say(GIVE_UP), b"");
    assert_eq!(end(&child), End::Exited(127));
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
    let outside = Outside { run_hooks: &|_| Ok(()), socket: Some(door.listener.as_fd()), monitor: None };
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

/// A folder of a container's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("minicontainer-monitor-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts a program that a monitor stands by, and waits until that has ended too.
fn monitored(name: &str, script: &str, (log_bytes, logs): (u64, u32)) -> Folder {
    let folder = Folder::new(name);
    let (door, attached) = (Door::new(name), Door::new(&format!("{name}-attached")));
    let process = format!(r#"{{"args":["sh","-c","{script}"],"env":["PATH=/bin:/usr/bin"]}}"#);
    let spec =
        format!(r#"{{"ociVersion":"1.2.0","process":{process},"minicontainer":{{"stdio":["null","piped","piped"]}}}}"#);
    let spec = Spec::parse(spec.as_bytes()).unwrap();
    let plan = plan(&spec, &Facts { holds: true, is_monitored: true, ..Facts::gather(&spec).unwrap() }).unwrap();
    let ended = folder.0.join("ended");
    let command = ["/bin/sh".to_string(), "-c".to_string(), format!("echo yes > {}", ended.display())];
    let opened = fs::File::open(&folder.0).unwrap();
    let monitor = MonitorRequest {
        folder: opened.as_fd(),
        socket: attached.listener.as_fd(),
        log_bytes,
        logs,
        command: command.map(|text| CString::new(text).unwrap()).into(),
    };
    let outside = Outside { run_hooks: &|_| Ok(()), socket: Some(door.listener.as_fd()), monitor: Some(monitor) };
    let child = launch_for(&plan, &outside).unwrap();
    let monitor = child.monitor.unwrap();
    assert_eq!(door.knock(), b"");
    assert_eq!(reap(monitor.as_raw_fd(), WaitFor::End).unwrap().unwrap().end, End::Exited(0));
    assert_eq!(fs::read_to_string(ended).unwrap(), "yes\n");
    folder
}

#[test]
fn a_monitor_keeps_the_log_and_notes_the_end() {
    let folder = monitored("logs", "echo out; echo err >&2; printf rest; exit 3", (0, 1));
    let log = fs::read_to_string(folder.0.join("log")).unwrap();
    let lines: Vec<&str> = log.lines().map(|line| line.split_once(' ').unwrap().1).collect();
    for line in ["stdout F out", "stderr F err", "stdout P rest"] {
        assert!(lines.contains(&line), "{line} in {log}");
    }
    let end = fs::read_to_string(folder.0.join("exit")).unwrap();
    assert!(end.starts_with(r#"{"code":1,"status":3,"seconds":"#), "{end}");
}

#[test]
fn a_monitor_tells_of_a_signal_and_keeps_so_many_logs() {
    let folder = monitored("turns", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done; kill -9 $$", (120, 2));
    let end = fs::read_to_string(folder.0.join("exit")).unwrap();
    assert!(end.starts_with(r#"{"code":2,"status":9,"#), "{end}");
    let read = |name: &str| fs::read_to_string(folder.0.join(name));
    let (last, before) = (read("log").unwrap(), read("log.1").unwrap());
    assert!(last.ends_with("line 9\n") && !before.is_empty(), "{before}|{last}");
    assert!(before.len() < 250 && last.len() < 250, "{before}|{last}");
    assert!(read("log.2").is_err());
}
