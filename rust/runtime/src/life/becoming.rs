//! Going on as another module of ours, in the same process.

use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::unistd::execve;
use serde::Deserialize;

use super::Done;
use crate::error::Error;

/// What this process is to be.
#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The module that Deno is to run.
    module: String,
    /// How many arguments the module gets that runs now: they are the other's, too, as are all of Deno's own.
    arguments: usize,
}

/// `become`: has Deno run another module in the place of the one that runs, with the same permissions and arguments.
///
/// # Errors
/// [`Error::System`]; where it succeeds it does not return.
pub(crate) fn become_module(asked: &Asked) -> Result<Done, Error> {
    let failed = |errno| Error::system("execute Deno anew", errno);
    let text = fs::read("/proc/self/cmdline").map_err(|_| failed(Errno::EACCES))?;
    let mut words: Vec<CString> = text
        .split_inclusive(|byte| *byte == 0)
        .filter_map(|word| CString::new(word.strip_suffix(&[0]).unwrap_or(word)).ok())
        .collect();
    let place = words.len().checked_sub(asked.arguments + 1).ok_or_else(|| failed(Errno::EINVAL))?;
    words[place] = CString::new(asked.module.as_str()).map_err(|_| failed(Errno::EINVAL))?;
    let program = fs::read_link("/proc/self/exe").map_err(|_| failed(Errno::ENOENT))?;
    let program = CString::new(program.into_os_string().into_vec()).map_err(|_| failed(Errno::EINVAL))?;
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| CString::new([name.into_vec(), b"=".to_vec(), value.into_vec()].concat()).ok());
    let variables: Vec<CString> = variables.collect();
    execve(&program, &words, &variables).map(|never| match never {}).map_err(failed)
}
