//! Who is attached to a container: each by a connection, over which frames go both ways.
//!
//! A frame is one byte for its kind, four bytes for its length, little-endian, and as many bytes. To who is attached:
//! 1 stdout or the terminal, 2 stderr, 3 the end: code and status as waitid(2) has them, four bytes each. From there:
//! 0 input, 1 the terminal's rows and columns, two bytes each, 2 the end of the input.

use super::End;
use super::line::Line;
use crate::sys::{self, Errno, Polls};

/// As many can be attached at once.
const MOST: usize = 8;

/// Where they stand among what is waited for: behind the container's own.
const FIRST: usize = 4;

const HEAD: usize = 5;

/// What goes to who is attached.
#[derive(Clone, Copy)]
pub(super) enum Frame {
    Stdout = 1,
    Stderr = 2,
    End = 3,
}

/// What who is attached asks for.
#[derive(Clone, Copy)]
pub(super) enum Request {
    /// Something is there for the container to read.
    Input,
    /// Nothing more will be.
    EndOfInput,
    /// Rows and columns of its terminal.
    Resize(u16, u16),
}

#[derive(Clone, Copy)]
struct Client {
    connection: i32,
    is_ready: bool,
    /// The head of a frame, and behind it the size of a terminal.
    head: [u8; HEAD + 4],
    filled: usize,
    /// What is still to come of a frame's input.
    left: usize,
}

const NOBODY: Client = Client { connection: -1, is_ready: false, head: [0; HEAD + 4], filled: 0, left: 0 };

pub(super) struct Attached {
    listener: i32,
    clients: [Client; MOST],
    input: [u8; 4096],
    filled: usize,
}

pub(super) fn empty_polls() -> Polls {
    Polls::new()
}

impl Attached {
    pub(super) fn new(listener: i32) -> Self {
        let _ = sys::set_nonblocking(listener);
        Self { listener, clients: [NOBODY; MOST], input: [0; 4096], filled: 0 }
    }

    /// Adds what is waited for; input only where there is room for it.
    pub(super) fn add_to(&self, polls: &mut Polls, has_room: bool) {
        polls.add(self.listener, libc::POLLIN);
        for client in &self.clients {
            polls.add(client.connection, if has_room { libc::POLLIN } else { 0 });
        }
    }

    /// What the container has not yet taken.
    pub(super) fn input(&self) -> &[u8] {
        self.input.get(..self.filled).unwrap_or_default()
    }

    pub(super) fn has_input(&self) -> bool {
        self.filled > 0
    }

    /// The container has taken so much.
    pub(super) fn take_input(&mut self, taken: usize) {
        let taken = taken.min(self.filled);
        self.input.copy_within(taken..self.filled, 0);
        self.filled = self.filled.saturating_sub(taken);
    }

    /// Lets in who has come, and gives the next thing that is asked for; called until there is none.
    pub(super) fn attend(&mut self, polls: &Polls) -> Option<Request> {
        if polls.take_ready(FIRST) {
            self.accept();
        }
        for (place, client) in self.clients.iter_mut().enumerate() {
            client.is_ready |= polls.take_ready(FIRST.saturating_add(1).saturating_add(place));
        }
        (0..MOST).find_map(|place| self.read(place))
    }

    fn accept(&mut self) {
        let Ok(connection) = sys::accept(self.listener) else { return };
        let _ = sys::set_nonblocking(connection.number());
        // Who finds no room is let go: the connection is closed here.
        if let Some(free) = self.clients.iter_mut().find(|client| client.connection < 0) {
            *free = Client { connection: connection.keep(), ..NOBODY };
        }
    }

    fn read(&mut self, place: usize) -> Option<Request> {
        let filled = self.filled;
        let room = self.input.get_mut(filled..)?;
        let client = self.clients.get_mut(place)?;
        while client.is_ready {
            let target = if client.left > 0 {
                let most = room.len().min(client.left);
                room.get_mut(..most)?
            } else {
                let wanted = if client.filled >= HEAD { HEAD.saturating_add(4) } else { HEAD };
                client.head.get_mut(client.filled..wanted)?
            };
            if target.is_empty() {
                // The container takes nothing now.
                return None;
            }
            let length = match sys::read_from(client.connection, target) {
                Ok(bytes) if !bytes.is_empty() => bytes.len(),
                Err(Errno(libc::EINTR)) => continue,
                Err(Errno(libc::EAGAIN)) => {
                    client.is_ready = false;
                    return None;
                }
                _ => {
                    client.close();
                    return None;
                }
            };
            if client.left > 0 {
                client.left = client.left.saturating_sub(length);
                self.filled = filled.saturating_add(length);
                return Some(Request::Input);
            }
            client.filled = client.filled.saturating_add(length);
            if let Some(request) = client.parse() {
                return Some(request);
            }
        }
        None
    }

    /// Shows what the container wrote; who does not keep up is let go, for the container must not wait for it.
    pub(super) fn show(&mut self, frame: Frame, bytes: &[u8]) {
        let mut head = Line::<HEAD>::new();
        head.put(&[frame as u8]).put(&u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
        for client in self.clients.iter_mut().filter(|client| client.connection >= 0) {
            if sys::send_parts(client.connection, [head.bytes(), bytes]).is_err() {
                client.close();
            }
        }
    }

    pub(super) fn tell_end(&mut self, end: End) {
        let mut text = Line::<8>::new();
        text.put(&end.code.to_le_bytes()).put(&end.status.to_le_bytes());
        self.show(Frame::End, text.bytes());
        for client in &mut self.clients {
            client.close();
        }
    }
}

impl Client {
    fn close(&mut self) {
        if self.connection >= 0 {
            sys::close(self.connection);
        }
        *self = NOBODY;
    }

    /// What a head asks for, once it is whole; nonsense ends the connection.
    fn parse(&mut self) -> Option<Request> {
        if self.filled < HEAD {
            return None;
        }
        let (head, size) = self.head.split_first_chunk::<HEAD>()?;
        let (kind, length) = head.split_first()?;
        let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).unwrap_or(0);
        let request = match (*kind, length) {
            (0, _) => {
                self.left = length;
                None
            }
            (1, 4) if self.filled < self.head.len() => return None,
            (1, 4) => {
                let (rows, columns) = size.split_first_chunk::<2>()?;
                let (columns, _) = columns.split_first_chunk::<2>()?;
                Some(Request::Resize(u16::from_le_bytes(*rows), u16::from_le_bytes(*columns)))
            }
            (2, 0) => Some(Request::EndOfInput),
            _ => {
                self.close();
                return None;
            }
        };
        self.filled = 0;
        request
    }
}
