//! A scope from its start to its end.

use std::os::fd::{OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use zvariant::{OwnedObjectPath, Value as Variant};

use super::arrange::{Purpose, Systemd};
use super::bus::{Bus, Callee, Failure};
use super::keeper::Keeper;
use super::name::Unit;
use super::property::{Property, Value};
use crate::cgroup::file::{read, write};
use crate::error::Error;

/// A scope that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name and its slice's.
    pub unit: Unit,
    /// Who makes it, and whom for.
    pub systemd: Systemd,
    /// Where its cgroup is.
    pub folder: PathBuf,
    /// Its limits.
    pub properties: Vec<Property>,
}

/// A scope that is there; dropping it stops it.
#[derive(Debug)]
pub struct Scope {
    unit: String,
    is_user: bool,
    /// Without one we are in it, and it goes with us.
    keeper: Option<Keeper>,
}

const MANAGER: Callee = Callee {
    destination: "org.freedesktop.systemd1",
    path: "/org/freedesktop/systemd1",
    interface: "org.freedesktop.systemd1.Manager",
};

const JOBS: &str = "type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',\
    interface='org.freedesktop.systemd1.Manager',member='JobRemoved'";

/// How long whoever is left in a scope may take to end once it is told to; then it is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// The cgroup that keeps a scope, beside the container's.
const KEEPERS: &str = "keeper";

impl Scope {
    /// Has systemd make it, with nobody in it but its keeper, or ourselves.
    ///
    /// # Errors
    /// [`Error::System`]: `EEXIST` where there is a unit of that name, `EACCES` where this user may not.
    pub fn start(wanted: &Wanted) -> Result<Self, Error> {
        let Wanted { unit, systemd: Systemd { is_user, is_legacy, purpose, .. }, folder, properties } = wanted;
        let failed = |failure| error(&format!("have systemd make {}", unit.name), failure);
        let keeper = if *purpose == Purpose::OwnerInside { None } else { Some(Keeper::start()?) };
        let mut bus = Bus::connect(*is_user).map_err(failed)?;
        bus.listen(JOBS).map_err(failed)?;
        let mut all: Vec<(&str, Variant<'_>)> = vec![
            ("Description", Variant::from(description(*purpose))),
            ("Slice", Variant::from(unit.slice.as_str())),
            ("PIDs", Variant::from(vec![keeper.as_ref().map_or_else(std::process::id, Keeper::pid)])),
            ("Delegate", Variant::from(true)),
            ("DefaultDependencies", Variant::from(false)),
            // It goes away also where it failed, which reset-failed would be needed for.
            ("CollectMode", Variant::from("inactive-or-failed")),
            ("TimeoutStopUSec", Variant::from(u64::try_from(STOP_PATIENCE.as_micros()).unwrap_or(u64::MAX))),
        ];
        all.extend(variants(properties));
        if *purpose != Purpose::Container {
            // What a scope may have without it is meant for one program.
            all.push(("TasksMax", Variant::from(u64::MAX)));
        }
        let auxiliary: Vec<(&str, Vec<(&str, Variant<'_>)>)> = Vec::new();
        let body = (unit.name.as_str(), "fail", all, auxiliary);
        // From here on it has to be stopped, whatever happens.
        let job = bus.call(&MANAGER, "StartTransientUnit", &body).map_err(failed)?;
        let scope = Self { unit: unit.name.clone(), is_user: *is_user, keeper };
        let result = finished(&mut bus, job.read::<OwnedObjectPath>()).map_err(failed)?;
        if result != "done" {
            return Err(failed(Failure::Refused(String::new(), format!("its job ended with {result:?}"))));
        }
        if !is_legacy {
            scope.move_keeper(folder)?;
        }
        Ok(scope)
    }

    /// Out of the scope's own cgroup, for version 2 hands controllers down only where no process is.
    fn move_keeper(&self, folder: &Path) -> Result<(), Error> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        let below = folder.join(KEEPERS);
        let failed = |errno| Error::system(format!("make the cgroup {}", below.display()), errno);
        std::fs::create_dir(&below).map_err(|error| failed(crate::cgroup::file::errno(&error)))?;
        write(&below.join("cgroup.procs"), &keeper.pid().to_string()).map_err(failed)
    }

    /// Its keeper's [`Keeper::life`].
    #[must_use]
    pub fn life(&self) -> Option<RawFd> {
        self.keeper.as_ref().and_then(Keeper::life)
    }

    /// Leaves it to itself: it stays for as long as somebody is in it, its keeper if `is_kept` by somebody else; then that
    /// one's pidfd, as [`Keeper::leave`].
    #[must_use]
    pub fn leave(mut self, is_kept: bool) -> Option<OwnedFd> {
        self.keeper.take().filter(|_| is_kept).and_then(Keeper::leave)
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if self.keeper.take().is_some() {
            // Who is to hear of a failure calls `stop`.
            let _ = stop(&self.unit, self.is_user);
        }
    }
}

/// Whether there is a scope with a keeper in it.
#[must_use]
pub fn is_kept(wanted: &Wanted) -> bool {
    let keepers = if wanted.systemd.is_legacy { wanted.folder.clone() } else { wanted.folder.join(KEEPERS) };
    read(&keepers.join("cgroup.procs")).is_ok_and(|processes| !processes.is_empty())
}

fn description(purpose: Purpose) -> &'static str {
    if purpose == Purpose::Container {
        "a container of minicontainer's"
    } else {
        "what minicontainer runs for a process"
    }
}

