//! `USER[:GROUP]`, as `--user` and an image's `User` have it.
//!
//! A part of digits only is a number, always: an image's `/etc/passwd` cannot give the
//! name `1000` to root. (Docker and Podman do the same.) `010` is ten. What looks like a number but isn't one, `+1` and
//! ` 1`, is refused and never looked up; so is what doesn't fit, 4294967295 among it, which to the kernel means "none".

use crate::decimal;
use crate::error::Error;

/// Whom to run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Before the colon.
    pub user: Id,
    /// After the colon, where there is one.
    pub group: Option<Id>,
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    /// By its number, below 4294967295.
    Number(u32),
    /// By its name.
    Name(String),
}

/// Reads `USER[:GROUP]`, the value of the spec's `field`.
///
/// # Errors
/// [`Error::Spec`] that says what is wrong with which part.
pub fn parse(text: &str, field: &str) -> Result<Request, Error> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let refuse = |why| Error::spec(field, format!("must be USER[:GROUP], names or numbers; {why}"));
    Ok(Request {
        user: id(user, "user").map_err(refuse)?,
        group: group.map(|group| id(group, "group")).transpose().map_err(refuse)?,
    })
}

fn id(text: &str, what: &str) -> Result<Id, String> {
    if text.is_empty() {
        return Err(format!("the {what} is empty"));
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number = decimal::parse(text).filter(|number| *number < u32::MAX);
        return number.map(Id::Number).ok_or_else(|| format!("the {what} {text} is not below {}", u32::MAX));
    }
    // The second of two colons is a part of the group here.
    let is_strange = |character: char| character.is_whitespace() || character.is_control() || ":/,".contains(character);
    if text.starts_with(['+', '-']) || text.contains(is_strange) {
        return Err(format!("{text:?} is neither the name nor the number of a {what}"));
    }
    Ok(Id::Name(text.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        match parse(text, "process.user") {
            Err(Error::Spec { path, message }) if path == "process.user" => message,
            other => panic!("{text:?}: {other:?}"),
        }
    }

    fn name(name: &str) -> Id {
        Id::Name(name.into())
    }

    #[test]
    fn every_form_of_user_and_group() {
        for (text, user, group) in [
            ("www", name("www"), None),
            ("0", Id::Number(0), None),
            ("www:users", name("www"), Some(name("users"))),
            ("www:100", name("www"), Some(Id::Number(100))),
            ("1000:users", Id::Number(1000), Some(name("users"))),
            ("1000:0", Id::Number(1000), Some(Id::Number(0))),
        ] {
            assert_eq!(parse(text, "f").unwrap(), Request { user, group }, "{text}");
        }
    }

    #[test]
    fn digits_are_a_number_to_the_last_one_that_fits() {
        for (text, number) in [("1", 1), ("01", 1), ("010", 10), ("2147483648", 1 << 31), ("4294967294", u32::MAX - 1)]
        {
            assert_eq!(parse(text, "f").unwrap().user, Id::Number(number), "{text}");
        }
    }

    #[test]
    fn cve_2024_40635_a_number_that_does_not_fit_is_refused() {
        for text in ["4294967295", "4294967296", "4294968296", "18446744073709551616", "99999999999999999999999"] {
            assert!(message(text).ends_with(&format!("the user {text} is not below 4294967295")));
            assert!(message(&format!("0:{text}")).ends_with(&format!("the group {text} is not below 4294967295")));
        }
    }

    #[test]
    fn cve_2026_30892_what_only_looks_like_a_number_is_refused() {
        for text in ["+1", "-1", " 1", "1 ", "1\n", "\t1", "1\0", "-0", "+0", "1,2", "\u{a0}1"] {
            let neither = format!("{text:?} is neither the name nor the number of a ");
            assert!(message(text).ends_with(&format!("{neither}user")), "{text:?}");
            assert!(message(&format!("0:{text}")).ends_with(&format!("{neither}group")), "{text:?}");
        }
    }

    #[test]
    fn what_begins_like_a_number_is_a_name_and_never_the_number() {
        for text in ["0x0", "1e3", "1_0", "0b0", "1.0", "0root", "\u{660}"] {
            assert_eq!(parse(text, "f").unwrap().user, name(text), "{text}");
        }
    }

    #[test]
    fn a_part_that_is_missing_is_refused() {
        assert_eq!(message(""), "must be USER[:GROUP], names or numbers; the user is empty");
        assert_eq!(message(":"), "must be USER[:GROUP], names or numbers; the user is empty");
        assert_eq!(message(":0"), "must be USER[:GROUP], names or numbers; the user is empty");
        assert_eq!(message("0:"), "must be USER[:GROUP], names or numbers; the group is empty");
    }

    #[test]
    fn a_name_is_one_word_of_the_file() {
        assert_eq!(parse("jo.do-e_1$", "f").unwrap().user, name("jo.do-e_1$"));
        assert!(message("a:b:c").ends_with("\"b:c\" is neither the name nor the number of a group"));
        assert!(message("../root").ends_with("\"../root\" is neither the name nor the number of a user"));
    }
}
