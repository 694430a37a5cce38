//! The environment without what Deno sets for its own sake, and nobody else is to see.

use std::ffi::CString;
use std::sync::{Arc, Mutex, PoisonError};

use crate::launch::environ::Entries;

/// Set where Deno has found no `node` in PATH, and put a folder with one before it.
const SHIM_MARK: &[u8] = b"DENO_NODE_SHIM_ACTIVE=";
const SHIM_FOLDER: &[u8] = b"/node_compat_bin";

/// The environment at the last start, and what it was made from: it seldom changes, and copying it takes longer than
/// looking whether it did.
static LAST: Mutex<Option<(Entries, Arc<[CString]>)>> = Mutex::new(None);

/// The environment as Deno's caller has it, with what was changed in this process since.
pub(super) fn environment() -> Arc<[CString]> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let changed = Entries::changed(last.as_ref().map(|(entries, _)| entries));
    match (&*last, changed) {
        (Some((_, environment)), None) => Arc::clone(environment),
        (_, changed) => {
            let entries = changed.unwrap_or_default();
            let environment: Arc<[CString]> = as_the_caller_has_it(entries.copied()).into();
            *last = Some((entries, Arc::clone(&environment)));
            environment
        }
    }
}

/// Without what was set on the way to us.
fn as_the_caller_has_it(mut environment: Vec<CString>) -> Vec<CString> {
    if environment.iter().any(|entry| entry.as_bytes().starts_with(SHIM_MARK)) {
        environment.retain(|entry| !entry.as_bytes().starts_with(SHIM_MARK));
        environment = environment.into_iter().filter_map(without_shim).collect();
    }
    environment
}

/// PATH without its first folder, where that is Deno's; nothing where it has no other.
fn without_shim(entry: CString) -> Option<CString> {
    let Some(folders) = entry.as_bytes().strip_prefix(b"PATH=") else { return Some(entry) };
    let mut parts = folders.splitn(2, |byte| *byte == b':');
    if !parts.next().is_some_and(|first| first.ends_with(SHIM_FOLDER)) {
        return Some(entry);
    }
    CString::new([b"PATH=", parts.next()?].concat()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(entries: &[&str]) -> Vec<String> {
        let entries = entries.iter().map(|entry| CString::new(*entry).unwrap()).collect();
        as_the_caller_has_it(entries).iter().map(|entry| entry.to_string_lossy().into()).collect()
    }

    #[test]
    fn the_folder_that_deno_puts_before_path_is_its_own() {
        let mark = "DENO_NODE_SHIM_ACTIVE=1";
        assert_eq!(seen(&["PATH=/c/node_compat_bin:/bin:/x", mark]), ["PATH=/bin:/x"]);
        assert_eq!(seen(&["PATH=/c/node_compat_bin", mark, "B=2"]), ["B=2"]);
        assert_eq!(seen(&["PATH=/bin", mark]), ["PATH=/bin"]);
        assert_eq!(seen(&["PATH=/c/node_compat_bin:/bin"]), ["PATH=/c/node_compat_bin:/bin"]);
    }
}