/// Whether the bus of systemd's can be connected to.
#[must_use]
pub fn is_reachable(is_user: bool) -> bool {
    Bus::connect(is_user).is_ok()
}

/// Stops a unit and waits until it is gone; one that is gone is stopped.
///
/// # Errors
/// [`Error::System`].
pub fn stop(unit: &str, is_user: bool) -> Result<(), Error> {
    let stop = || {
        let mut bus = Bus::connect(is_user)?;
        bus.listen(JOBS)?;
        match bus.call(&MANAGER, "StopUnit", &(unit, "replace")) {
            Ok(job) => finished(&mut bus, job.read::<OwnedObjectPath>())?,
            Err(Failure::Refused(name, _)) if name == NO_SUCH_UNIT => return Ok(()),
            Err(failure) => return Err(failure),
        };
        match bus.call(&MANAGER, "ResetFailedUnit", &(unit,)) {
            Err(Failure::Refused(name, _)) if name == NO_SUCH_UNIT => Ok(()),
            result => result.map(drop),
        }
    };
    stop().map_err(|failure| error(&format!("have systemd remove {unit}"), failure))
}

/// Gives a unit other limits, until it is gone; when this returns they hold.
///
/// # Errors
/// [`Error::System`].
pub fn update(unit: &str, is_user: bool, properties: &[Property]) -> Result<(), Error> {
    if properties.is_empty() {
        return Ok(());
    }
    let all: Vec<(&str, Variant<'_>)> = variants(properties).collect();
    let set = || {
        let mut bus = Bus::connect(is_user)?;
        bus.call(&MANAGER, "SetUnitProperties", &(unit, true, all))?;
        // What it writes to files it writes before it looks at the next message.
        bus.call(&MANAGER, "GetUnit", &(unit,)).map(drop)
    };
    set().map_err(|failure| error(&format!("have systemd limit {unit}"), failure))
}

/// The cgroup of this user's manager, from the root of all.
///
/// # Errors
/// [`Error::System`] where it has none that answers.
pub fn users_cgroup() -> Result<String, Error> {
    let properties = Callee { interface: "org.freedesktop.DBus.Properties", ..MANAGER };
    let ask = || {
        let answer = Bus::connect(true)?.call(&properties, "Get", &(MANAGER.interface, "ControlGroup"))?;
        match answer.read::<Variant<'_>>() {
            Some(Variant::Str(path)) => Ok(path.to_string()),
            _ => Err(Failure::Connection(Errno::EPROTO)),
        }
    };
    ask().map_err(|failure| error("ask this user's systemd for its cgroup", failure))
}

/// Waits for a job's end: its result.
fn finished(bus: &mut Bus, job: Option<OwnedObjectPath>) -> Result<String, Failure> {
    type Removed = (u32, OwnedObjectPath, String, String);
    let job = job.ok_or(Failure::Connection(Errno::EPROTO))?;
    let is_it = |removed: &Removed| removed.1 == job;
    let signal = bus.wait_for("JobRemoved", |message| message.read::<Removed>().as_ref().is_some_and(is_it))?;
    Ok(signal.read::<Removed>().map(|removed| removed.3).unwrap_or_default())
}

fn variants(properties: &[Property]) -> impl Iterator<Item = (&str, Variant<'_>)> {
    properties.iter().map(|(name, value)| {
        let variant = match value.clone() {
            Value::Number(number) => Variant::from(number),
            Value::Bytes(bytes) => Variant::from(bytes),
            Value::Devices(devices) => Variant::from(devices),
        };
        (*name, variant)
    })
}

const NO_SUCH_UNIT: &str = "org.freedesktop.systemd1.NoSuchUnit";

fn error(operation: &str, failure: Failure) -> Error {
    match failure {
        Failure::Connection(errno) => Error::system(format!("{operation}: reach its D-Bus"), errno)
            .with_advice("--cgroup-manager cgroupfs does without it"),
        Failure::Refused(name, text) => {
            let errno = match name.rsplit('.').next().unwrap_or_default() {
                "UnitExists" => Errno::EEXIST,
                "AccessDenied" | "InteractiveAuthorizationRequired" | "AuthFailed" => Errno::EACCES,
                "NoSuchUnit" => Errno::ENOENT,
                "InvalidArgs" | "PropertyReadOnly" => Errno::EINVAL,
                _ => Errno::EIO,
            };
            Error::system(operation, errno).with_advice(&text)
        }
    }
}
