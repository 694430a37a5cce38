//! The program's environment.

use std::collections::HashMap;
use std::ffi::CString;
use std::sync::Arc;

use super::root::terminal_streams;
use super::table::c_string;
use crate::error::Error;
use crate::facts::Facts;
use crate::spec::{Spec, Tty};

/// What `execvp(3)` searches where there is no PATH.
const DEFAULT_PATH: &[u8] = b"/bin:/usr/bin";

/// What is inherited, over it the files, over them `process.env`: of several entries with one name the last counts, at
/// the first one's place.
pub(crate) fn merge(spec: &Spec, facts: &Facts) -> Result<Arc<[CString]>, Error> {
    let defaults = &spec.minicontainer.default_env;
    // Who made the terminal says what it can: in a spec of OCI's with `process.terminal` that is the caller.
    let says_terminal = spec.minicontainer.tty != Tty::Never && terminal_streams(spec, facts).contains(&true);
    let is_given = !spec.process.env.is_empty() || !facts.env_files.is_empty() || !defaults.is_empty();
    let is_container = spec.root.is_some() || spec.minicontainer.joins.is_some();
    if !is_given && !is_container && !says_terminal {
        return Ok(Arc::clone(&facts.environment));
    }
    let mut merged = Merged::default();
    for (index, entry) in defaults.iter().enumerate() {
        merged.put(assignment(entry, || format!("minicontainer.defaultEnv[{index}]"))?);
    }
    for entry in facts.environment.iter() {
        merged.put(entry.clone());
    }
    for (index, text) in facts.env_files.iter().enumerate() {
        for (number, line) in text.lines().enumerate() {
            let field = || format!("minicontainer.envFiles[{index}]");
            let name = spec.minicontainer.env_files.get(index).map_or("", String::as_str);
            let entry =
                file_entry(line).map_err(|why| Error::spec(field(), format!("{name}:{}: {why}", number + 1)))?;
            if let Some(entry) = entry {
                merged.put(c_string(&entry, field)?);
            }
        }
    }
    for (index, entry) in spec.process.env.iter().enumerate() {
        merged.put(assignment(entry, || format!("process.env[{index}]"))?);
    }
    if is_container && !merged.places.contains_key(&b"HOME"[..]) {
        // As login(1) has it, and runc.
        let home = facts.home.as_deref().filter(|home| !home.is_empty()).unwrap_or("/");
        merged.put(c_string(&format!("HOME={home}"), || "process.env".into())?);
    }
    if says_terminal && !merged.places.contains_key(&b"TERM"[..]) {
        merged.put(CString::from(c"TERM=xterm"));
    }
    Ok(merged.entries.into())
}

/// The value of PATH, or what stands for it.
pub(super) fn path(environment: &[CString]) -> &[u8] {
    environment.iter().find_map(|entry| entry.as_bytes().strip_prefix(b"PATH=")).unwrap_or(DEFAULT_PATH)
}

#[derive(Default)]
struct Merged {
    entries: Vec<CString>,
    places: HashMap<Vec<u8>, usize>,
}

impl Merged {
    fn put(&mut self, entry: CString) {
        let name = entry.as_bytes().split(|byte| *byte == b'=').next().unwrap_or_default().to_vec();
        let place = *self.places.entry(name).or_insert(self.entries.len());
        match self.entries.get_mut(place) {
            Some(earlier) => *earlier = entry,
            None => self.entries.push(entry),
        }
    }
}

fn assignment(entry: &str, field: impl Fn() -> String) -> Result<CString, Error> {
    if entry.find('=').is_none_or(|place| place == 0) {
        return Err(Error::spec(field(), format!("must be NAME=value; it is {entry:?}")));
    }
    c_string(entry, field)
}

/// One line of a file: `NAME=value` with or without `export`, the value bare or in quotes of either kind; nothing for
/// an empty line and for a comment.
fn file_entry(line: &str) -> Result<Option<String>, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").map_or(line, str::trim_start);
    let (name, value) = line.split_once('=').unwrap_or_default();
    let (name, value) = (name.trim_end(), value.trim_start());
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Err(format!("must be NAME=value; it is {line:?}"));
    }
    let unquoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    Ok(Some(format!("{name}={}", unquoted.unwrap_or(value))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Extras, Process};

    fn merged(inherited: &[&str], file: &str, own: &[&str]) -> Result<Vec<String>, Error> {
        let spec = Spec {
            process: Process { env: own.iter().map(ToString::to_string).collect(), ..Process::default() },
            minicontainer: Extras { env_files: vec!["a.env".into()], ..Extras::default() },
            ..Spec::default()
        };
        let facts = Facts {
            environment: inherited.iter().map(|entry| CString::new(*entry).unwrap()).collect(),
            env_files: vec![file.into()],
            ..Facts::default()
        };
        Ok(merge(&spec, &facts)?.iter().map(|entry| entry.clone().into_string().unwrap()).collect())
    }

    #[test]
    fn the_last_of_one_name_wins_at_the_first_ones_place() {
        let environment = merged(&["A=1", "B=2"], "B=3\nC=4", &["A=5", "D=", "D=6=7"]);
        assert_eq!(environment.unwrap(), ["A=5", "B=3", "C=4", "D=6=7"]);
    }

    #[test]
    fn a_file_may_have_comments_quotes_and_export() {
        let file = "# a comment\n\n export A = 'x y' \nB=\"\"\nC=it's\nD=#5\r\nE=\"open\n";
        assert_eq!(merged(&[], file, &[]).unwrap(), ["A=x y", "B=", "C=it's", "D=#5", "E=\"open"]);
    }

    #[test]
    fn a_line_without_a_name_is_refused_by_file_and_line() {
        for line in ["no equals sign", "=value", "two words=1"] {
            let error = merged(&[], &format!("A=1\n{line}"), &[]).unwrap_err();
            let message = format!("a.env:2: must be NAME=value; it is {line:?}");
            assert_eq!(error, Error::spec("minicontainer.envFiles[0]", message));
        }
    }

    #[test]
    fn an_entry_of_the_spec_without_a_name_is_refused_by_its_place() {
        for entry in ["A", "", "=1"] {
            let error = merged(&[], "", &["OK=1", entry]).unwrap_err();
            assert_eq!(error, Error::spec("process.env[1]", format!("must be NAME=value; it is {entry:?}")));
        }
    }

    #[test]
    fn the_commands_terminal_has_a_type_unless_the_environment_says_it() {
        let with_terminal = |tty, environment: &[&str]| {
            let spec = Spec { minicontainer: Extras { tty, ..Extras::default() }, ..Spec::default() };
            let environment = environment.iter().map(|entry| CString::new(*entry).unwrap()).collect();
            merge(&spec, &Facts { environment, terminals: [true; 3], ..Facts::default() }).unwrap()
        };
        assert_eq!(*with_terminal(Tty::Always, &["A=1"]), [CString::from(c"A=1"), c"TERM=xterm".into()]);
        assert_eq!(*with_terminal(Tty::Auto, &["TERM=vt100"]), [CString::from(c"TERM=vt100")]);
        assert_eq!(*with_terminal(Tty::Never, &["A=1"]), [CString::from(c"A=1")]);
    }

    #[test]
    fn the_path_is_the_environments_or_the_usual_one() {
        let environment = [c"XPATH=/x", c"PATH=/a:/b"].map(CString::from);
        assert_eq!(path(&environment), b"/a:/b");
        assert_eq!(path(&environment[..1]), DEFAULT_PATH);
    }
}
