//! Reading a container's log while its monitor writes and rotates it; [`minicontainer_child`]'s `monitor/log.rs` has its
//! form.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::sync::{Mutex, PoisonError};

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};

use super::Done;
use super::handles::{Handles, text_of};
use super::store::{Place, failed, open_folder};
use crate::error::Error;

static LOGS: Handles<Mutex<Reader>> = Handles::new();

/// What one answer has at most, but for a line that is longer.
const PIECE: usize = 1 << 17;

/// As many bytes of a line are its time, and behind it, a stream and a tag: `… stdout F text`.
const TIME: usize = 30;
const TAG: usize = 38;

/// A rotation that happens at the same time is over by then.
const TRIES: u32 = 16;

/// Which log, and from where on.
#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(flatten)]
    place: Place,
    /// How many files there are at most.
    files: u32,
    /// So many lines before its end; absent: all.
    tail: Option<u64>,
    /// Nothing before this moment, in the log's own form.
    since: Option<String>,
}

/// A log that is open.
#[derive(Deserialize, Serialize)]
pub(crate) struct Opened {
    handle: u32,
}

/// What was read.
#[derive(Serialize)]
pub(crate) struct Piece {
    /// Whole lines, a character for each byte; empty: there is no more now.
    text: String,
}

struct Reader {
    folder: OwnedFd,
    files: u32,
    since: Option<String>,
    current: Option<File>,
    /// What was read of a line whose end was not.
    begun: Vec<u8>,
}

/// `log.open`: opens a container's log, to be read from its oldest line on, or from a place near its end.
///
/// # Errors
/// [`Error::System`]: `ENOENT` where there is no such container.
pub(crate) fn open(Asked { place, files, tail, since }: &Asked) -> Result<Opened, Error> {
    let path = place.path()?;
    let folder = open_folder(&path).map_err(failed("open", &path))?;
    let mut reader = Reader { folder, files: *files, since: since.clone(), current: None, begun: Vec::new() };
    reader.current = match tail {
        None => reader.oldest(),
        Some(lines) => reader.near_the_end(*lines).map_err(failed("read the log of", &path))?,
    };
    Ok(Opened { handle: LOGS.keep(Mutex::new(reader)) })
}

/// `log.read`: the next lines.
///
/// # Errors
/// [`Error::System`] where the log cannot be read.
pub(crate) fn read(Opened { handle }: &Opened) -> Result<Piece, Error> {
    let reader = LOGS.get(*handle)?;
    let lines = reader.lock().unwrap_or_else(PoisonError::into_inner).lines();
    let lines = lines.map_err(|errno| Error::system("read a container's log", errno))?;
    Ok(Piece { text: text_of(&lines) })
}

/// `log.close`
pub(crate) fn close(Opened { handle }: &Opened) -> Done {
    LOGS.take(*handle);
    Done {}
}

impl Reader {
    /// The next whole lines that are late enough, if there are any now.
    fn lines(&mut self) -> Result<Vec<u8>, Errno> {
        loop {
            let mut bytes = std::mem::take(&mut self.begun);
            let Some(file) = self.current.as_mut() else {
                self.current = self.oldest();
                if self.current.is_none() {
                    return Ok(bytes);
                }
                continue;
            };
            let length = read_more(file, &mut bytes)?;
            let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
            self.begun = bytes.split_off(whole);
            if let Some(since) = &self.since {
                bytes = late_enough(&bytes, since.as_bytes());
            }
            if !bytes.is_empty() {
                return Ok(bytes);
            }
            if length == 0 && !self.go_on()? {
                return Ok(Vec::new());
            }
        }
    }

    /// Goes on with the file that came after the current one; false: there is none, or the current one has more.
    fn go_on(&mut self) -> Result<bool, Errno> {
        let Some(next) = self.newer() else { return Ok(false) };
        // What was written before it was moved may have come after it was read.
        if let Some(file) = &mut self.current
            && read_more(file, &mut self.begun)? > 0
        {
            return Ok(true);
        }
        self.begun.clear();
        self.current = Some(next);
        Ok(true)
    }

    /// The file that took the current one's place, or the oldest there is, where the current one was removed.
    fn newer(&self) -> Option<File> {
        for _ in 0..TRIES {
            match self.place() {
                Some(0) => return None,
                Some(place) => {
                    let file = self.file(place - 1);
                    // It may have been rotated between the two.
                    if file.is_some() && self.place() == Some(place) {
                        return file;
                    }
                }
                None => {
                    let file = self.oldest();
                    if file.is_some() {
                        return file;
                    }
                }
            }
            std::thread::yield_now();
        }
        None
    }

    /// Which of the files the current one is: 0 is the one that is written to.
    fn place(&self) -> Option<u32> {
        let own = self.current.as_ref()?.metadata().ok()?;
        // Files only ever move upwards, and so does this look.
        (0..self.files.max(1)).find(|place| {
            let found = self.file(*place).and_then(|file| file.metadata().ok());
            found.is_some_and(|found| (found.dev(), found.ino()) == (own.dev(), own.ino()))
        })
    }

    fn oldest(&self) -> Option<File> {
        (0..self.files.max(1)).rev().find_map(|place| self.file(place))
    }

    fn file(&self, place: u32) -> Option<File> {
        let name = if place == 0 { "log".into() } else { format!("log.{place}") };
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
        openat(&self.folder, name.as_str(), flags, Mode::empty()).ok().map(File::from)
    }

    /// The file in which the last `lines` lines begin, read up to there.
    fn near_the_end(&self, lines: u64) -> Result<Option<File>, Errno> {
        let mut wanted = usize::try_from(lines).unwrap_or(usize::MAX);
        let mut found = None;
        for mut file in (0..self.files.max(1)).map_while(|place| self.file(place)) {
            let (count, start) = last_lines(&file, wanted)?;
            file.seek(SeekFrom::Start(start)).map_err(|error| errno_of(&error))?;
            found = Some(file);
            wanted -= count;
            if wanted == 0 {
                break;
            }
        }
        Ok(found)
    }
}

/// How many of the last `wanted` lines a file has, and where the first of them begins; one that goes on in the next
/// (`P`) is no line of its own.
fn last_lines(file: &File, wanted: usize) -> Result<(usize, u64), Errno> {
    let mut starts: VecDeque<u64> = VecDeque::new();
    let (mut at, mut is_new) = (0, true);
    let mut reader = BufReader::with_capacity(PIECE, file);
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).map_err(|error| errno_of(&error))?;
        if length == 0 {
            break;
        }
        if is_new {
            starts.push_back(at);
            if starts.len() > wanted {
                starts.pop_front();
            }
        }
        is_new = line.get(TAG) != Some(&b'P');
        at += length as u64;
    }
    Ok((starts.len(), starts.front().copied().unwrap_or(at)))
}

fn late_enough(lines: &[u8], since: &[u8]) -> Vec<u8> {
    let late = lines.split_inclusive(|byte| *byte == b'\n');
    late.filter(|line| line.get(..TIME).is_some_and(|time| time >= since)).flatten().copied().collect()
}

/// Reads once, behind what is there.
fn read_more(file: &mut File, bytes: &mut Vec<u8>) -> Result<usize, Errno> {
    file.by_ref().take(PIECE as u64).read_to_end(bytes).map_err(|error| errno_of(&error))
}

fn errno_of(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests;
