//! Who `USER[:GROUP]` is in a root filesystem, by its `/etc/passwd` and `/etc/group`. No NSS: libraries of a container
//! are not loaded, and a container's users are not the host's.
//!
//! As Docker and Podman have it: a user's line gives the ids, the home and, by membership, the other groups. A number
//! needs no line; without one the group is 0. Where a group is given, it takes the place of all others.

pub mod database;
pub mod read;
pub mod request;

use std::collections::HashSet;
use std::os::fd::BorrowedFd;

use crate::error::Error;
use database::Account;
use request::{Id, Request};

/// Where accounts are.
const PASSWD: &str = "/etc/passwd";
/// Where groups are.
const GROUP: &str = "/etc/group";

/// The most groups that a process can have beside its own: `NGROUPS_MAX`.
const MOST_GROUPS: usize = 65536;

/// Whom a program runs as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    /// OCI `process.user.uid`.
    pub uid: u32,
    /// OCI `process.user.gid`.
    pub gid: u32,
    /// OCI `process.user.additionalGids`, each once, in the file's order.
    pub additional_gids: Vec<u32>,
    /// The value for HOME, where the user has a line with one.
    pub home: Option<String>,
    /// The user's name, where the user has a line.
    pub name: Option<String>,
}

/// The text of the two files; none where there is no such file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Files<'a> {
    /// `/etc/passwd`.
    pub passwd: Option<&'a [u8]>,
    /// `/etc/group`.
    pub group: Option<&'a [u8]>,
}

/// Finds `user`, a `USER[:GROUP]`, in the filesystem whose root folder is `root`. `field` is where the spec has it.
///
/// # Errors
/// [`Error::Spec`] with `field` where `user` is not of that form or is not found, or a file is none to be read;
/// [`Error::System`] where the kernel refuses to read.
pub fn find(root: BorrowedFd, user: &str, field: &str) -> Result<User, Error> {
    let request = request::parse(user, field)?;
    let passwd = read::read(root, PASSWD, field)?;
    let group = match request.group {
        Some(Id::Number(_)) => None,
        _ => read::read(root, GROUP, field)?,
    };
    select(&request, Files { passwd: passwd.as_deref(), group: group.as_deref() }, field)
}

/// The home of the user with this number in the filesystem whose root folder is `root`.
///
/// # Errors
/// As [`find`].
pub fn home(root: BorrowedFd, uid: u32, field: &str) -> Result<Option<String>, Error> {
    let passwd = read::read(root, PASSWD, field)?.unwrap_or_default();
    Ok(account_of(&passwd, uid).and_then(|account| account.home))
}

/// The name of the user with this number, by the text of `/etc/passwd`.
#[must_use]
pub fn user_name(passwd: &[u8], uid: u32) -> Option<String> {
    account_of(passwd, uid).map(|account| account.name)
}

fn account_of(passwd: &[u8], uid: u32) -> Option<Account> {
    database::accounts(passwd).find(|account| account.uid == uid)
}

/// Finds whom `request` asks for in the text of the two files.
///
/// # Errors
/// [`Error::Spec`] with `field` where the user or group is not found.
pub fn select(request: &Request, files: Files, field: &str) -> Result<User, Error> {
    let passwd = files.passwd.unwrap_or_default();
    let (uid, account) = match &request.user {
        Id::Number(uid) => (*uid, account_of(passwd, *uid)),
        Id::Name(name) => {
            let account = database::accounts(passwd).find(|account| account.name == *name);
            let account = account.ok_or_else(|| not_found(field, "user", name, PASSWD, files.passwd))?;
            (account.uid, Some(account))
        }
    };
    let (own_gid, home, name) =
        account.map_or((0, None, None), |account| (account.gid, account.home, Some(account.name)));
    let (gid, additional_gids) = match &request.group {
        Some(group) => (gid_of(group, files.group, field)?, Vec::new()),
        None => (own_gid, memberships(name.as_deref(), files.group.unwrap_or_default(), field)?),
    };
    Ok(User { uid, gid, additional_gids, home, name })
}

fn gid_of(group: &Id, text: Option<&[u8]>, field: &str) -> Result<u32, Error> {
    match group {
        Id::Number(gid) => Ok(*gid),
        Id::Name(name) => {
            let mut groups = database::groups(text.unwrap_or_default());
            let group = groups.find(|group| group.name == *name);
            group.map(|group| group.gid).ok_or_else(|| not_found(field, "group", name, GROUP, text))
        }
    }
}

fn memberships(user: Option<&str>, text: &[u8], field: &str) -> Result<Vec<u32>, Error> {
    let Some(user) = user else { return Ok(Vec::new()) };
    let mut gids = Vec::new();
    let mut seen = HashSet::new();
    for group in database::groups(text).filter(|group| group.has_member(user)) {
        if seen.insert(group.gid) {
            gids.push(group.gid);
        }
    }
    if gids.len() > MOST_GROUPS {
        return Err(Error::spec(field, format!("{user:?} is in more than {MOST_GROUPS} groups of {GROUP:?}")));
    }
    Ok(gids)
}

fn not_found(field: &str, what: &str, name: &str, path: &str, text: Option<&[u8]>) -> Error {
    let why = match text {
        Some(_) => format!("cannot find {what} {name:?} in {path:?} of the root filesystem"),
        None => format!("cannot find {what} {name:?}: the root filesystem has no {path:?}; only a number works"),
    };
    Error::spec(field, why)
}

#[cfg(test)]
mod tests;
