//! D-Bus, as far as a call and a signal of systemd's need it: the D-Bus Specification, "Message Protocol" and
//! "Authentication Protocol". What is in a message `zvariant` writes and reads.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use zvariant::serialized::{Context, Data};
use zvariant::{DynamicType, LE, Type, Value, to_bytes};

use crate::launch::environ::environment;

/// A connection.
#[derive(Debug)]
pub struct Bus {
    stream: UnixStream,
    serial: u32,
    /// What came while something else was waited for.
    signals: VecDeque<Message>,
}

/// Why a call did not do what it was to.
#[derive(Debug)]
pub enum Failure {
    /// There is no bus, or it is gone.
    Connection(Errno),
    /// It was refused: the error's name, and what is said about it.
    Refused(String, String),
}

/// A message, as far as it matters here.
#[derive(Debug)]
pub struct Message {
    kind: u8,
    member: String,
    error: String,
    signature: String,
    reply_to: u32,
    body: Data<'static, 'static>,
}

// Types of messages, and fields of their headers.
const CALL: u8 = 1;
const REPLY: u8 = 2;
const ERROR: u8 = 3;
const SIGNAL: u8 = 4;
const PATH: u8 = 1;
const INTERFACE: u8 = 2;
const MEMBER: u8 = 3;
const ERROR_NAME: u8 = 4;
const REPLY_SERIAL: u8 = 5;
const DESTINATION: u8 = 6;
const SIGNATURE: u8 = 8;

/// What the header of every message begins with.
const FIXED_BYTES: usize = 16;

/// Longer ones are none of systemd's answers.
const LONGEST_BYTES: usize = 1 << 20;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(25);

/// Who is called.
pub struct Callee {
    /// Its name on the bus.
    pub destination: &'static str,
    /// Its object.
    pub path: &'static str,
    /// Which of its interfaces.
    pub interface: &'static str,
}

const DBUS: Callee =
    Callee { destination: "org.freedesktop.DBus", path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };

impl Bus {
    /// The system's bus, or that of this user's own manager.
    ///
    /// # Errors
    /// [`Failure::Connection`] where it can't be had.
    pub fn connect(is_user: bool) -> Result<Self, Failure> {
        let stream = open(is_user)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut bus = Self { stream, serial: 0, signals: VecDeque::new() };
        bus.authenticate()?;
        bus.call(&DBUS, "Hello", &())?;
        Ok(bus)
    }

    /// Says that it is who the kernel says it is.
    fn authenticate(&mut self) -> Result<(), Failure> {
        self.stream.write_all(b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n")?;
        for expected in ["DATA", "OK "] {
            let mut line = Vec::new();
            while !line.ends_with(b"\r\n") && line.len() < 1024 {
                let mut byte = [0];
                self.stream.read_exact(&mut byte)?;
                line.extend(byte);
            }
            if !line.starts_with(expected.as_bytes()) {
                return Err(Failure::Connection(Errno::EACCES));
            }
        }
        Ok(())
    }

    /// Has signals sent to us that `rule` is about.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn listen(&mut self, rule: &str) -> Result<(), Failure> {
        self.call(&DBUS, "AddMatch", &(rule,)).map(drop)
    }

    /// Calls and waits for the answer.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn call<B>(&mut self, callee: &Callee, member: &str, body: &B) -> Result<Message, Failure>
    where
        B: serde::Serialize + DynamicType,
    {
        self.serial += 1;
        let serial = self.serial;
        self.stream.write_all(&call_bytes(serial, callee, member, body)?)?;
        let end = Instant::now() + PATIENCE;
        loop {
            let message = self.receive(end)?;
            match message.kind {
                REPLY if message.reply_to == serial => return Ok(message),
                ERROR if message.reply_to == serial => {
                    let (text,) = message.read::<(String,)>().unwrap_or_default();
                    return Err(Failure::Refused(message.error, text));
                }
                SIGNAL => self.signals.push_back(message),
                _ => {}
            }
        }
    }

