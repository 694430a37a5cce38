//! Files that others give and take: a bundle's `config.json`, a process's JSON, PIDs, and the log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::libc;
use serde::{Deserialize, Serialize};

use super::Done;
use crate::error::Error;

/// What a configuration may have; the kernel hands a program no more arguments than that.
pub(super) const LARGEST_CONFIG: u64 = 16 << 20;

/// Which bundle.
#[derive(Deserialize)]
pub(crate) struct Bundle {
    bundle: PathBuf,
}

/// A bundle as it was found.
#[derive(Serialize)]
pub(crate) struct Opened {
    /// Its folder, absolute and without links.
    bundle: PathBuf,
    /// The text of its `config.json`.
    config: String,
}

/// Which file.
#[derive(Deserialize)]
pub(crate) struct Source {
    path: PathBuf,
}

/// A file's text.
#[derive(Serialize)]
pub(crate) struct Text {
    text: String,
}

/// A file that is to be written.
#[derive(Deserialize)]
pub(crate) struct Target {
    path: PathBuf,
    text: String,
}

/// `bundle.read`: where a bundle is, and what its `config.json` holds.
///
/// # Errors
/// [`Error::System`] where there is none; [`Error::Spec`] where that is no regular file, or too large.
pub(crate) fn read_bundle(Bundle { bundle }: &Bundle) -> Result<Opened, Error> {
    let bundle = fs::canonicalize(bundle).map_err(failed("open the bundle", bundle))?;
    let config = read_regular(&bundle.join("config.json"), LARGEST_CONFIG)?;
    Ok(Opened { bundle, config })
}

/// A folder as it was found.
#[derive(Serialize)]
pub(crate) struct Folder {
    /// Absolute and without links.
    folder: PathBuf,
}

/// `folder`: where a folder is.
///
/// # Errors
/// [`Error::System`] where there is none.
pub(crate) fn folder(Source { path }: &Source) -> Result<Folder, Error> {
    let folder = fs::canonicalize(path).map_err(failed("open", path))?;
    let is_folder = fs::metadata(&folder).is_ok_and(|found| found.is_dir());
    if is_folder {
        Ok(Folder { folder })
    } else {
        Err(failed("open", path)(io::Error::from_raw_os_error(libc::ENOTDIR)))
    }
}

/// `file.new`: writes a file that is not there yet.
///
/// # Errors
/// [`Error::System`], of EEXIST where there is one.
pub(crate) fn write_new(Target { path, text }: &Target) -> Result<Done, Error> {
    let failed = failed("make", path);
    let mut file = File::create_new(path).map_err(&failed)?;
    file.write_all(text.as_bytes()).map_err(&failed)?;
    Ok(Done {})
}

/// `file.read`: the text of a regular file.
///
/// # Errors
/// As [`read_bundle`].
pub(crate) fn read(Source { path }: &Source) -> Result<Text, Error> {
    Ok(Text { text: read_regular(path, LARGEST_CONFIG)? })
}

/// `file.write`: writes a file anew, which nobody sees half of.
///
/// # Errors
/// [`Error::System`]
pub(crate) fn write(Target { path, text }: &Target) -> Result<Done, Error> {
    let failed = failed("write", path);
    // A device, a FIFO or an inherited descriptor is written to; a file is replaced.
    let is_special = fs::metadata(path).is_ok_and(|found| !found.is_file());
    if is_special {
        let mut file = OpenOptions::new().write(true).custom_flags(libc::O_NOCTTY).open(path).map_err(&failed)?;
        file.write_all(text.as_bytes()).map_err(&failed)?;
        return Ok(Done {});
    }
    let name = path.file_name().ok_or_else(|| failed(io::Error::from_raw_os_error(libc::EISDIR)))?;
    let new = path.with_file_name(format!(".{}~{}", name.to_string_lossy(), std::process::id()));
    let written = File::create(&new).and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written.and_then(|()| fs::rename(&new, path)) {
        let _ = fs::remove_file(&new);
        return Err(failed(error));
    }
    Ok(Done {})
}

/// `log.append`: adds a text to a file's end, in one piece.
///
/// # Errors
/// [`Error::System`]
pub(crate) fn append(Target { path, text }: &Target) -> Result<Done, Error> {
    let failed = failed("write the log", path);
    // A FIFO that nobody reads would have us wait.
    let flags = libc::O_NOCTTY | libc::O_NONBLOCK;
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o644).custom_flags(flags).open(path).map_err(&failed)?;
    file.write_all(text.as_bytes()).map_err(&failed)?;
    Ok(Done {})
}

/// The text of a file that somebody else has made: regular, UTF-8, and of at most `limit` bytes.
///
/// # Errors
/// [`Error::System`] where the kernel refuses; [`Error::Spec`] where it is not such a file.
pub(super) fn read_regular(path: &Path, limit: u64) -> Result<String, Error> {
    let failed = failed("open", path);
    let refuse = |why: &str| Error::spec("", format!("{:?} {why}", path.to_string_lossy()));
    let kind = fs::metadata(path).map_err(&failed)?.file_type();
    // Looked at before, for opening a device can do something, and after, for it may be another one by then.
    must_be_regular(kind).map_err(refuse)?;
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(&failed)?;
    must_be_regular(file.metadata().map_err(&failed)?.file_type()).map_err(refuse)?;
    let mut bytes = Vec::new();
    let length = file.take(limit + 1).read_to_end(&mut bytes).map_err(self::failed("read", path))?;
    if length as u64 > limit {
        return Err(refuse(&format!("is larger than {} MiB", limit >> 20)));
    }
    String::from_utf8(bytes).map_err(|_| refuse("is no text: it is not UTF-8"))
}

fn must_be_regular(kind: fs::FileType) -> Result<(), &'static str> {
    let what = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "is a folder",
        kind if kind.is_fifo() => "is a FIFO",
        kind if kind.is_socket() => "is a socket",
        _ => "is a device",
    };
    Err(what)
}

fn failed(what: &'static str, path: &Path) -> impl Fn(io::Error) -> Error + use<> {
    let path = path.to_string_lossy().into_owned();
    move |error| Error::system(format!("{what} {path:?}"), error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
}
