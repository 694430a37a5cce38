//! A policy as version 1 has it: what happens to a device in general, and a list of exceptions. Linux's
//! Documentation/admin-guide/cgroup-v1/devices.rst, security/device_cgroup.c.

use super::{Access, Kind, Policy, Rule};
use crate::error::Error;

/// A line for a file of the cgroup's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The file: `devices.allow` or `devices.deny`.
    pub file: &'static str,
    /// What is written to it.
    pub line: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exception {
    kind: Kind,
    major: Option<u32>,
    minor: Option<u32>,
    access: Access,
}

impl Exception {
    fn is_about_the_same(&self, other: &Self) -> bool {
        (self.kind, self.major, self.minor) == (other.kind, other.major, other.minor)
    }

    /// What both are about, with what either says.
    fn meet(&self, other: &Self) -> Option<Self> {
        let number = |one: Option<u32>, other: Option<u32>| match (one, other) {
            (Some(one), Some(other)) if one != other => None,
            _ => Some(one.or(other)),
        };
        let (major, minor) = (number(self.major, other.major)?, number(self.minor, other.minor)?);
        (self.kind == other.kind).then_some(Self { kind: self.kind, major, minor, access: self.access | other.access })
    }
}

/// What is written, in this order.
///
/// # Errors
/// [`Error::Spec`] with `field`: version 1 has no exceptions of exceptions.
pub fn writes(policy: &Policy, field: &str) -> Result<Vec<Write>, Error> {
    let mut allow = false;
    let mut exceptions = Vec::new();
    for rule in policy.rules.iter().rev() {
        if rule.is_about_everything() {
            allow = rule.allow;
            exceptions.clear();
            continue;
        }
        for exception in parts(rule) {
            if rule.allow == allow {
                remove(&mut exceptions, &exception).map_err(|other| refusal(field, rule, &other))?;
            } else {
                add(&mut exceptions, exception);
            }
        }
    }
    if !allow {
        complete(&mut exceptions);
    }
    let (general, special) = if allow { ("devices.allow", "devices.deny") } else { ("devices.deny", "devices.allow") };
    let first = Write { file: general, line: "a".into() };
    Ok(std::iter::once(first)
        .chain(exceptions.iter().map(|exception| Write { file: special, line: line(exception) }))
        .collect())
}

/// A rule about both kinds of devices is two: `a` in version 1 is always about everything.
fn parts(rule: &Rule) -> impl Iterator<Item = Exception> + use<> {
    let Rule { kind, major, minor, access, .. } = *rule;
    let kinds = [Kind::Block, Kind::Character].into_iter().filter(move |one| kind.is_none_or(|kind| kind == *one));
    kinds.map(move |kind| Exception { kind, major, minor, access })
}

fn add(exceptions: &mut Vec<Exception>, new: Exception) {
    match exceptions.iter_mut().find(|known| known.is_about_the_same(&new)) {
        Some(known) => known.access |= new.access,
        None => exceptions.push(new),
    }
}

/// Takes what `rule` is about out of the exceptions; the one of which it would be a part, where there is one.
fn remove(exceptions: &mut Vec<Exception>, rule: &Exception) -> Result<(), Exception> {
    for exception in exceptions.iter_mut() {
        if (exception.access & rule.access).is_empty() {
            continue;
        }
        match exception.meet(rule) {
            None => {}
            Some(meet) if meet.is_about_the_same(exception) => exception.access = exception.access & !rule.access,
            Some(_) => return Err(*exception),
        }
    }
    exceptions.retain(|exception| !exception.access.is_empty());
    Ok(())
}

/// One exception must allow all that is asked for at once, as an open(2) does for reading and writing; so each gets what
/// others allow about the same devices. To make one is asked for alone.
fn complete(exceptions: &mut Vec<Exception>) {
    loop {
        let before = exceptions.clone();
        let opened: Vec<Exception> = before.iter().copied().filter(|one| one.access != Access::MAKE).collect();
        for (place, one) in opened.iter().enumerate() {
            for meet in opened.iter().skip(place + 1).filter_map(|other| one.meet(other)) {
                add(exceptions, meet);
            }
        }
        if *exceptions == before {
            return;
        }
    }
}

fn line(Exception { kind, major, minor, access }: &Exception) -> String {
    let number = |number: &Option<u32>| number.map_or_else(|| "*".into(), |number| number.to_string());
    format!("{} {}:{} {access}", kind.letter(), number(major), number(minor))
}

fn refusal(field: &str, rule: &Rule, other: &Exception) -> Error {
    let (verb, opposite) = if rule.allow { ("allow", "refused") } else { ("refuse", "allowed") };
    let message = format!("{verb} a part of \"{}\", which is {opposite}: version 1 of cgroups cannot", line(other));
    Error::spec(field, message)
}
