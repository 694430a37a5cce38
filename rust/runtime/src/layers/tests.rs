use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use nix::sys::stat::{Mode, SFlag, mknod};
use serde_json::json;

use super::Layers;
use super::told::{Changes, Kind};

/// Two folders, removed at the end.
struct Folders(PathBuf);

impl Folders {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("minicontainer-layers-{name}-{}", std::process::id()));
        for layer in ["upper", "lower"] {
            fs::create_dir_all(path.join(layer)).unwrap();
        }
        Self(path)
    }

    fn write(&self, path: &str) -> &Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        self
    }

    fn whiteout(&self, path: &str) -> &Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        // This one device everybody may make.
        mknod(&path, SFlag::S_IFCHR, Mode::empty(), 0).unwrap();
        self
    }

    fn told(&self) -> String {
        let open = |layer: &str| OwnedFd::from(File::open(self.0.join(layer)).unwrap());
        Layers { upper: open("upper"), lower: open("lower") }.changes().to_string()
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

#[test]
fn what_is_in_the_upper_layer_is_added_changed_or_deleted() {
    let folders = Folders::new("kinds");
    folders.write("lower/etc/passwd").write("lower/etc/gone").write("lower/same/file");
    folders.write("upper/etc/passwd").whiteout("upper/etc/gone").write("upper/etc/new").write("upper/made/deep/file");
    let expected =
        ["C /etc", "D /etc/gone", "A /etc/new", "C /etc/passwd", "A /made", "A /made/deep", "A /made/deep/file"];
    assert_eq!(folders.told().lines().collect::<Vec<_>>(), expected);
}

#[test]
fn nothing_is_told_of_an_empty_layer() {
    assert_eq!(Folders::new("empty").write("lower/file").told(), "");
}

#[test]
fn links_of_either_layer_lead_nowhere() {
    let folders = Folders::new("links");
    symlink("/etc", folders.0.join("upper/link")).unwrap();
    symlink("/", folders.0.join("lower/etc")).unwrap();
    folders.write("upper/etc/passwd");
    assert_eq!(folders.told(), "C /etc\nA /etc/passwd\nA /link\n");
}

#[test]
fn a_folder_that_is_deeper_than_paths_can_be_is_named() {
    let folders = Folders::new("deep");
    let name = "x".repeat(250);
    let mut top = folders.0.join("upper");
    // From the inside, for no path leads there.
    for _ in 0..17 {
        fs::create_dir_all(folders.0.join("new").join(&name)).unwrap();
        let inner = folders.0.join("new").join(&name);
        for entry in fs::read_dir(&top).unwrap() {
            let entry = entry.unwrap();
            fs::rename(entry.path(), inner.join(entry.file_name())).unwrap();
        }
        fs::remove_dir(&top).unwrap();
        fs::rename(folders.0.join("new"), &top).unwrap();
        top = folders.0.join("upper");
    }
    let told = folders.told();
    assert_eq!(told.lines().filter(|line| line.starts_with("A /")).count(), 17);
    assert!(told.lines().last().unwrap().starts_with("minicontainer: what was changed in "), "{told}");
    assert!(told.trim_end().ends_with("is not told: file name too long"), "{told}");
}

#[test]
fn what_would_move_a_cursor_is_escaped_in_lines_and_kept_in_json() {
    let mut changes = Changes::default();
    changes.add("a\nb\u{1b}[2J".as_ref(), Kind::Added);
    assert_eq!(changes.to_string(), "A /a\\nb\\u{1b}[2J\n");
    let json = serde_json::to_value(&changes).unwrap();
    assert_eq!(json, json!({"changes": [{"path": "/a\nb\u{1b}[2J", "kind": "added"}], "degraded": []}));
}

#[test]
fn so_many_changes_are_told_and_no_more() {
    let mut changes = Changes::default();
    let name = PathBuf::from("x".repeat(4000));
    for _ in 0..10_000 {
        changes.add(&name, Kind::Added);
    }
    assert!(changes.is_full());
    let told = changes.to_string();
    assert!(told.len() < 17 << 20, "{}", told.len());
    assert!(told.ends_with("changes are told: there are more\n"));
}
