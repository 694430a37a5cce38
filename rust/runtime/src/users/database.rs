//! The lines of `passwd(5)` and `group(5)`. Of several that fit the first counts.
//!
//! Lines are skipped that have no name, too few fields, or an id that isn't a number below 4294967295; comments and
//! NIS's `+` and `-` with them. The text is an image's: it need not be UTF-8 where nobody reads it.

use crate::decimal;

/// A line of `/etc/passwd`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who.
    pub name: String,
    /// The user's number.
    pub uid: u32,
    /// The number of the user's own group.
    pub gid: u32,
    /// The user's folder; none where the field is missing, empty, or no text that a variable may hold.
    pub home: Option<String>,
}

/// A line of `/etc/group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// Its number.
    pub gid: u32,
    /// The names of its members, with commas between them.
    members: Vec<u8>,
}

impl Group {
    /// Whether `user` is named among the members.
    #[must_use]
    pub fn has_member(&self, user: &str) -> bool {
        self.members.split(|byte| *byte == b',').any(|member| member.trim_ascii() == user.as_bytes())
    }
}

/// The lines of `/etc/passwd` that are accounts.
pub fn accounts(passwd: &[u8]) -> impl Iterator<Item = Account> {
    lines(passwd).filter_map(|line| {
        // name:password:uid:gid:comment:home:shell
        let mut fields = line.split(|byte| *byte == b':');
        let (name, _, uid, gid) = (name(fields.next()?)?, fields.next()?, id(fields.next()?)?, id(fields.next()?)?);
        Some(Account { name, uid, gid, home: fields.nth(1).and_then(folder) })
    })
}

/// The lines of `/etc/group` that are groups.
pub fn groups(group: &[u8]) -> impl Iterator<Item = Group> {
    lines(group).filter_map(|line| {
        // name:password:gid:members
        let mut fields = line.split(|byte| *byte == b':');
        let (name, _, gid) = (name(fields.next()?)?, fields.next()?, id(fields.next()?)?);
        Some(Group { name, gid, members: fields.next().unwrap_or_default().to_vec() })
    })
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii)
}

fn name(field: &[u8]) -> Option<String> {
    let is_entry =
        !field.is_empty() && !field.starts_with(b"#") && !field.starts_with(b"+") && !field.starts_with(b"-");
    String::from_utf8(field.to_vec()).ok().filter(|_| is_entry)
}

fn id(field: &[u8]) -> Option<u32> {
    decimal::parse(field).filter(|id| *id < u32::MAX)
}

fn folder(field: &[u8]) -> Option<String> {
    let text = String::from_utf8(field.to_vec()).ok()?;
    (!text.is_empty() && !text.contains(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(line: &[u8]) -> Option<Account> {
        let mut found = accounts(line);
        let account = found.next();
        assert_eq!(found.next(), None);
        account
    }

    #[test]
    fn a_line_of_passwd_is_an_account() {
        let expected = Account { name: "www".into(), uid: 33, gid: 34, home: Some("/var/www".into()) };
        for line in [
            "www:x:33:34:the web,,,:/var/www:/bin/sh",
            "www:x:33:34::/var/www:/bin/sh",
            "www::33:34::/var/www",
            "  www:x:33:34::/var/www:/bin/sh\r\n",
            "\n\nwww:x:33:34::/var/www:/bin/sh:more:fields",
        ] {
            assert_eq!(account(line.as_bytes()), Some(expected.clone()), "{line:?}");
        }
        assert_eq!(account(b"www:x:33:34:\xe9:/var/www:/bin/sh"), Some(expected));
    }

    #[test]
    fn a_home_is_optional() {
        for line in
            [&b"a:x:1:2"[..], b"a:x:1:2:", b"a:x:1:2::", b"a:x:1:2:::/bin/sh", b"a:x:1:2::/\xff:", b"a:x:1:2::/\0:"]
        {
            let expected = Account { name: "a".into(), uid: 1, gid: 2, home: None };
            assert_eq!(account(line), Some(expected), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_line_that_is_no_account_is_skipped() {
        for line in [
            &b""[..],
            b"a",
            b"a:x:1",
            b":x:0:0:::",
            b"\xff:x:0:0:::",
            b"# a:x:0:0:::",
            b"+",
            b"+::0:0:::",
            b"+a:x:0:0:::",
            b"-a:x:0:0:::",
            b"a:x::0:::",
            b"a:x:0::::",
            b"a:x:+0:0:::",
            b"a:x: 0:0:::",
            b"a:x:-1:0:::",
            b"a:x:0x0:0:::",
            b"a:x:0:zero:::",
            b"a:x:4294967295:0:::",
            b"a:x:4294967296:0:::",
            b"a:x:0:4294967296:::",
        ] {
            assert_eq!(account(line), None, "{}", line.escape_ascii());
        }
    }

    #[test]
    fn a_line_of_group_has_members() {
        let text = b"users:x:100:ann,bob\nempty:x:101:\nbare:x:102\nbad:x:4294967296:ann\n+:::\n#no:x:1:ann\n";
        let groups: Vec<Group> = groups(text).collect();
        assert_eq!(
            groups.iter().map(|group| (group.name.as_str(), group.gid)).collect::<Vec<_>>(),
            [("users", 100), ("empty", 101), ("bare", 102)]
        );
        let is_member = |user| groups.iter().map(|group| group.has_member(user)).collect::<Vec<_>>();
        assert_eq!(is_member("ann"), [true, false, false]);
        assert_eq!(is_member("bob"), [true, false, false]);
        assert_eq!(is_member("an"), [false; 3]);
    }
}
