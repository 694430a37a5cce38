//! What a root filesystem may hold in place of `/etc/passwd`, for real.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use nix::sys::stat::{Mode, makedev, mknod};
use nix::unistd::mkfifo;

use super::*;
use crate::users::{User, find, home};

/// A folder with an empty `etc`, gone at the test's end.
struct Root {
    folder: PathBuf,
}

impl Root {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("minicontainer-users-{}-{name}", std::process::id()));
        fs::create_dir_all(folder.join("root/etc")).unwrap();
        Self { folder }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join("root").join(path)
    }

    fn open(&self) -> OwnedFd {
        File::open(self.path("")).unwrap().into()
    }

    fn read(&self) -> Result<Option<Vec<u8>>, Error> {
        read(self.open().as_fd(), "/etc/passwd", "f")
    }

    fn find(&self, user: &str) -> Result<User, Error> {
        find(self.open().as_fd(), user, "f")
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn refusal(why: &str) -> Error {
    Error::spec("f", format!("\"/etc/passwd\" of the root filesystem {why}"))
}

fn is_a(kind: &str) -> Error {
    refusal(&format!("is {kind}; it must be a regular file"))
}

#[test]
fn a_regular_file_is_read() {
    let root = Root::new("regular");
    fs::write(root.path("etc/passwd"), "ann:x:5:6::/home/ann:/bin/sh\n").unwrap();
    fs::write(root.path("etc/group"), "ann:x:6:\naudio:x:29:ann\n").unwrap();
    let ann =
        User { uid: 5, gid: 6, additional_gids: vec![29], home: Some("/home/ann".into()), name: Some("ann".into()) };
    assert_eq!(root.find("ann"), Ok(ann.clone()));
    assert_eq!(root.find("5:audio"), Ok(User { gid: 29, additional_gids: vec![], ..ann }));
    assert_eq!(home(root.open().as_fd(), 5, "f"), Ok(Some("/home/ann".into())));
    assert_eq!(home(root.open().as_fd(), 6, "f"), Ok(None));
}

#[test]
fn without_a_file_only_a_number_works() {
    let root = Root::new("missing");
    assert_eq!(root.read(), Ok(None));
    assert_eq!(root.find("5:6"), Ok(User { uid: 5, gid: 6, ..User::default() }));
    assert_eq!(home(root.open().as_fd(), 0, "f"), Ok(None));
    let message = "cannot find user \"root\": the root filesystem has no \"/etc/passwd\"; only a number works";
    assert_eq!(root.find("root"), Err(Error::spec("f", message)));
    fs::remove_dir(root.path("etc")).unwrap();
    assert_eq!(root.read(), Ok(None));
    fs::write(root.path("etc"), "not a folder").unwrap();
    assert_eq!(root.read(), Ok(None));
}

#[test]
fn a_link_out_of_the_root_leads_into_it() {
    for (name, target) in [("up", "../../../../../../../../etc/secret"), ("absolute", "/etc/secret")] {
        let root = Root::new(name);
        symlink(target, root.path("etc/passwd")).unwrap();
        assert_eq!(root.read(), Ok(None), "{target}");
        fs::write(root.path("etc/secret"), "inside").unwrap();
        assert_eq!(root.read(), Ok(Some(b"inside".to_vec())), "{target}");
    }
}

#[test]
fn the_hosts_own_file_is_out_of_reach() {
    assert!(Path::new("/etc/passwd").is_file());
    for (name, link, target) in [
        ("host-relative", "etc/passwd", "../../../../../../../../etc/passwd"),
        ("host-absolute", "etc/passwd", "/etc/passwd"),
        ("host-folder", "etc", "/etc"),
    ] {
        let root = Root::new(name);
        let _ = fs::remove_dir(root.path(link));
        symlink(target, root.path(link)).unwrap();
        assert_eq!(
            root.read(),
            Err(Error::system("read \"/etc/passwd\" of the root filesystem", Errno::ELOOP)),
            "{name}"
        );
    }
}

#[test]
fn a_link_between_folders_of_the_root_is_followed() {
    let root = Root::new("linked");
    fs::create_dir(root.path("usr")).unwrap();
    fs::rename(root.path("etc"), root.path("usr/etc")).unwrap();
    symlink("/usr/etc", root.path("etc")).unwrap();
    fs::write(root.path("usr/etc/passwd"), "text").unwrap();
    assert_eq!(root.read(), Ok(Some(b"text".to_vec())));
}

#[test]
fn a_magic_link_is_not_followed() {
    let proc = File::open("/proc").unwrap();
    let read = |path: &str| read(proc.as_fd(), path, "f");
    let file = File::open("/proc/self/status").unwrap();
    let path = format!("self/fd/{}", file.as_raw_fd());
    assert!(matches!(read(&path), Err(Error::System { errno, .. }) if errno == Errno::ELOOP as i32));
    assert!(read("self/status").unwrap().is_some());
}

#[test]
fn cve_2024_9676_a_fifo_is_refused_at_once() {
    let root = Root::new("fifo");
    mkfifo(&root.path("etc/passwd"), Mode::S_IRUSR).unwrap();
    assert_eq!(root.read(), Err(is_a("a FIFO")));
    assert_eq!(root.find("0"), Err(is_a("a FIFO")));
}

#[test]
fn cve_2024_9676_a_link_to_a_fifo_is_refused() {
    let root = Root::new("fifo-linked");
    mkfifo(&root.path("fifo"), Mode::S_IRUSR).unwrap();
    symlink("/fifo", root.path("etc/passwd")).unwrap();
    assert_eq!(root.read(), Err(is_a("a FIFO")));
}

#[test]
fn a_file_that_is_swapped_meanwhile_is_read_whole_or_refused() {
    let root = Root::new("swapped");
    mkfifo(&root.path("fifo"), Mode::S_IRUSR).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let _ = fs::remove_file(root.path("etc/passwd"));
                fs::hard_link(root.path("fifo"), root.path("etc/passwd")).unwrap();
                fs::write(root.path("new"), "text").unwrap();
                fs::rename(root.path("new"), root.path("etc/passwd")).unwrap();
            }
        });
        let seen = (0..2000).map(|_| root.read()).collect::<Vec<_>>();
        is_over.store(true, Ordering::Relaxed);
        let is_right = |read: &_| [Ok(None), Ok(Some(b"text".to_vec())), Err(is_a("a FIFO"))].contains(read);
        assert_eq!(seen.iter().find(|read| !is_right(read)), None);
    });
}

