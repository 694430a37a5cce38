use std::fs;
use std::path::PathBuf;

use super::*;

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn make(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("minicontainer-log-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, texts: &[&str]) {
        let text: String = texts.iter().map(|text| line("F", text)).collect();
        fs::write(self.0.join(name), text).unwrap();
    }

    fn add(&self, text: &str) {
        use std::io::Write;
        let mut file = fs::OpenOptions::new().append(true).create(true).open(self.0.join("log")).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    /// As the monitor does it.
    fn rotate(&self, files: u32) {
        for place in (1..files).rev() {
            let from = if place == 1 { "log".into() } else { format!("log.{}", place - 1) };
            let _ = fs::rename(self.0.join(from), self.0.join(format!("log.{place}")));
        }
    }

    fn reader(&self, tail: Option<u64>) -> Reader {
        let folder = open_folder(&self.0).unwrap();
        let mut reader = Reader { folder, files: 3, since: None, current: None, begun: Vec::new() };
        reader.current = tail.map_or_else(|| reader.oldest(), |lines| reader.near_the_end(lines).unwrap());
        reader
    }
}

fn line(tag: &str, text: &str) -> String {
    format!("2026-01-02T03:04:05.678901234Z stdout {tag} {text}\n")
}

/// The texts of all lines that are there.
fn texts(reader: &mut Reader) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let lines = reader.lines().unwrap();
        if lines.is_empty() {
            return all;
        }
        let lines = String::from_utf8(lines).unwrap();
        all.extend(lines.lines().map(|line| line[TAG + 2..].to_string()));
    }
}

#[test]
fn a_log_is_read_from_its_oldest_file_on_and_followed() {
    let folder = Folder::make("order");
    folder.write("log.2", &["1", "2"]);
    folder.write("log.1", &["3"]);
    folder.write("log", &["4"]);
    let mut reader = folder.reader(None);
    assert_eq!(texts(&mut reader), ["1", "2", "3", "4"]);
    folder.add(&line("F", "5")[..20]);
    assert!(texts(&mut reader).is_empty());
    folder.add(&line("F", "5")[20..]);
    assert_eq!(texts(&mut reader), ["5"]);
}

#[test]
fn no_line_is_missed_or_told_twice_where_files_move_meanwhile() {
    let folder = Folder::make("move");
    folder.write("log", &["1"]);
    let mut reader = folder.reader(None);
    assert_eq!(texts(&mut reader), ["1"]);
    folder.add(&line("F", "2"));
    folder.rotate(3);
    folder.add(&line("F", "3"));
    folder.rotate(3);
    folder.add(&line("F", "4"));
    assert_eq!(texts(&mut reader), ["2", "3", "4"]);
    for text in ["5", "6", "7"] {
        folder.rotate(3);
        folder.add(&line("F", text));
    }
    // The one that was read last is gone, and nothing of it was left to read.
    assert_eq!(texts(&mut reader), ["5", "6", "7"]);
}

#[test]
fn a_log_that_is_not_there_yet_is_read_once_it_is() {
    let folder = Folder::make("late");
    let mut reader = folder.reader(None);
    assert!(texts(&mut reader).is_empty());
    folder.add(&line("F", "1"));
    assert_eq!(texts(&mut reader), ["1"]);
}

#[test]
fn the_last_lines_may_begin_in_an_older_file_and_have_parts() {
    let folder = Folder::make("tail");
    folder.write("log.1", &["1", "2"]);
    folder.add(&(line("P", "3a") + &line("F", "3b") + &line("F", "4")));
    let last = |lines| texts(&mut folder.reader(Some(lines)));
    assert_eq!(last(1), ["4"]);
    assert_eq!(last(2), ["3a", "3b", "4"]);
    assert_eq!(last(3), ["2", "3a", "3b", "4"]);
    assert_eq!(last(99), ["1", "2", "3a", "3b", "4"]);
    let mut end = folder.reader(Some(0));
    assert!(texts(&mut end).is_empty());
    folder.add(&line("F", "5"));
    assert_eq!(texts(&mut end), ["5"]);
}

#[test]
fn lines_before_a_moment_are_left_out() {
    let early = line("F", "early").replace("2026", "2025");
    let lines = early + &line("F", "late");
    assert_eq!(late_enough(lines.as_bytes(), b"2026-01-02T03:04:05.678901234Z"), line("F", "late").as_bytes());
}
