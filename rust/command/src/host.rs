//! The functions that `src/engine/host.ts` declares.

#![allow(clippy::needless_pass_by_value, reason = "the engine hands its values over")]

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::time::{Duration, Instant};

use minicontainer::launch::tty::own_size;
use minicontainer::terminal::Terminal;
use nix::errno::Errno;
use nix::unistd;
use rquickjs::prelude::{Func, List, MutFn};
use rquickjs::{Array, BigInt, Ctx, Error, Exception, Object, TypedArray, Value};

use crate::calls;
use crate::events::{Event, Events};

type Bytes<'js> = TypedArray<'js, u8>;

/// An exit code, stdout and stderr.
type Output<'js> = List<(i32, Bytes<'js>, Bytes<'js>)>;

/// All of them, with what they are to know.
pub fn functions<'js>(context: &Ctx<'js>, arguments: &[String], events: &Events) -> Result<Object<'js>, Error> {
    let host = Object::new(context.clone())?;
    host.set("args", arguments.to_vec())?;
    host.set("call", Func::from(call))?;
    host.set("write", Func::from(write))?;
    host.set("readSync", Func::from(read))?;
    host.set("isTerminal", Func::from(|descriptor| stream(descriptor).is_terminal()))?;
    host.set("consoleSize", Func::from(console_size))?;
    host.set("output", Func::from(output))?;
    host.set("execPath", Func::from(exec_path))?;
    host.set("fillRandom", Func::from(fill_random))?;
    host.set("encode", Func::from(encode))?;
    host.set("decode", Func::from(decode))?;
    host.set("exit", Func::from(exit))?;
    let begun = Instant::now();
    host.set("now", Func::from(move || begun.elapsed().as_secs_f64() * 1e3))?;
    let mut terminal = None;
    let set_raw = move |is_raw| {
        if is_raw {
            terminal = Terminal::on(io::stdin().as_fd());
            terminal.iter().for_each(Terminal::make_raw);
        } else {
            terminal.take().iter().for_each(Terminal::restore);
        }
    };
    host.set("setRaw", Func::from(MutFn::from(set_raw)))?;
    let queue = events.clone();
    let call_elsewhere = move |number, name, arguments: Array<'js>| begin(&queue, number, name, &arguments);
    host.set("begin", Func::from(call_elsewhere))?;
    let queue = events.clone();
    let read_elsewhere = move |number, descriptor, bytes: Bytes<'js>| begin_read(&queue, number, descriptor, &bytes);
    host.set("beginRead", Func::from(read_elsewhere))?;
    let queue = events.clone();
    host.set("next", Func::from(move |ms| next(&queue, ms)))?;
    let queue = events.clone();
    let listen = move |context: Ctx<'js>, signal| {
        queue.listen(signal).map_err(|error| Exception::throw_message(&context, &error.to_string()))
    };
    host.set("listen", Func::from(listen))?;
    Ok(host)
}

/// The next event within so many milliseconds: 0, the number of a call and its result, or 1 and a signal.
fn next(events: &Events, ms: Option<f64>) -> Option<Vec<i32>> {
    let within = ms.map(|ms| Duration::from_secs_f64(ms.max(0.0) / 1e3));
    events.next(within).map(|event| match event {
        Event::Called(number, result) => vec![0, number, result],
        Event::Signal(signal) => vec![1, signal],
    })
}

/// Where an engine's buffer is, for a thread that is to fill it.
struct Address(usize, usize);

impl Address {
    fn of(bytes: &Bytes<'_>) -> Self {
        bytes.as_raw().map_or(Self(0, 0), |raw| Self(raw.as_ptr().cast::<u8>().expose_provenance(), raw.len()))
    }

    /// # Safety
    /// The buffer is still there, and nobody else uses it meanwhile.
    unsafe fn slice(&self) -> &'static mut [u8] {
        let Self(address, length) = *self;
        if length == 0 {
            return &mut [];
        }
        // SAFETY: as the caller vouches.
        unsafe { std::slice::from_raw_parts_mut(std::ptr::with_exposed_provenance_mut(address), length) }
    }
}

/// One of the standard streams.
fn stream(descriptor: i32) -> BorrowedFd<'static> {
    // SAFETY: 0, 1 and 2 are there for as long as the process is, which Rust's start sees to.
    unsafe { BorrowedFd::borrow_raw(descriptor.clamp(0, 2)) }
}

/// What crosses of arguments: integers, and addresses of buffers.
fn words(arguments: &Array<'_>) -> Result<Vec<i64>, Error> {
    arguments.iter::<Value>().map(|argument| word(argument?)).collect()
}

