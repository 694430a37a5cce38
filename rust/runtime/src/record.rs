//! What crosses to TypeScript: records of fixed layout in a buffer of the caller's.
//!
//! All numbers are little-endian. `src/native/record.ts` reads the same layout.
//!
//! | offset | type | what |
//! |---|---|---|
//! | 0 | u32 | kind, as [`Event`] numbers them |
//! | 4 | u32 | token of the program; 0 where the call names it |
//! | 8 | i32 | pid |
//! | 12 | i32 | exit status, signal number, or stream |
//! | 16 | u32 | flags: 1 exited by itself, 2 out of time, 4 the peak is an upper bound, 8 the filter asks, 16 out of time on processors, 32 wrote too much |
//! | 20 | u32 | bytes of JSON behind the record |
//! | 24 | f64 | wall time in µs |
//! | 32 | f64 | user time in µs |
//! | 40 | f64 | system time in µs |
//! | 48 | f64 | peak memory in bytes |
//! | 56 | | the JSON text, filled up to 8 bytes: an error, an answer, or [`Details`], where there are any |

use std::time::Duration;

use serde::Serialize;

use crate::cgroup::stats::Used;
use crate::error::Error;
use crate::launch::wait::End;
use crate::run::Outcome;

/// Bytes of a record without its JSON text.
const HEADER_BYTES: usize = 56;

/// What is told of a program.
#[derive(Debug)]
pub(crate) enum Event {
    /// 1: it ended.
    Ended(Outcome),
    /// 2: it could not be started, or the call could not be done.
    Failed(Error),
    /// 3: one of its streams can be read from or written to.
    Ready(usize),
    /// 4: it was started.
    Started(Started),
    /// 5: JSON text that was asked for.
    Text(Vec<u8>),
}

/// What is told of a program that has been started.
#[derive(Clone, Debug, Default)]
pub struct Started {
    /// Its number as the host sees it; 0 where another thread is at it.
    pub pid: i32,
    /// Whether its filter asks about calls.
    pub asks: bool,
    /// What else is told.
    pub details: Details,
}

/// What is told of a program beside the numbers; mostly nothing.
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub struct Details {
    /// What could not be had in full, a sentence each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<String>,
    /// What its cgroup used, where it had one of its own and has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used: Option<Box<Used>>,
}

impl Details {
    /// Its JSON text; none where there is nothing to tell, or no `room`: a call that has started a program is not made
    /// again with a larger buffer.
    fn to_json(&self, room: usize) -> Vec<u8> {
        if *self == Self::default() {
            return Vec::new();
        }
        serde_json::to_vec(self).ok().filter(|text| text.len().next_multiple_of(8) <= room).unwrap_or_default()
    }
}

/// Writes a record to the start of `buffer`; `None` where it doesn't fit.
pub(crate) fn write(buffer: &mut [u8], token: u32, event: &Event) -> Option<usize> {
    let json = match event {
        Event::Failed(error) => error.to_json(),
        Event::Text(text) => text.clone(),
        Event::Ended(Outcome { details, .. }) | Event::Started(Started { details, .. }) => {
            details.to_json(buffer.len().saturating_sub(HEADER_BYTES))
        }
        Event::Ready(_) => Vec::new(),
    };
    let length = HEADER_BYTES + json.len().next_multiple_of(8);
    let record = buffer.get_mut(..length)?;
    record.fill(0);
    let (header, text) = record.split_at_mut(HEADER_BYTES);
    text[..json.len()].copy_from_slice(&json);

    let mut fields = Fields { header, offset: 0 };
    let (kind, pid, code, flags) = match event {
        Event::Ended(outcome) => {
            let (code, exited) = match outcome.exit.end {
                End::Exited(status) => (status, 1),
                End::Signaled(signal) => (signal, 0),
            };
            let flags = exited
                | u32::from(outcome.out_of_time) << 1
                | u32::from(outcome.exit.peak_is_bound) << 2
                | u32::from(outcome.out_of_cpu_time) << 4
                | u32::from(outcome.out_of_output) << 5;
            (1, outcome.pid, code, flags)
        }
        Event::Failed(_) => (2, 0, 0, 0),
        Event::Ready(stream) => (3, 0, i32::try_from(*stream).unwrap_or(-1), 0),
        Event::Started(Started { pid, asks, .. }) => (4, *pid, 0, u32::from(*asks) << 3),
        Event::Text(_) => (5, 0, 0, 0),
    };
    fields.put(&u32::to_le_bytes(kind));
    fields.put(&token.to_le_bytes());
    fields.put(&pid.to_le_bytes());
    fields.put(&code.to_le_bytes());
    fields.put(&flags.to_le_bytes());
    fields.put(&u32::try_from(json.len()).unwrap_or(u32::MAX).to_le_bytes());
    if let Event::Ended(outcome) = event {
        for time in [outcome.wall, outcome.exit.user, outcome.exit.system] {
            fields.put(&microseconds(time).to_le_bytes());
        }
        fields.put(&float(outcome.exit.peak_bytes).to_le_bytes());
    }
    Some(length)
}

