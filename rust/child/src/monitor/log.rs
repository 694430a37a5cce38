//! What the container writes, as engines' logs have it: `2026-01-02T03:04:05.678901234Z stdout F text`, with `P` in
//! place of `F` where the line goes on in the next.

use super::line::Line;
use super::number::civil;
use crate::program::CStrRef;
use crate::sys::{self, Handle};

/// The file `log` in a container's folder; where it has grown too large it becomes `log.1`, and that `log.2`.
pub(super) struct Log {
    folder: i32,
    file: Option<Handle>,
    bytes: u64,
    most_bytes: u64,
    kept: u64,
}

/// Before a line: a time, a stream, a tag.
const HEAD: usize = 48;

impl Log {
    pub(super) fn new(folder: i32, most_bytes: u64, kept: u64) -> Self {
        let mut log = Self { folder, file: None, bytes: 0, most_bytes, kept };
        log.open();
        log
    }

    fn open(&mut self) {
        let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND;
        self.file = sys::open_with_mode(self.folder, CStrRef::new(c"log"), flags, 0o600).ok();
        self.bytes = self.file.as_ref().and_then(|file| sys::length_of(file.number()).ok()).unwrap_or(0) as u64;
    }

    /// One read's worth of stream 1 or 2, in lines. A disk that is full loses what does not fit: the container goes on.
    pub(super) fn write(&mut self, stream: usize, bytes: &[u8]) {
        let (seconds, nanoseconds) = sys::now();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let is_whole = part.last() == Some(&b'\n');
            let mut head = Line::<HEAD>::new();
            put_time(&mut head, seconds, nanoseconds);
            head.put(if stream == 1 { b" stdout " } else { b" stderr " }).put(if is_whole { b"F " } else { b"P " });
            self.rotate();
            let Some(file) = &self.file else { return };
            let end: &[u8] = if is_whole { b"" } else { b"\n" };
            let _ = sys::write_all_parts(file, [head.bytes(), part, end]);
            let length = head.bytes().len().saturating_add(part.len()).saturating_add(end.len());
            self.bytes = self.bytes.saturating_add(u64::try_from(length).unwrap_or(0));
        }
    }

    fn rotate(&mut self) {
        if self.most_bytes == 0 || self.bytes < self.most_bytes {
            return;
        }
        self.file = None;
        if self.kept <= 1 {
            let _ = sys::unlink(self.folder, CStrRef::new(c"log"));
        }
        for older in (1..self.kept).rev() {
            let (mut from, mut to) = (Line::<32>::new(), Line::<32>::new());
            from.put(b"log");
            if older > 1 {
                from.put(b".").put_number(older.saturating_sub(1));
            }
            to.put(b"log.").put_number(older).put(b"\0");
            from.put(b"\0");
            let _ =
                sys::rename(self.folder, CStrRef::from_terminated(from.bytes()), CStrRef::from_terminated(to.bytes()));
        }
        self.open();
    }

    pub(super) fn close(&mut self) {
        self.file = None;
    }
}

/// RFC 3339 with nanoseconds.
pub(super) fn put_time<const N: usize>(line: &mut Line<N>, seconds: i64, nanoseconds: u32) {
    let [year, month, day, hour, minute, second] = civil(seconds);
    line.put_padded(year, 4).put(b"-").put_padded(month, 2).put(b"-").put_padded(day, 2).put(b"T");
    line.put_padded(hour, 2).put(b":").put_padded(minute, 2).put(b":").put_padded(second, 2);
    line.put(b".").put_padded(nanoseconds.into(), 9).put(b"Z");
}
