use std::os::unix::fs::PermissionsExt;

use super::*;

/// A root of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Self {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("minicontainer-store-{}-{number}", std::process::id())))
    }

    fn place(&self, id: &str) -> Place {
        Place { root: self.0.clone(), id: id.into() }
    }

    fn create(&self, id: &str) -> Result<Locked, Error> {
        create(&New { place: self.place(id), state: raw(r#"{"n":1}"#), config: Some(raw("{}")) })
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn raw(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.into()).unwrap()
}

fn text(found: &Found) -> &str {
    found.state.as_ref().unwrap().get()
}

fn errno<T>(result: Result<T, Error>) -> i32 {
    match result {
        Err(Error::System { errno, .. }) => errno,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it has succeeded"),
    }
}

#[test]
fn a_container_is_there_with_all_that_it_has_and_is_its_owners_alone() {
    let root = Folder::make();
    root.create("a.b_c+d-e").unwrap();
    let made = read(&root.place("a.b_c+d-e")).unwrap();
    assert_eq!(fs::metadata(&made.folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(&root.0).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_to_string(made.folder.join("config.json")).unwrap(), "{}");
    assert_eq!(text(&made), r#"{"n":1}"#);
    assert_eq!(root.names(), ["a.b_c+d-e"]);
}

#[test]
fn there_is_one_container_of_an_id() {
    let root = Folder::make();
    root.create("x").unwrap();
    assert_eq!(errno(root.create("x")), Errno::EEXIST as i32);
    assert_eq!(errno(read(&root.place("y"))), Errno::ENOENT as i32);
    assert_eq!(errno(open(&root.place("y"))), Errno::ENOENT as i32);
    assert_eq!(root.names(), ["x"]);
}

#[test]
fn a_container_is_one_holders_until_the_handle_is_given_up() {
    let root = Folder::make();
    let first = root.create("x").unwrap().handle.unwrap();
    assert_eq!(open(&root.place("x")).unwrap().handle, None);
    close(&Handle { handle: first });
    let second = open(&root.place("x")).unwrap().handle.unwrap();
    save(&Change { handle: second, state: raw(r#"{"n":2}"#) }).unwrap();
    assert_eq!(text(&read(&root.place("x")).unwrap()), r#"{"n":2}"#);
    assert!(matches!(held(first), Err(Error::Internal { .. })));
    remove(second).unwrap();
    assert_eq!(errno(open(&root.place("x"))), Errno::ENOENT as i32);
    assert_eq!(root.names(), [""; 0]);
}

#[test]
fn of_many_that_make_one_id_one_succeeds() {
    let root = Folder::make();
    let made: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|_| scope.spawn(|| usize::from(root.create("x").is_ok()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((made, root.names()), (1, vec!["x".to_string()]));
}

#[test]
fn what_a_killed_process_left_is_swept_away_but_not_what_is_being_made() {
    let root = Folder::make();
    let (passing, lock) = {
        make_root(&root.0).unwrap();
        Passing::make(&root.place("x")).unwrap()
    };
    fs::create_dir_all(root.0.join("~1-1/sub")).unwrap();
    list(&Root { root: root.0.clone() }).unwrap();
    assert_eq!(root.names().len(), 1);
    passing.settle(&root.0.join("x")).unwrap();
    drop(lock);
    assert_eq!(root.names(), ["x"]);
}

#[test]
fn a_list_has_what_is_a_container_and_tells_of_a_damaged_one() {
    let root = Folder::make();
    assert!(list(&Root { root: root.0.clone() }).unwrap().is_empty());
    root.create("b").unwrap();
    root.create("a").unwrap();
    fs::create_dir(root.0.join("foreign")).unwrap();
    fs::write(root.0.join("file"), "").unwrap();
    fs::write(root.0.join("b/state.json"), "{").unwrap();
    let found: Vec<(String, bool)> = list(&Root { root: root.0.clone() })
        .unwrap()
        .into_iter()
        .map(|entry| (entry.id, entry.state.is_some()))
        .collect();
    assert_eq!(found, [("a".to_string(), true), ("b".to_string(), false)]);
}

#[test]
fn an_id_is_one_component_of_a_path() {
    for id in ["", ".", "..", "a/b", "~x", "a b", "ä", "a\n", &"x".repeat(1025)] {
        assert!(matches!(read(&Folder::make().place(id)), Err(Error::Spec { .. })), "{id:?}");
    }
}
