//! Who is who, on text.

use super::*;

const PASSWD_TEXT: &[u8] = b"root:x:0:0:root:/root:/bin/sh
broken line
huge:x:4294967296:0::/huge:/bin/sh
0:x:7:7:a trap:/trap:/bin/sh
www:x:33:34::/var/www:/bin/sh
www:x:99:99:the second:/second:/bin/sh
twin:x:33:99::/twin:/bin/sh
1000:x:0:0:another trap:/trap:/bin/sh
nohome:x:44:44
";

const GROUP_TEXT: &[u8] = b"root:x:0:
www:x:34:www
users:x:100:ann,www
audio:x:29:www
again:x:29:www
huge:x:4294967296:www
33:x:5:33
1000:x:6:
";

const FILES: Files = Files { passwd: Some(PASSWD_TEXT), group: Some(GROUP_TEXT) };

fn selected(user: &str, files: Files) -> Result<User, Error> {
    select(&request::parse(user, "f")?, files, "f")
}

fn user(uid: u32, gid: u32, additional_gids: &[u32], line: Option<(&str, &str)>) -> User {
    let (name, home) = line.map(|(name, home)| (name.to_string(), home.to_string())).unzip();
    User { uid, gid, additional_gids: additional_gids.to_vec(), home, name }
}

#[test]
fn a_users_line_gives_ids_home_and_groups() {
    let www = user(33, 34, &[34, 100, 29], Some(("www", "/var/www")));
    assert_eq!(selected("www", FILES), Ok(www.clone()));
    assert_eq!(selected("33", FILES), Ok(www.clone()));
    assert_eq!(selected("033", FILES), Ok(www));
    assert_eq!(selected("root", FILES), Ok(user(0, 0, &[], Some(("root", "/root")))));
    assert_eq!(selected("nohome", FILES).unwrap(), User { home: None, ..user(44, 44, &[], Some(("nohome", ""))) });
}

#[test]
fn a_group_that_is_given_takes_the_place_of_all_others() {
    for (text, gid) in [("www:users", 100), ("www:5", 5), ("33:users", 100), ("33:0", 0), ("33:100", 100)] {
        assert_eq!(selected(text, FILES), Ok(user(33, gid, &[], Some(("www", "/var/www")))), "{text}");
    }
}

#[test]
fn a_number_needs_no_line() {
    assert_eq!(selected("1234", FILES), Ok(user(1234, 0, &[], None)));
    assert_eq!(selected("1234:users", FILES), Ok(user(1234, 100, &[], None)));
    assert_eq!(selected("1234:5678", FILES), Ok(user(1234, 5678, &[], None)));
    assert_eq!(selected("4294967294", FILES), Ok(user(u32::MAX - 1, 0, &[], None)));
}

#[test]
fn a_name_of_digits_cannot_make_a_number_another() {
    assert_eq!(selected("1000", FILES), Ok(user(1000, 0, &[], None)));
    assert_eq!(selected("0", FILES), Ok(user(0, 0, &[], Some(("root", "/root")))));
    assert_eq!(selected("33:1000", FILES).unwrap().gid, 1000);
}

#[test]
fn a_user_or_group_that_is_not_there_is_refused_by_name() {
    let message = |what: &str, path: &str| format!("cannot find {what} in {path:?} of the root filesystem");
    for (text, what, path) in [
        ("nobody", "user \"nobody\"", "/etc/passwd"),
        ("huge", "user \"huge\"", "/etc/passwd"),
        ("Root", "user \"Root\"", "/etc/passwd"),
        ("www:nobody", "group \"nobody\"", "/etc/group"),
        ("33:huge", "group \"huge\"", "/etc/group"),
    ] {
        assert_eq!(selected(text, FILES), Err(Error::spec("f", message(what, path))), "{text}");
    }
}

#[test]
fn without_files_only_numbers_work() {
    assert_eq!(selected("33:34", Files::default()), Ok(user(33, 34, &[], None)));
    let missing = |what: &str, path: &str| {
        Error::spec("f", format!("cannot find {what}: the root filesystem has no {path:?}; only a number works"))
    };
    assert_eq!(selected("root", Files::default()), Err(missing("user \"root\"", "/etc/passwd")));
    assert_eq!(selected("0:root", Files::default()), Err(missing("group \"root\"", "/etc/group")));
}

#[test]
fn more_groups_than_a_process_can_have_are_refused() {
    let group = |count: u32| (1..=count).map(|gid| format!("g:x:{gid}:www\n")).collect::<Vec<_>>().concat();
    let most = u32::try_from(MOST_GROUPS).unwrap();
    let with = |text: &str| selected("www", Files { group: Some(text.as_bytes()), ..FILES });
    assert_eq!(with(&group(most)).unwrap().additional_gids.len(), MOST_GROUPS);
    let message = "\"www\" is in more than 65536 groups of \"/etc/group\"";
    assert_eq!(with(&group(most + 1)), Err(Error::spec("f", message)));
}

#[test]
fn a_number_has_the_name_of_its_first_line() {
    assert_eq!(user_name(PASSWD_TEXT, 33), Some("www".into()));
    assert_eq!(user_name(PASSWD_TEXT, 1234), None);
    assert_eq!(user_name(b"", 0), None);
}