#[test]
fn a_folder_and_a_socket_are_refused() {
    let root = Root::new("folder");
    fs::create_dir(root.path("etc/passwd")).unwrap();
    assert_eq!(root.read(), Err(is_a("a folder")));
    fs::remove_dir(root.path("etc/passwd")).unwrap();
    let _listener = UnixListener::bind(root.path("etc/passwd")).unwrap();
    assert_eq!(root.read(), Err(is_a("a socket")));
}

#[test]
fn a_device_is_refused() {
    let root = Root::new("device");
    for (kind, number, words) in
        [(SFlag::S_IFCHR, makedev(1, 5), "a character device"), (SFlag::S_IFBLK, makedev(7, 0), "a block device")]
    {
        if let Err(errno) = mknod(&root.path("etc/passwd"), kind, Mode::S_IRUSR, number) {
            eprintln!("skipped: cannot make {words}: {errno}; run as root");
            continue;
        }
        assert_eq!(root.read(), Err(is_a(words)));
        fs::remove_file(root.path("etc/passwd")).unwrap();
    }
}

#[test]
fn cve_2024_9676_a_file_larger_than_1_mib_is_refused() {
    let root = Root::new("large");
    let file = File::create(root.path("etc/passwd")).unwrap();
    for (length, is_read) in [(LARGEST, true), (LARGEST + 1, false), (2 * LARGEST, false), (1 << 40, false)] {
        file.set_len(length).unwrap();
        match root.read() {
            Ok(bytes) => assert!(is_read && bytes.unwrap().len() as u64 == length, "{length}"),
            Err(error) => assert!(!is_read && error == refusal("is larger than 1 MiB"), "{length}: {error:?}"),
        }
    }
}

#[test]
fn a_group_file_is_read_only_where_it_is_needed() {
    let root = Root::new("group");
    mkfifo(&root.path("etc/group"), Mode::S_IRUSR).unwrap();
    assert_eq!(root.find("5:6"), Ok(User { uid: 5, gid: 6, ..User::default() }));
    let error = Error::spec("f", "\"/etc/group\" of the root filesystem is a FIFO; it must be a regular file");
    assert_eq!(root.find("5:audio"), Err(error.clone()));
    assert_eq!(root.find("5"), Err(error));
}