    /// The next signal called `member` of which `is_it` holds.
    ///
    /// # Errors
    /// [`Failure`].
    pub fn wait_for(&mut self, member: &str, is_it: impl Fn(&Message) -> bool) -> Result<Message, Failure> {
        let end = Instant::now() + PATIENCE;
        loop {
            let message = match self.signals.pop_front() {
                Some(message) => message,
                None => self.receive(end)?,
            };
            if message.kind == SIGNAL && message.member == member && is_it(&message) {
                return Ok(message);
            }
        }
    }

    fn receive(&mut self, end: Instant) -> Result<Message, Failure> {
        if Instant::now() > end {
            return Err(Failure::Connection(Errno::ETIMEDOUT));
        }
        let mut bytes = vec![0; FIXED_BYTES];
        self.stream.read_exact(&mut bytes)?;
        let lengths = lengths(&bytes).filter(|(fields, body)| fields + body <= LONGEST_BYTES);
        let (fields, body) = lengths.ok_or(Failure::Connection(Errno::EPROTO))?;
        let header = (FIXED_BYTES + fields).next_multiple_of(8);
        bytes.resize(header + body, 0);
        self.stream.read_exact(&mut bytes[FIXED_BYTES..])?;
        Message::parse(bytes, header).ok_or(Failure::Connection(Errno::EPROTO))
    }
}

/// Of the fields of the header, and of the body; nobody sends big-endian ones here.
fn lengths(bytes: &[u8]) -> Option<(usize, usize)> {
    let word = |place: usize| {
        let word = bytes.get(place..place + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(word)).ok()
    };
    (bytes.first() == Some(&b'l')).then_some(())?;
    Some((word(12)?, word(4)?))
}

type Fields<'f> = Vec<(u8, Value<'f>)>;

fn call_bytes<B>(serial: u32, callee: &Callee, member: &str, body: &B) -> Result<Vec<u8>, Failure>
where
    B: serde::Serialize + DynamicType,
{
    let unwritable = |_| Failure::Connection(Errno::EINVAL);
    let signature = body.signature().to_string_no_parens();
    let object = zvariant::ObjectPath::try_from(callee.path).map_err(unwritable)?;
    let fields: Fields<'_> = vec![
        (PATH, Value::ObjectPath(object)),
        (INTERFACE, Value::from(callee.interface)),
        (MEMBER, Value::from(member)),
        (DESTINATION, Value::from(callee.destination)),
    ];
    let context = Context::new_dbus(LE, 0);
    let body = to_bytes(context, body).map_err(unwritable)?;
    let length = u32::try_from(body.len()).map_err(|_| Failure::Connection(Errno::EMSGSIZE))?;
    let header = to_bytes(context, &(b'l', CALL, 0_u8, 1_u8, length, serial, fields)).map_err(unwritable)?;
    let mut bytes = header.to_vec();
    if !signature.is_empty() {
        // A body is a row of values; zvariant has it as one structure, in parentheses.
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let length = u8::try_from(signature.len()).map_err(|_| Failure::Connection(Errno::EINVAL))?;
        bytes.extend([SIGNATURE, 1, b'g', 0, length].into_iter().chain(signature.bytes()).chain([0]));
        let fields = u32::try_from(bytes.len() - FIXED_BYTES).map_err(|_| Failure::Connection(Errno::EMSGSIZE))?;
        bytes.splice(FIXED_BYTES - 4..FIXED_BYTES, fields.to_le_bytes());
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes.extend(body.iter());
    Ok(bytes)
}

impl Message {
    fn parse(mut bytes: Vec<u8>, header: usize) -> Option<Self> {
        let context = Context::new_dbus(LE, 0);
        let body = Data::new(bytes.split_off(header), context);
        let data = Data::new(bytes, context);
        let (head, _) = data.deserialize::<(u8, u8, u8, u8, u32, u32, Fields<'_>)>().ok()?;
        let text = String::new;
        let (member, error, signature) = (text(), text(), text());
        let mut message = Self { kind: head.1, member, error, signature, reply_to: 0, body };
        for (field, value) in head.6 {
            match (field, value) {
                (MEMBER, Value::Str(text)) => message.member = text.to_string(),
                (ERROR_NAME, Value::Str(text)) => message.error = text.to_string(),
                (SIGNATURE, Value::Signature(signature)) => message.signature = signature.to_string_no_parens(),
                (REPLY_SERIAL, Value::U32(serial)) => message.reply_to = serial,
                _ => {}
            }
        }
        Some(message)
    }

    /// What is in it; `None` where it is something else.
    #[must_use]
    pub fn read<'m, T>(&'m self) -> Option<T>
    where
        T: serde::Deserialize<'m> + Type,
    {
        let is_it = self.signature == T::SIGNATURE.to_string_no_parens();
        is_it.then(|| self.body.deserialize().ok()).flatten().map(|(value, _)| value)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Errno::ETIMEDOUT,
            ErrorKind::UnexpectedEof => Errno::ECONNRESET,
            _ => Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO)),
        })
    }
}

