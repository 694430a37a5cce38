//! This process's environment, as it is now.

use std::ffi::{CStr, CString, c_char};
use std::io::IoSliceMut;
use std::ptr;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::getpid;

unsafe extern "C" {
    /// `extern char **environ`, environ(7).
    static mut environ: *const *const c_char;
}

/// How often a list that changes while it is copied is copied again.
const MOST_ATTEMPTS: usize = 100;

/// Where every entry stands. Where no entry has another place, none has another value: glibc makes a new string for each
/// that is set.
///
/// `std::env::vars_os` would take a lock, but its own: Deno's code is linked with another copy of std, and a Worker may
/// call `setenv(3)` meanwhile, which moves the list and frees the old one. So the list is copied by the kernel, which
/// gives an error where an access of ours would end the process, until two copies in a row are the same. What it points
/// to is never freed: glibc keeps every string that it has made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entries(Vec<usize>);

impl Entries {
    /// Those that there are now; where they are the `known` ones still, that is one of the two copies.
    pub(crate) fn now(known: Option<&Self>) -> Self {
        let mut entries = None;
        for _ in 0..MOST_ATTEMPTS {
            let now = list();
            if now.is_some() && (now == entries || now.as_ref() == known.map(|Self(known)| known)) {
                return Self(now.unwrap_or_default());
            }
            entries = now.or(entries);
        }
        Self(entries.unwrap_or_default())
    }

    /// Their text.
    pub(crate) fn copied(&self) -> Vec<CString> {
        let copy = |entry: &usize| {
            // SAFETY: an entry of the list as it stood, and its string is never freed.
            unsafe { CStr::from_ptr(ptr::with_exposed_provenance(*entry)) }.to_owned()
        };
        self.0.iter().map(copy).collect()
    }
}

/// The addresses of the entries; `None` where the list moved meanwhile.
fn list() -> Option<Vec<usize>> {
    let start = current();
    let mut entries: Vec<usize> = Vec::with_capacity(CHUNK);
    if start == 0 {
        return Some(entries);
    }
    loop {
        let address = start + size_of_val(entries.as_slice());
        for entry in chunk(address)? {
            if entry == 0 {
                return (current() == start).then_some(entries);
            }
            entries.push(entry);
        }
    }
}

fn current() -> usize {
    // SAFETY: a word of glibc's, read at once.
    unsafe { ptr::read_volatile(&raw const environ) }.expose_provenance()
}

const CHUNK: usize = 64;
const WORD: usize = size_of::<usize>();

/// The next words of the list, as many as there are on its page.
fn chunk(address: usize) -> Option<Vec<usize>> {
    let mut bytes = [0_u8; CHUNK * WORD];
    let to_end_of_page = 4096 - address % 4096;
    let length = to_end_of_page.min(bytes.len());
    let remote = RemoteIoVec { base: address, len: length };
    let read = match process_vm_readv(getpid(), &mut [IoSliceMut::new(&mut bytes[..length])], &[remote]) {
        Ok(read) => read,
        Err(Errno::EFAULT) => return None,
        Err(_) => {
            // Where a seccomp filter forbids the call: one word, as getenv(3) reads it.
            // SAFETY: the list has not ended before this word.
            let word = unsafe { ptr::read_volatile(ptr::with_exposed_provenance::<usize>(address)) };
            return Some(vec![word]);
        }
    };
    Some(
        bytes[..read]
            .chunks_exact(WORD)
            .map(|word| usize::from_ne_bytes(word.try_into().unwrap_or_default()))
            .collect(),
    )
}

/// Every entry, copied.
#[must_use]
pub fn environment() -> Vec<CString> {
    Entries::now(None).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_std_sees() {
        let names: Vec<String> =
            environment().iter().map(|entry| entry.to_string_lossy().split('=').next().unwrap().into()).collect();
        let expected: Vec<String> = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into()).collect();
        assert!(!names.is_empty());
        assert_eq!(names, expected);
    }

    #[test]
    fn a_list_that_is_not_there_is_none() {
        assert_eq!(chunk(8), None);
    }
}
