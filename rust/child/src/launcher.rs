//! What the installed command is: it says in the environment what Deno is to be told, and becomes Deno.

use core::ffi::CStr;

use crate::monitor::Line;
use crate::program::{CStrArray, CStrRef};
use crate::sys::{self, Arena, Errno};

/// Tells the caller's own DENO_DIR, which the library gives back to the program: `rust/runtime/src/facts/launcher.rs`.
const CALLERS: &[u8] = b"MINICONTAINER_DENO_DIR=";

/// What the caller's own is found by.
const DENO_DIR: &[u8] = b"DENO_DIR=";

/// The longest path, the words around it, and what to do.
const MOST_OF_A_LINE: usize = 4096 + 256;

/// Executes what `texts` say, with the arguments of `argv` behind its own, and with the entries of `envp` but for those
/// of a name that `texts` set; it comes back only if that failed and it has said so: with the process's exit status.
///
/// `texts` end with a NUL each: the program's path, its arguments, an empty one, entries of the environment, an empty
/// one.
#[must_use]
pub fn launch(texts: &'static [u8], argv: CStrArray<'static>, envp: CStrArray<'static>) -> i32 {
    let program = group(texts).next().unwrap_or(CStrRef::EMPTY);
    let Errno(errno) = become_program(program, texts, argv, envp);
    let (status, reason): (i32, &[u8]) = match errno {
        libc::ENOENT => (127, b"no such file or directory: install minicontainer again, by the Deno that is to run it"),
        libc::EACCES => (126, b"permission denied: install minicontainer by a Deno that every user may execute"),
        libc::E2BIG => (126, b"argument list too long"),
        _ => (126, b"error number "),
    };
    let mut line = Line::<MOST_OF_A_LINE>::new();
    line.put(b"minicontainer: cannot execute \"").put(program.bytes()).put(b"\": ").put(reason);
    if reason.ends_with(b" ") {
        line.put_number(errno.unsigned_abs().into());
    }
    let _ = sys::write_once(libc::STDERR_FILENO, line.put(b"\n").bytes());
    status
}

fn become_program(
    program: CStrRef<'static>,
    texts: &'static [u8],
    argv: CStrArray<'static>,
    envp: CStrArray<'static>,
) -> Errno {
    let set = group(behind_group(texts));
    let of_caller = |entry: CStrRef<'static>| entry.bytes().strip_prefix(DENO_DIR);
    let callers = envp.strings().find_map(of_caller).unwrap_or_default();
    let arguments = group(texts).chain(argv.strings().skip(1));
    let is_kept = |entry: &CStrRef<'static>| {
        let name = name(*entry);
        name != CALLERS && !set.clone().any(|entry| self::name(entry) == name)
    };
    let kept = envp.strings().filter(is_kept);
    // Beside these our own entry, a NULL behind each list, and what lies between the entry's text and the lists.
    let room = [arguments.clone().count(), kept.clone().count(), set.clone().count(), 4]
        .into_iter()
        .fold(0_usize, usize::saturating_add)
        .saturating_mul(size_of::<CStrRef<'_>>());
    let text_bytes = CALLERS.len().saturating_add(callers.len()).saturating_add(1);
    let mut arena = match Arena::new(room.saturating_add(text_bytes)) {
        Ok(arena) => arena,
        Err(errno) => return errno,
    };
    let own = text(&mut arena, CALLERS.iter().chain(callers).copied());
    let argv = list(&mut arena, arguments);
    let envp = own.and_then(|own| list(&mut arena, kept.chain(set.clone()).chain([own])));
    let (Some(argv), Some(envp)) = (argv, envp) else { return Errno(libc::ENOMEM) };
    sys::execve(program, argv, envp)
}

/// The texts up to an empty one.
fn group(mut texts: &'static [u8]) -> impl Iterator<Item = CStrRef<'static>> + Clone {
    core::iter::from_fn(move || {
        let text = CStr::from_bytes_until_nul(texts).ok().filter(|text| !text.is_empty())?;
        texts = texts.get(text.to_bytes_with_nul().len()..).unwrap_or_default();
        Some(CStrRef::new(text))
    })
}

/// The texts behind that one.
fn behind_group(texts: &'static [u8]) -> &'static [u8] {
    let length: usize = group(texts).map(|text| text.length().saturating_add(1)).sum();
    texts.get(length.saturating_add(1)..).unwrap_or_default()
}

/// An entry's name with the `=` behind it.
fn name(entry: CStrRef<'static>) -> &'static [u8] {
    entry.bytes().split_inclusive(|byte| *byte == b'=').next().unwrap_or_default()
}

/// A string of these bytes.
fn text(arena: &mut Arena, bytes: impl Iterator<Item = u8> + Clone) -> Option<CStrRef<'static>> {
    let mut all = bytes.clone().chain([0]);
    arena.fill(bytes.count().saturating_add(1), || all.next()).map(CStrRef::from_terminated)
}

/// These, with a NULL behind them.
fn list(arena: &mut Arena, texts: impl Iterator<Item = CStrRef<'static>> + Clone) -> Option<CStrArray<'static>> {
    let mut all = texts.clone().chain([CStrRef::NULL]);
    arena.fill(texts.count().saturating_add(1), || all.next()).and_then(CStrArray::new)
}