fn open(is_user: bool) -> Result<UnixStream, Failure> {
    let environment = environment();
    let variable = |name: &str| {
        environment
            .iter()
            .find_map(|entry| entry.to_str().ok()?.strip_prefix(name)?.strip_prefix('=').map(String::from))
    };
    let usual = || {
        let folder = variable("XDG_RUNTIME_DIR").unwrap_or_else(|| format!("/run/user/{}", nix::unistd::geteuid()));
        let path = if is_user { format!("{folder}/bus") } else { "/run/dbus/system_bus_socket".into() };
        Address::Path(path.into())
    };
    let name = if is_user { "DBUS_SESSION_BUS_ADDRESS" } else { "DBUS_SYSTEM_BUS_ADDRESS" };
    let stream = match variable(name).and_then(|text| Address::parse(&text)).unwrap_or_else(usual) {
        Address::Path(path) => UnixStream::connect(path)?,
        Address::Abstract(name) => UnixStream::connect_addr(&SocketAddr::from_abstract_name(name)?)?,
    };
    Ok(stream)
}

/// Where a bus listens: "Server Addresses".
#[derive(Debug, PartialEq, Eq)]
enum Address {
    Path(PathBuf),
    Abstract(Vec<u8>),
}

impl Address {
    /// The first that we can connect to.
    fn parse(text: &str) -> Option<Self> {
        text.split(';').filter_map(|address| address.strip_prefix("unix:")).find_map(|keys| {
            keys.split(',').find_map(|key| match key.split_once('=')? {
                ("path", path) => Some(Self::Path(PathBuf::from(String::from_utf8(unescape(path)?).ok()?))),
                ("abstract", name) => Some(Self::Abstract(unescape(name)?)),
                _ => None,
            })
        })
    }
}

/// `%2f` and such.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut pieces = text.split('%');
    let mut bytes = pieces.next()?.as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
        bytes.extend(piece.as_bytes().get(2..)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_first_that_is_a_socket_of_this_host() {
        let path = |path: &str| Some(Address::Path(path.into()));
        assert_eq!(Address::parse("unix:path=/run/user/1000/bus"), path("/run/user/1000/bus"));
        assert_eq!(Address::parse("tcp:host=x,port=1;unix:guid=00,path=/a%20b%2fc"), path("/a b/c"));
        assert_eq!(Address::parse("unix:abstract=/tmp/x,guid=0"), Some(Address::Abstract(b"/tmp/x".to_vec())));
        for text in ["", "tcp:host=x", "unix:tmpdir=/tmp", "unix:path=%zz", "unix:path=%2"] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_call_is_written_as_the_specification_has_it() {
        let bytes = call_bytes(1, &DBUS, "AddMatch", &("a",)).unwrap();
        assert_eq!(bytes[..8], [b'l', 1, 0, 1, 6, 0, 0, 0]);
        assert_eq!(bytes.len() % 8, 6, "the header ends at a multiple of 8, and the body has six bytes");
        let signature = [SIGNATURE, 1, b'g', 0, 1, b's', 0];
        assert!(bytes.windows(signature.len()).any(|window| window == signature), "{bytes:?}");
        let header = bytes.len() - 6;
        let message = Message::parse(bytes, header).unwrap();
        assert_eq!((message.kind, message.member.as_str()), (CALL, "AddMatch"));
        assert_eq!(message.read::<(String,)>(), Some(("a".into(),)));
        assert_eq!(message.read::<(u32, u64)>(), None);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert_eq!(lengths(&[0; 16]), None);
        assert_eq!(lengths(b"l"), None);
        assert!(Message::parse(vec![b'l'; 32], 32).is_none());
    }
}
