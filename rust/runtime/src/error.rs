//! Errors by what a caller would do about them; the words that the child's numbers stand for are found here.

use nix::errno::Errno;
use serde::Serialize;

/// What went wrong. It crosses to TypeScript as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Error {
    /// The spec is wrong: nothing was done.
    Spec {
        /// The field, as in `process.args[1]`; empty for the whole.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The kernel refused: what had been done is undone.
    System {
        /// What could not be done, as in `execute "/bin/true"`.
        operation: String,
        /// The kernel's error number.
        errno: i32,
        /// Its name, as in `ENOENT`.
        code: String,
        /// The plan's step that failed, counted from 1, and of how many.
        step: Option<(u32, u32)>,
        /// Which exit code a shell would give, where that is not the caller's to say: 126 or 127 for an exec.
        exit_code: Option<u8>,
        /// The whole sentence.
        message: String,
    },
    /// The host lacks something: nothing was done.
    Unsupported {
        /// What was asked for.
        feature: String,
        /// What it needs.
        needs: String,
    },
    /// A mistake of ours.
    Internal {
        /// What was seen.
        message: String,
    },
}

/// The whole sentence.
impl std::fmt::Display for Error {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Spec { path, message } if !path.is_empty() => write!(formatter, "{path}: {message}"),
            Self::Spec { message, .. } | Self::System { message, .. } | Self::Internal { message } => {
                formatter.write_str(message)
            }
            Self::Unsupported { feature, needs } => write!(formatter, "{feature}: {needs}"),
        }
    }
}

impl Error {
    /// A [`Error::Spec`].
    pub fn spec(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Spec { path: path.into(), message: message.into() }
    }

    /// A [`Error::System`] that no step of a plan belongs to.
    pub fn system(operation: impl Into<String>, errno: Errno) -> Self {
        let operation = operation.into();
        let message = format!("cannot {operation}: {}", reason(errno));
        Self::System { operation, errno: errno as i32, code: code(errno), step: None, exit_code: None, message }
    }

    /// A [`Error::System`] whose reason is ours: we refuse what the kernel would not, or would with fewer words.
    pub fn refused(operation: impl Into<String>, errno: Errno, why: &str) -> Self {
        let operation = operation.into();
        let message = format!("cannot {operation}: {why}");
        Self::System { operation, errno: errno as i32, code: code(errno), step: None, exit_code: None, message }
    }

    /// The same error with what can be done about it.
    #[must_use]
    pub fn with_advice(mut self, advice: &str) -> Self {
        if let Self::System { message, .. } = &mut self {
            message.push_str("; ");
            message.push_str(advice);
        }
        self
    }

    /// The record's JSON text, below 64 KiB whatever the caller's names are.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut error = self.clone();
        let texts: &mut [&mut String] = match &mut error {
            Self::Spec { path, message } => &mut [path, message],
            Self::System { operation, message, .. } => &mut [operation, message],
            Self::Unsupported { feature, needs } => &mut [feature, needs],
            Self::Internal { message } => &mut [message],
        };
        for text in texts {
            shorten(text);
        }
        serde_json::to_vec(&error).unwrap_or_else(|_| br#"{"kind":"internal","message":"unwritable error"}"#.to_vec())
    }
}

/// The characters of a text that are worth reading: the first and the last of them.
const SHOWN_CHARS: usize = 1000;

fn shorten(text: &mut String) {
    let count = text.chars().count();
    if count > SHOWN_CHARS {
        let half = SHOWN_CHARS / 2;
        let (start, end): (String, String) =
            (text.chars().take(half).collect(), text.chars().skip(count - half).collect());
        *text = format!("{start}…{end}");
    }
}

/// What the kernel said, in the words that shells use: `no such file or directory`.
#[must_use]
pub fn reason(errno: Errno) -> String {
    let words = errno.desc();
    let mut letters = words.chars();
    match (letters.next(), letters.clone().next()) {
        // Not the first letter of `I/O error`.
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        (Some(_), _) => words.into(),
        (None, _) => code(errno),
    }
}

/// The number's name: `ENOENT`.
#[must_use]
pub fn code(errno: Errno) -> String {
    format!("{errno:?}")
}

/// The number of an error's name.
#[must_use]
pub fn number(name: &[u8]) -> Option<Errno> {
    (1..=LAST_ERRNO).map(Errno::from_raw).find(|errno| code(*errno).as_bytes() == name && *errno != Errno::UnknownErrno)
}

/// `EHWPOISON`, the last of asm-generic/errno.h.
const LAST_ERRNO: i32 = 133;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_could_not_be_done_and_why() {
        let error = Error::system("execute \"/x\"", Errno::ENOENT).with_advice("try another");
        let json = String::from_utf8(error.to_json()).unwrap();
        assert!(
            json.contains(r#""message":"cannot execute \"/x\": no such file or directory; try another""#),
            "{json}"
        );
        assert!(json.contains(r#""errno":2,"code":"ENOENT""#), "{json}");
    }

    #[test]
    fn a_name_has_its_number_and_an_unknown_one_has_none() {
        assert_eq!([number(b"EPERM"), number(b"EHWPOISON")], [Some(Errno::EPERM), Some(Errno::EHWPOISON)]);
        assert_eq!([number(b"EFOO"), number(b""), number(b"UnknownErrno")], [None; 3]);
    }

    #[test]
    fn a_text_of_any_length_stays_below_64_kib_and_keeps_its_ends() {
        let name = "\u{1}".repeat(1 << 20);
        let json = Error::spec(name.clone(), format!("start{name}end")).to_json();
        assert!(json.len() < 1 << 16);
        let json = String::from_utf8(json).unwrap();
        assert!(json.contains(r#""message":"start"#) && json.ends_with(r#"end"}"#));
    }
}