struct Fields<'b> {
    header: &'b mut [u8],
    offset: usize,
}

impl Fields<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let end = self.offset + bytes.len();
        self.header[self.offset..end].copy_from_slice(bytes);
        self.offset = end;
    }
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[allow(clippy::cast_precision_loss, reason = "bytes of memory are below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launch::wait::Exit;

    #[test]
    fn an_end_has_every_field_at_its_offset() {
        let exit = Exit {
            end: End::Signaled(15),
            user: Duration::from_micros(7),
            system: Duration::from_millis(2),
            peak_bytes: 4096,
            peak_is_bound: true,
        };
        let details = Details::default();
        let wall = Duration::from_secs(1);
        let outcome =
            Outcome { pid: 42, exit, wall, out_of_time: true, out_of_cpu_time: true, out_of_output: true, details };
        let mut buffer = [0xff; 64];
        assert_eq!(write(&mut buffer, 9, &Event::Ended(outcome)), Some(56));
        let word = |offset: usize| i32::from_le_bytes(buffer[offset..offset + 4].try_into().unwrap());
        assert_eq!([0, 4, 8, 12, 16, 20].map(word), [1, 9, 42, 15, 54, 0]);
        let float = |offset: usize| f64::from_le_bytes(buffer[offset..offset + 8].try_into().unwrap());
        assert_eq!([24, 32, 40, 48].map(|offset| float(offset).to_string()), ["1000000", "7", "2000", "4096"]);
    }

    #[test]
    fn details_are_told_where_there_are_any_and_room_for_them() {
        let details = Details { degraded: vec!["no more".into()], used: None };
        let started = |details| Event::Started(Started { pid: 1, asks: false, details });
        let mut buffer = [0; 128];
        let length = write(&mut buffer, 0, &started(details.clone())).unwrap();
        let bytes = usize::from(buffer[20]);
        assert_eq!(std::str::from_utf8(&buffer[56..56 + bytes]).unwrap(), r#"{"degraded":["no more"]}"#);
        assert_eq!(length, 80);
        assert_eq!(write(&mut buffer[..79], 0, &started(details)), Some(56));
        assert_eq!(buffer[20], 0);
        assert_eq!(write(&mut buffer, 0, &started(Details::default())), Some(56));
    }

    #[test]
    fn a_failure_carries_its_json_and_is_refused_where_it_does_not_fit() {
        let event = Event::Failed(Error::spec("process.cwd", "no"));
        let mut buffer = [0; 256];
        let length = write(&mut buffer, 0, &event).unwrap();
        assert_eq!(length % 8, 0);
        let bytes = usize::from(buffer[20]);
        let text = std::str::from_utf8(&buffer[56..56 + bytes]).unwrap();
        assert_eq!(text, r#"{"kind":"spec","path":"process.cwd","message":"no"}"#);
        assert_eq!(write(&mut buffer[..length - 1], 0, &event), None);
    }
}
