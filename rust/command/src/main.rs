//! The installed command: the command's TypeScript, an engine for it, and the library, in one program.
//!
//! The engine knows the language alone. What the command calls of Deno is written in TypeScript as well,
//! `src/engine/deno.ts`, over the few functions of [`host`], and calls of the library go to it directly ([`calls`]).

#![deny(unsafe_code)]

#[allow(unsafe_code, reason = "the library's functions take addresses")]
mod calls;
#[allow(unsafe_code, reason = "the engine trusts what it has compiled")]
mod code;
mod events;
#[allow(unsafe_code, reason = "bytes of the engine's buffers")]
mod host;

use std::env;
use std::ffi::OsString;
use std::process;

use minicontainer::facts;
use rquickjs::{CatchResultExt, Context, Ctx, Error, Function, Runtime};

/// A command makes little garbage that refers to itself; what it does make may wait until there is so much of it.
const GARBAGE_BYTES: usize = 32 << 20;

/// As shells have it for what we could not do.
const OWN_FAILURE: i32 = 125;

fn main() {
    facts::limit_is_our_own();
    let why = match env::args_os().skip(1).map(OsString::into_string).collect::<Result<Vec<String>, _>>() {
        Ok(_) if code::is_missing() => "was built without its command: run \"deno task install\"".to_owned(),
        Ok(arguments) => match run(&arguments) {
            Ok(()) => "own mistake, please report it: the command has no end".to_owned(),
            Err(error) => format!("own mistake, please report it: {error}"),
        },
        Err(argument) => format!("an argument is not UTF-8: {argument:?}"),
    };
    eprintln!("minicontainer: {why}");
    process::exit(OWN_FAILURE);
}

/// Runs the command, which ends the process; it comes back where that was not to be.
fn run(arguments: &[String]) -> Result<(), String> {
    let runtime = Runtime::new().map_err(|error| error.to_string())?;
    runtime.set_gc_threshold(GARBAGE_BYTES);
    let context = Context::full(&runtime).map_err(|error| error.to_string())?;
    context.with(|context| evaluate(&context, arguments).catch(&context).map_err(|error| error.to_string()))
}

fn evaluate(context: &Ctx<'_>, arguments: &[String]) -> Result<(), Error> {
    let events = events::Events::new();
    context.globals().set("host", host::functions(context, arguments, &events)?)?;
    let (_, ended) = code::load(context)?.eval()?;
    let turn: Function = context.globals().get("turn")?;
    loop {
        while context.execute_pending_job() {}
        if let Some(end) = ended.result::<()>() {
            return end;
        }
        if !turn.call::<_, bool>(())? {
            return Ok(());
        }
    }
}
