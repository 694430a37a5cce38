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
#[derive(Debug, Default)]
pub(crate) struct Entries(Vec<usize>);

impl Entries {
    /// Those that there are now, where they are not the `known` ones still: to see that, one copy suffices.
    pub(crate) fn changed(known: Option<&Self>) -> Option<Self> {
        if known.is_some_and(Self::stand) {
            return None;
        }
        let mut entries = None;
        for _ in 0..MOST_ATTEMPTS {
            let now = list();
            if now.is_some() && now == entries {
                return Some(Self(now.unwrap_or_default()));
            }
            entries = now.or(entries);
        }
        Some(Self(entries.unwrap_or_default()))
    }

    /// Whether the list is as it was; without memory for a copy, which it takes the processor as long to find.
    fn stand(&self) -> bool {
        let start = current();
        let mut expected = self.0.iter().copied().chain([0]);
        let mut address = start;
        while let Some(Chunk { words, length: length @ 1.. }) = chunk(address) {
            for word in &words[..length] {
                match expected.next() {
                    Some(0) => return *word == 0 && current() == start,
                    Some(entry) if entry == *word => {}
                    _ => return false,
                }
            }
            address += length * WORD;
        }
        false
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
        let Chunk { words, length } = chunk(address)?;
        for entry in &words[..length] {
            if *entry == 0 {
                return (current() == start).then_some(entries);
            }
            entries.push(*entry);
        }
    }
}

fn current() -> usize {
    // SAFETY: a word of glibc's, read at once.
    unsafe { ptr::read_volatile(&raw const environ) }.expose_provenance()
}

const CHUNK: usize = 64;
const WORD: usize = size_of::<usize>();

/// A part of the list.
#[derive(Debug, PartialEq)]
struct Chunk {
    words: [usize; CHUNK],
    /// How many of them there are.
    length: usize,
}

/// The next words of the list: those on its page, and on the page behind it, where there is one.
fn chunk(address: usize) -> Option<Chunk> {
    let mut bytes = [0_u8; CHUNK * WORD];
    let room = bytes.len();
    let here = room.min(4096 - address % 4096);
    let remote = [RemoteIoVec { base: address, len: here }, RemoteIoVec { base: address + here, len: room - here }];
    let mut words = [0; CHUNK];
    // What stands behind a part that cannot be read is not.
    let read = match process_vm_readv(getpid(), &mut [IoSliceMut::new(&mut bytes)], &remote) {
        Ok(read) => read,
        Err(Errno::EFAULT) => return None,
        Err(_) => {
            // Where a seccomp filter forbids the call: one word, as getenv(3) reads it.
            // SAFETY: the list has not ended before this word.
            words[0] = unsafe { ptr::read_volatile(ptr::with_exposed_provenance::<usize>(address)) };
            return Some(Chunk { words, length: 1 });
        }
    };
    for (word, bytes) in words.iter_mut().zip(bytes[..read].chunks_exact(WORD)) {
        *word = usize::from_ne_bytes(bytes.try_into().unwrap_or_default());
    }
    Some(Chunk { words, length: read / WORD })
}

/// Every entry, copied.
#[must_use]
pub fn environment() -> Vec<CString> {
    Entries::changed(None).map(|entries| entries.copied()).unwrap_or_default()
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
