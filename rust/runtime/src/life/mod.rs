//! The life of a container: what outlives this process, and whatever touches a file, a lock or a process for it.
//!
//! What a state allows, what stands in it and what is said about it is TypeScript's; here are the calls that it makes,
//! by name, each of which takes an object and gives one. A call of a file's own is a line of [`call`]'s table.

pub(crate) mod agent;
mod attach;
mod becoming;
mod cgroups;
mod changes;
pub(crate) mod children;
mod copy;
mod create;
mod door;
mod end;
mod ended;
pub(crate) mod exec;
pub(crate) mod features;
pub(crate) mod files;
mod handles;
pub(crate) mod hooks;
mod ids;
mod log;
mod notify;
pub(crate) mod process;
mod rename;
mod root;
mod signal;
mod start;
pub(crate) mod store;
mod surroundings;
mod undo;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The name of the call, which stands among its fields.
#[derive(Deserialize)]
struct Named {
    call: String,
}

/// Makes the call that a request names, and gives its answer as JSON.
///
/// # Errors
/// What the call fails with; [`Error::Internal`] where there is no such call, or one of its fields is wrong.
pub(crate) fn call(request: &[u8]) -> Result<Vec<u8>, Error> {
    let Named { call } = parse(request)?;
    match call.as_str() {
        "store.create" => answer(request, store::create),
        "store.open" => answer(request, store::open),
        "store.read" => answer(request, store::read),
        "store.save" => answer(request, store::save),
        "store.remove" => answer(request, store::removed),
        "store.close" => answer(request, |asked| Ok(store::close(asked))),
        "store.list" => answer(request, store::list),
        "store.rename" => answer(request, rename::rename),
        "host" => answer(request, process::host),
        "process" => answer(request, |asked| Ok(process::process(asked))),
        "bundle.read" => answer(request, files::read_bundle),
        "folder" => answer(request, files::folder),
        "file.new" => answer(request, files::write_new),
        "file.read" => answer(request, files::read),
        "file.write" => answer(request, files::write),
        "log.append" => answer(request, files::append),
        "log.open" => answer(request, log::open),
        "log.read" => answer(request, log::read),
        "log.close" => answer(request, |asked| Ok(log::close(asked))),
        "attach.open" => answer(request, attach::open),
        "attach.read" => answer(request, attach::read),
        "attach.send" => answer(request, attach::send),
        "attach.close" => answer(request, |asked| Ok(attach::close(asked))),
        "notify.open" => answer(request, notify::open),
        "notify.pass" => answer(request, notify::pass),
        "environment" => answer(request, |asked| Ok(surroundings::environment(asked))),
        "changes" => answer(request, changes::changes),
        "copy" => answer(request, copy::copy),
        "create" => answer(request, create::create),
        "start" => answer(request, start::start),
        "exec" => answer(request, exec::exec),
        "signal" => answer(request, signal::signal),
        "wait" => answer(request, signal::wait),
        "wait.end" => answer(request, ended::wait),
        "cgroup.procs" => answer(request, cgroups::processes),
        "cgroup.pause" => answer(request, cgroups::pause),
        "cgroup.resume" => answer(request, cgroups::resume),
        "cgroup.update" => answer(request, cgroups::update),
        "cgroup.state" => answer(request, |asked| Ok(cgroups::state(asked))),
        "cgroup.stats" => answer(request, |asked| Ok(cgroups::stats(asked))),
        "undo" => answer(request, undo::undo),
        "end" => answer(request, end::end),
        "hooks" => answer(request, hooks::hooks),
        "surroundings" => answer(request, surroundings::surroundings),
        "become" => answer(request, becoming::become_module),
        "features" => answer(request, |asked| Ok(features::features(asked))),
        unknown => Err(Error::Internal { message: format!("there is no call {unknown:?}") }),
    }
}

fn answer<R: DeserializeOwned, A: Serialize>(
    request: &[u8],
    call: impl FnOnce(&R) -> Result<A, Error>,
) -> Result<Vec<u8>, Error> {
    let answer = call(&parse(request)?)?;
    serde_json::to_vec(&answer).map_err(|error| Error::Internal { message: error.to_string() })
}

fn parse<R: DeserializeOwned>(request: &[u8]) -> Result<R, Error> {
    serde_json::from_slice(request).map_err(|error| Error::Internal { message: format!("a call's fields: {error}") })
}

/// An answer that says nothing but that all went well: `{}`.
#[derive(Serialize)]
pub(crate) struct Done {}
