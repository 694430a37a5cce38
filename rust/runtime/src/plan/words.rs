//! What a step is called when it fails: the child sends numbers, the words are here.

use std::ffi::CString;

use minicontainer_child::{List, Step, Str};
use nix::libc;

use super::{Descriptor, Plan};

/// What could not be done, as it follows `cannot`: `execute "/bin/true"`.
#[must_use]
pub fn operation(plan: &Plan, step: Step) -> String {
    match step {
        Step::ReportIds => "read the process's ids".into(),
        Step::DieWithOwner { .. } => "bind the program's life to its owner's".into(),
        Step::SetRlimit { resource, soft, hard } => format!("set {} to {soft}:{hard}", rlimit_name(resource)),
        Step::Chdir { path } => format!("change to directory {}", text(plan, path)),
        Step::Dup { from, to } => match plan.descriptors.get(from.0 as usize) {
            Some(Descriptor::Given { number, .. }) => format!("hand on descriptor {number} as {}", stream_name(to)),
            _ => format!("set up {}", stream_name(to)),
        },
        Step::CloseFrom { first } => format!("close the descriptors from {first} on (Linux 5.9 or later)"),
        Step::ResetSignals { .. } => "reset the signals' actions".into(),
        Step::UnblockSignals => "unblock the signals".into(),
        Step::Exec { .. } => format!("execute {:?}", plan.program),
    }
}

/// A string of the plan in quotes.
pub(super) fn text(plan: &Plan, text: Str) -> String {
    plan.strings.get(text.0 as usize).map_or_else(|| "?".into(), quote)
}

/// A list of the plan.
pub(super) fn list(plan: &Plan, list: List) -> &[CString] {
    plan.lists.get(list.0 as usize).map_or(&[], Vec::as_slice)
}

/// A C string in quotes.
pub(super) fn quote(text: &CString) -> String {
    format!("{:?}", text.to_string_lossy())
}

/// The field's name of descriptor 0, 1 or 2.
pub(super) fn stream_name(number: i32) -> String {
    match number {
        0 => "stdin".into(),
        1 => "stdout".into(),
        2 => "stderr".into(),
        other => format!("descriptor {other}"),
    }
}

pub(super) fn rlimit_name(resource: u32) -> String {
    match resource {
        libc::RLIMIT_NOFILE => "RLIMIT_NOFILE".into(),
        other => format!("resource limit {other}"),
    }
}