fn word(argument: Value<'_>) -> Result<i64, Error> {
    if let Some(bytes) = argument.as_object().and_then(Object::as_typed_array::<u8>) {
        let Address(address, _) = Address::of(bytes);
        return Ok(i64::try_from(address).unwrap_or(0));
    }
    if let Some(is_so) = argument.as_bool() {
        return Ok(is_so.into());
    }
    match argument.as_number() {
        #[allow(clippy::cast_possible_truncation, reason = "an integer: what else would a parameter be")]
        Some(number) => Ok(number as i64),
        None => argument.get::<BigInt>()?.to_i64(),
    }
}

fn call(context: Ctx<'_>, name: String, arguments: Array<'_>) -> Result<i32, Error> {
    let words = words(&arguments)?;
    // SAFETY: the addresses are of buffers whose lengths the command's own code has given with them.
    let result = unsafe { calls::call(&name, &words) };
    result.ok_or_else(|| Exception::throw_message(&context, &format!("the library has no {name}")))
}

fn begin(events: &Events, number: i32, name: String, arguments: &Array<'_>) -> Result<(), Error> {
    let words = words(arguments)?;
    // SAFETY: as above; and who begins a call keeps its buffers, and leaves them alone, until it has ended.
    events.call(number, move || unsafe { calls::call(&name, &words) }.unwrap_or(-(Errno::ENOSYS as i32)));
    Ok(())
}

fn begin_read(events: &Events, number: i32, descriptor: i32, bytes: &Bytes<'_>) {
    let address = Address::of(bytes);
    // SAFETY: who begins a read keeps its buffer, and leaves it alone, until it has ended.
    events.call(number, move || read_into(descriptor, unsafe { address.slice() }));
}

fn read(descriptor: i32, bytes: Bytes<'_>) -> i32 {
    // SAFETY: nothing else runs until this returns.
    read_into(descriptor, unsafe { Address::of(&bytes).slice() })
}

/// The bytes read, or a negative error number.
fn read_into(descriptor: i32, bytes: &mut [u8]) -> i32 {
    count_or_errno(|| unistd::read(stream(descriptor), bytes))
}

fn write(descriptor: i32, bytes: Bytes<'_>) -> i32 {
    // SAFETY: nothing else runs until this returns.
    let bytes = unsafe { Address::of(&bytes).slice() };
    count_or_errno(|| unistd::write(stream(descriptor), bytes))
}

fn count_or_errno(mut transfer: impl FnMut() -> Result<usize, Errno>) -> i32 {
    loop {
        match transfer() {
            Err(Errno::EINTR) => {}
            Err(errno) => return -(errno as i32),
            Ok(count) => return i32::try_from(count).unwrap_or(i32::MAX),
        }
    }
}

/// Rows and columns.
fn console_size() -> Option<Vec<u16>> {
    own_size().map(|(rows, columns)| vec![rows, columns])
}

/// What a program prints; nothing where there is no such program.
fn output(context: Ctx<'_>, program: String, arguments: Vec<String>) -> Result<Option<Output<'_>>, Error> {
    match Command::new(&program).args(arguments).stdin(Stdio::null()).output() {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Exception::throw_message(&context, &format!("cannot execute {program:?}: {error}"))),
        Ok(output) => Ok(Some(List((
            output.status.code().unwrap_or(-1),
            Bytes::new_copy(context.clone(), output.stdout)?,
            Bytes::new_copy(context, output.stderr)?,
        )))),
    }
}

fn exec_path(context: Ctx<'_>) -> Result<String, Error> {
    let path = env::current_exe().map(PathBuf::into_os_string).map(OsString::into_string);
    match path {
        Ok(Ok(path)) => Ok(path),
        _ => {
            Err(Exception::throw_message(&context, "cannot tell where this program is: /proc/self/exe cannot be read"))
        }
    }
}

fn fill_random(context: Ctx<'_>, bytes: Bytes<'_>) -> Result<(), Error> {
    // SAFETY: nothing else runs until this returns.
    let bytes = unsafe { Address::of(&bytes).slice() };
    let filled = File::open("/dev/urandom").and_then(|mut file| file.read_exact(bytes));
    filled.map_err(|error| Exception::throw_message(&context, &format!("cannot read /dev/urandom: {error}")))
}

fn encode(context: Ctx<'_>, text: String) -> Result<Bytes<'_>, Error> {
    Bytes::new(context, text)
}

/// What is not UTF-8 becomes U+FFFD.
fn decode(bytes: Bytes<'_>) -> String {
    // SAFETY: nothing else runs until this returns.
    String::from_utf8_lossy(unsafe { Address::of(&bytes).slice() }).into_owned()
}

fn exit(code: i32) {
    process::exit(code)
}
