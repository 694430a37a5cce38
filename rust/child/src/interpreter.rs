//! What will be executed, looked at before it is.
//!
//! Until then this process has the memory of the one that started it, so `/proc/self/exe` is Deno's own executable on
//! the host. A root filesystem whose program leads there, or is a script with it as its interpreter, would have it run
//! among the container's libraries, where their code could write to it: CVE-2019-5736.

use crate::program::{CStrArray, CStrRef};
use crate::sys::{self, Errno, Handle};

/// As deep as the kernel follows interpreters of interpreters.
const MOST_INTERPRETERS: usize = 6;

/// What the kernel reads of a file to see what it is (`BINPRM_BUF_SIZE`), and a NUL.
const HEAD: usize = 256 + 1;

/// Fails with `ELOOP` where a link of procfs stands on the way to one of the candidates, or to an interpreter. What
/// cannot be opened is for exec to refuse.
pub(crate) fn check_program(candidates: CStrArray<'_>) -> Result<(), Errno> {
    for candidate in candidates.strings() {
        let mut file = open(candidate)?;
        for _ in 0..MOST_INTERPRETERS {
            let Some(script) = file else { break };
            let mut head = [0; HEAD];
            let (_end, body) = head.split_last_mut().ok_or(Errno(libc::EFAULT))?;
            let _ = sys::read(&script, body);
            file = interpreter(&mut head).map_or(Ok(None), open)?;
        }
    }
    Ok(())
}

/// Opens a regular file to read; nothing else, for opening a device can do something.
fn open(path: CStrRef<'_>) -> Result<Option<Handle>, Errno> {
    let open = |flags| sys::openat2(sys::HERE, path, flags, libc::RESOLVE_NO_MAGICLINKS);
    let found = match open(libc::O_PATH) {
        Ok(found) => found,
        Err(Errno(libc::ELOOP)) => return Err(Errno(libc::ELOOP)),
        Err(_) => return Ok(None),
    };
    if !sys::status(found.number())?.is(libc::S_IFREG) {
        return Ok(None);
    }
    match open(libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY) {
        Err(Errno(libc::ELOOP)) => Err(Errno(libc::ELOOP)),
        other => Ok(other.ok()),
    }
}

/// The path behind `#!`, execve(2), in what a file begins with; a NUL is put behind it.
fn interpreter(head: &mut [u8]) -> Option<CStrRef<'_>> {
    if !head.starts_with(b"#!") {
        return None;
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let line = head.get_mut(2..)?;
    let start = line.iter().position(|byte| !is_blank(byte))?;
    let path = line.get_mut(start..)?;
    let end = path.iter().position(|byte| is_blank(byte) || matches!(byte, b'\n' | 0))?;
    *path.get_mut(end)? = 0;
    (end > 0).then(|| CStrRef::from_terminated(path))
}
