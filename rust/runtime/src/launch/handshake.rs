//! What the parent does while the child waits at a `Sync`: the maps of a new user namespace, network devices, and hooks.

use std::fs;
use std::process::Command;

use minicontainer_child::{Handshake, Part};
use nix::errno::Errno;

use crate::error::Error;
use crate::facts::find_helper;
use crate::id_ranges::{IdMapping, helper_arguments, map_text};
use crate::network;
use crate::plan::{IdMaps, Plan};

/// Waits for the child and does the parent's part; on a thread of its own, for the one that cloned sleeps.
pub(super) fn serve(handshake: &Handshake, plan: &Plan, run_hooks: RunHooks<'_>) -> Result<(), Error> {
    while let Some((pid, part)) = handshake.wait_for_child() {
        let result = match part {
            Part::MapIds => map_ids(pid, &plan.id_maps),
            Part::MoveDevices => network::move_devices(&plan.net_devices, pid),
            Part::RunHooks => run_hooks(pid),
        };
        handshake.answer(result.is_ok());
        result?;
    }
    Ok(())
}

/// Runs the hooks that come before the root is entered, for the container whose process has this number.
pub type RunHooks<'h> = &'h (dyn Fn(i32) -> Result<(), Error> + Sync);

fn map_ids(pid: i32, maps: &IdMaps) -> Result<(), Error> {
    let IdMaps::ByParent { uids, gids, by_helpers } = maps else { return Ok(()) };
    for (mappings, file, helper) in [(uids, "uid_map", "newuidmap"), (gids, "gid_map", "newgidmap")] {
        if *by_helpers {
            run_helper(helper, pid, mappings)?;
        } else {
            write_map(&format!("/proc/{pid}/{file}"), mappings)?;
        }
    }
    Ok(())
}

/// Writes a map of our own right, user_namespaces(7).
pub(super) fn write_map(path: &str, mappings: &[IdMapping]) -> Result<(), Error> {
    fs::write(path, map_text(mappings)).map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO));
        Error::system(format!("map ids: write {path:?}"), errno)
    })
}

/// `newuidmap(1)` or `newgidmap(1)`, which may map what `/etc/subuid` and `/etc/subgid` grant.
fn run_helper(name: &str, pid: i32, mappings: &[IdMapping]) -> Result<(), Error> {
    let failed = |why: &str| {
        let error = Error::system(format!("map ids by {name}"), Errno::EPERM);
        error.with_advice(why)
    };
    let path = find_helper(name).ok_or_else(|| failed("it is not installed (Debian: uidmap)"))?;
    let output = Command::new(path).args(helper_arguments(pid, mappings)).env_clear().output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(failed(String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Err(failed(&error.to_string())),
    }
}
