//! What a container's unit is called, and where its cgroup is: `linux.cgroupsPath` as `slice:prefix:name`. Pure.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::error::Error;

/// A scope's name and its slice's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// `prefix-name.scope`
    pub name: String,
    /// `….slice`
    pub slice: String,
}

/// Where a container goes that says nothing, as in runc: of the system's manager and of a user's.
const SYSTEM_SLICE: &str = "system.slice";
const USER_SLICE: &str = "user.slice";

/// The root of all.
const ROOT_SLICE: &str = "-.slice";

/// `UNIT_NAME_MAX` of systemd's basic/unit-def.h, with its zero.
const LONGEST_NAME: usize = 255;

impl Unit {
    /// Reads `linux.cgroupsPath`.
    ///
    /// # Errors
    /// [`Error::Spec`] with `field`.
    pub fn parse(text: &str, is_user: bool, field: &str) -> Result<Self, Error> {
        let parts: Vec<&str> = text.split(':').collect();
        let [slice, prefix, name] = parts[..] else {
            let why = "must be \"slice:prefix:name\" where systemd makes the cgroup";
            return Err(Error::spec(field, format!("{why}; it is {text:?}")));
        };
        if name.is_empty() {
            return Err(Error::spec(field, format!("must have a name behind the second colon; it is {text:?}")));
        }
        let whole = if prefix.is_empty() { name.to_string() } else { format!("{prefix}-{name}") };
        Self::new(slice, &whole, is_user, field)
    }

    /// The scope `name` in a slice, or in the usual one where that is empty.
    ///
    /// # Errors
    /// [`Error::Spec`] with `field`.
    pub fn new(slice: &str, name: &str, is_user: bool, field: &str) -> Result<Self, Error> {
        let usual = if is_user { USER_SLICE } else { SYSTEM_SLICE };
        let slice = if slice.is_empty() { usual } else { slice };
        if !is_slice(slice) {
            let why = "must be in a slice such as \"a-b.slice\"";
            return Err(Error::spec(field, format!("{why}; it is in {slice:?}")));
        }
        let name = format!("{}.scope", escape(name));
        if name.len() > LONGEST_NAME {
            let message = format!("makes a unit's name of {} bytes; {LONGEST_NAME} are the most", name.len());
            return Err(Error::spec(field, message));
        }
        Ok(Self { name, slice: slice.into() })
    }

    /// The scope of the process that is in a cgroup's unique name, in the usual slice.
    ///
    /// # Errors
    /// None, for the names that there are.
    pub fn of_owner(unique: &str, is_user: bool) -> Result<Self, Error> {
        let owner = unique.rsplit_once('-').map_or(unique, |(owner, _)| owner);
        Self::new("", owner, is_user, "minicontainer.cgroup")
    }

    /// Its cgroup, below that of systemd's manager: a slice `a-b.slice` is in `a.slice`.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        let stem = self.slice.strip_suffix(".slice").unwrap_or_default();
        let dashes = stem.match_indices('-').map(|(place, _)| place);
        let mut folder: PathBuf = match self.slice.as_str() {
            ROOT_SLICE => PathBuf::new(),
            _ => dashes.chain([stem.len()]).map(|end| format!("{}.slice", &stem[..end])).collect(),
        };
        folder.push(&self.name);
        folder
    }
}

/// `slice_name_is_valid` of systemd's basic/unit-name.c.
fn is_slice(name: &str) -> bool {
    let Some(stem) = name.strip_suffix(".slice") else { return false };
    let is_path = stem.split('-').all(|part| !part.is_empty());
    name.len() <= LONGEST_NAME && (name == ROOT_SLICE || is_path) && stem.chars().all(is_valid)
}

/// `VALID_CHARS` of systemd's basic/unit-name.c. Not `@`, which would make it an instance.
fn is_valid(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || ":-_.\\".contains(sign)
}

/// As systemd-escape(1) has it, where a name has what it must not have; `-` stays, which engines have in theirs.
fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (place, byte) in name.bytes().enumerate() {
        let sign = char::from(byte);
        if is_valid(sign) && sign != '\\' && !(place == 0 && sign == '.') {
            escaped.push(sign);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\x{byte:02x}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Unit, Error> {
        Unit::parse(text, false, "linux.cgroupsPath")
    }

    #[test]
    fn a_path_is_a_scope_in_a_slice_and_its_cgroup_is_below_the_slices_on_the_way() {
        let cases = [
            ("machine.slice:libpod:0123", "libpod-0123.scope", "machine.slice/libpod-0123.scope"),
            ("system.slice::x", "x.scope", "system.slice/x.scope"),
            (":crio:x", "crio-x.scope", "system.slice/crio-x.scope"),
            ("-.slice:a:b", "a-b.scope", "a-b.scope"),
            (
                "kubepods-burstable-pod1_2.slice:cri-containerd:c",
                "cri-containerd-c.scope",
                "kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-c.scope",
            ),
        ];
        for (text, name, folder) in cases {
            let unit = parse(text).unwrap();
            assert_eq!((unit.name.as_str(), unit.folder()), (name, PathBuf::from(folder)), "{text}");
        }
        assert_eq!(Unit::parse(":a:b", true, "").unwrap().folder(), PathBuf::from("user.slice/a-b.scope"));
    }

    #[test]
    fn a_name_has_no_sign_that_a_units_name_must_not_have() {
        let name = |text: &str| Unit::new("", text, false, "").unwrap().name;
        assert_eq!(name("a/b c@d"), "a\\x2fb\\x20c\\x40d.scope");
        assert_eq!(name(".a\\é"), "\\x2ea\\x5c\\xc3\\xa9.scope");
        assert_eq!(name("A-z_0:9.x"), "A-z_0:9.x.scope");
    }

    #[test]
    fn what_is_no_unit_is_refused_by_its_field() {
        let long = "x".repeat(250);
        let long = format!("::{long}");
        let cases = ["", "/a/b", "a:b", "a:b:c:d", "a::", "a:b:c", ".slice:a:b", "a--b.slice:a:b", "-a.slice:a:b"];
        for text in cases.into_iter().chain(["a/b.slice:a:b", "a@.slice:a:b", "../a.slice:a:b", &long]) {
            let error = parse(text).unwrap_err();
            assert!(matches!(&error, Error::Spec { path, .. } if path == "linux.cgroupsPath"), "{text}: {error:?}");
        }
    }
}
