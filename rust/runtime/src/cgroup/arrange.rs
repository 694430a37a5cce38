//! From a spec and what the host has to where a container's cgroup goes and what is written there: pure.

mod asked;
mod io_max;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::devices::{self, Policy};
use super::layout::{Hierarchy, Kind, SYSTEMD};
use super::path::CgroupsPath;
use super::place::{Place, UNIFIED};
use super::resources::{Version, Write, writes};
use super::survey::{Level, Survey};
use super::sweep::OUTLIVES;
use super::systemd::{self, Purpose, Wanted};
use super::{Entry, Manager};
use crate::error::Error;
use crate::spec::Spec;
use asked::figures;
pub use asked::{controllers, is_given, is_wanted, manager, names_unit};
use io_max::add_io_max;

/// What is made for a container, and how its program gets there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// Where it is.
    pub place: Place,
    /// The scope that it is in, where systemd makes one: for it, or for all of this process's.
    pub scope: Option<Wanted>,
    /// Its folders, each once, in the order in which they are made.
    pub folders: Vec<Folder>,
    /// Settings, and to which folder each belongs.
    pub writes: Vec<(usize, Write)>,
    /// Version 2: which devices may be used.
    pub devices: Option<Policy>,
    /// The folder that the program is cloned into.
    pub clone_into: Option<usize>,
    /// Whether others may know it by its name: the spec has chosen that.
    pub is_named: bool,
    /// Version 2: where others of this host's may have made one for the like, beside where this one is.
    pub nearby: Vec<PathBuf>,
    /// What could not be had in full, a sentence each.
    pub degraded: Vec<String>,
    /// After how much time on processors the program and all below it are killed.
    pub cpu_time: Option<Duration>,
}

/// One folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// The last one above it that is there for sure.
    pub base: PathBuf,
    /// Version 2: what is handed down to it from `base` on.
    pub controllers: Vec<String>,
    /// Version 2: the program's owner is in the way of that, and moves here first.
    pub waiting_room: Option<PathBuf>,
    /// Whether it is version 1's cpuset, which is of no use until it is filled in.
    pub is_cpuset: bool,
    /// Whether it is version 2's.
    pub is_unified: bool,
}

impl Folder {
    /// The file through which a process enters by itself. In version 1 it is the one for threads: to move one's only thread
    /// takes no lock that all starts and ends of processes would have to be waited for (Linux 5.5).
    #[must_use]
    pub fn entrance(&self) -> PathBuf {
        self.path.join(if self.is_unified { "cgroup.procs" } else { LEGACY_ENTRANCE })
    }
}

/// See [`Folder::entrance`].
pub const LEGACY_ENTRANCE: &str = "tasks";

/// Version 1: what tells of use, or stops and ends all of a container, beside what limits it.
const ALWAYS: [&str; 6] = ["memory", "cpu", "cpuacct", "pids", "blkio", "freezer"];

/// Version 2: the same, where it can be had for nothing.
const WELCOME: [&str; 4] = ["memory", "cpu", "pids", "io"];

/// What a controller is called in a version.
fn name_in(version: Version, controller: &str) -> &str {
    if version == Version::One && controller == "io" { "blkio" } else { controller }
}

/// Arranges a container's cgroup.
///
/// # Errors
/// [`Error::Spec`] with the field that cannot be; [`Error::Unsupported`] where a controller is missing and the spec does
/// not put up with less.
pub fn arrange(spec: &Spec, survey: &Survey) -> Result<Arrangement, Error> {
    let manager = manager(spec);
    let name = if spec.minicontainer.kill_on_exit { survey.name.clone() } else { format!("{}{OUTLIVES}", survey.name) };
    if manager != Manager::Systemd && !(manager == Manager::Auto && survey.systemd.is_some()) {
        return arrange_at(spec, survey, &Location::of(spec)?, &name, spec.linux.cgroups_path.is_some());
    }
    let (mut scope, inside) = systemd::arrange::arrange(spec, survey)?;
    let is_its_own = scope.systemd.purpose == Purpose::Container;
    let name = if is_its_own { &inside.name } else { &name };
    let mut arrangement = arrange_at(spec, &inside, &Location::BelowOwn, name, is_its_own)?;
    if is_its_own {
        scope.properties = systemd::property::properties(arrangement.writes.iter().map(|(_, write)| write));
        arrangement.place.manager = Manager::Systemd;
        arrangement.place.unit = Some(scope.unit.name.clone());
    }
    if scope.systemd.is_legacy {
        // Where systemd has no use for a controller, it has made none of the folders down to the scope's.
        let depth = scope.unit.folder().components().count() + 1;
        for folder in &mut arrangement.folders {
            folder.base = folder.path.ancestors().nth(depth).map(PathBuf::from).unwrap_or_default();
        }
    }
    arrangement.scope = Some(scope);
    Ok(arrangement)
}

fn arrange_at(
    spec: &Spec,
    survey: &Survey,
    location: &Location,
    name: &str,
    is_named: bool,
) -> Result<Arrangement, Error> {
    let extras = spec.minicontainer.cgroup.clone().unwrap_or_default();
    let mut arrangement = Arrangement {
        place: Place { manager: Manager::Files, ..Place::default() },
        is_named,
        cpu_time: extras.cpu_time_ms.map(cpu_time).transpose()?,
        ..Arrangement::default()
    };
    let layout = &survey.layout;
    let version_of = |controller: &str| {
        let is_legacy = layout.legacy(name_in(Version::One, controller)).is_some();
        if is_legacy { Version::One } else { Version::Two }
    };
    let mut resources = spec.linux.resources.clone().unwrap_or_default();
    add_io_max(&mut resources, &extras.io_max, &survey.devices);
    resources.devices.extend(survey.host_devices.iter().cloned());
    let mut wanted = writes(&resources, version_of)?;
    let is_of_unified = |write: &Write| write.field.starts_with("linux.resources.unified.");
    let version = |write: &Write| if is_of_unified(write) { Version::Two } else { version_of(&write.controller) };

    let mut missing: Vec<Missing> = Vec::new();
    for (hierarchy, is_writable) in layout.legacy.iter().zip(&survey.writable) {
        let names = &hierarchy.controllers;
        let is_asked_for = |write: &Write| {
            version(write) == Version::One && names.iter().any(|name| name == name_in(Version::One, &write.controller))
        };
        let is_needed = wanted.iter().any(is_asked_for)
            || survey.may_restrict_devices
                && !resources.devices.is_empty()
                && names.iter().any(|name| name == "devices")
            || arrangement.cpu_time.is_some() && names.iter().any(|name| name == "cpuacct");
        let is_systemds = names.iter().any(|name| name == SYSTEMD);
        let is_always =
            arrangement.is_named || is_systemds || ALWAYS.iter().any(|name| names.iter().any(|other| other == name));
        if *is_writable && (is_needed || is_always) {
            arrangement.add(hierarchy, location.folder(hierarchy, &hierarchy.own, name));
        } else if is_needed {
            missing.push(Missing::locked(hierarchy));
            wanted.retain(|write| !is_asked_for(write));
        }
    }
    let of_version_2: Vec<String> = {
        let names = wanted.iter().filter(|write| version(write) == Version::Two && write.controller != "cgroup");
        names.map(|write| write.controller.clone()).collect()
    };
    let lacking = arrangement.add_unified(survey, location, &of_version_2, name);
    wanted.retain(|write| !(version(write) == Version::Two && lacking.contains(&write.controller)));
    missing.extend(lacking.iter().map(|controller| Missing::not_handed_down(controller, survey)));
    if arrangement.folders.is_empty() && missing.is_empty() {
        missing.push(Missing::everything(survey));
    }
    for what in missing {
        if !extras.best_effort {
            return Err(what.into_error());
        }
        arrangement.degraded.push(what.into_sentence());
    }
    for write in wanted {
        let version = version(&write);
        let key = if version == Version::Two { UNIFIED } else { name_in(Version::One, &write.controller) };
        let folder = arrangement.place.paths.get(key);
        let index = folder.and_then(|path| arrangement.folders.iter().position(|folder| folder.path == *path));
        if let Some(index) = index {
            arrangement.writes.push((index, write));
        }
    }
    devices::arrange::arrange(&mut arrangement, &resources.devices, survey, extras.best_effort)?;
    // With a limit of no processes at all nobody can be born there, but who is there already stays.
    let may_be_born = resources.pids.as_ref().is_none_or(|pids| pids.limit != Some(0));
    if survey.has_clone_into && extras.entry == Entry::Auto && may_be_born {
        arrangement.clone_into = arrangement.folders.iter().position(|folder| folder.is_unified);
    }
    Ok(arrangement)
}

impl Arrangement {
    fn add(&mut self, hierarchy: &Hierarchy, path: PathBuf) {
        for controller in &hierarchy.controllers {
            self.place.paths.insert(controller.clone(), path.clone());
        }
        let is_cpuset = hierarchy.controllers.iter().any(|name| name == "cpuset");
        let base = base_of(hierarchy, &path);
        self.folders.push(Folder { path, base, is_cpuset, ..Folder::default() });
    }

    /// Adds the folder of version 2; the controllers that cannot be had there.
    fn add_unified(&mut self, survey: &Survey, location: &Location, wanted: &[String], name: &str) -> Vec<String> {
        let Some(unified) = &survey.layout.unified else { return wanted.to_vec() };
        let is_given = !matches!(location, Location::BelowOwn);
        let given_base = is_given.then(|| base_of(unified, &location.folder(unified, &unified.own, name)));
        let choose = |names: &[String]| match &given_base {
            None => choose(&survey.levels, names),
            Some(base) => {
                let level = survey.levels.iter().find(|level| level.folder == *base)?;
                let has_all = names.iter().all(|name| level.available.contains(name));
                has_all.then_some(Choice { level, needs_room: false })
            }
        };
        let tells_most = wanted.is_empty() && survey.layout.kind() == Kind::V2 && choose(&figures()).is_some();
        let wanted = if tells_most { &figures() } else { wanted };
        let (mut had, mut lacking): (Vec<_>, Vec<_>) =
            wanted.iter().cloned().partition(|name| choose(std::slice::from_ref(name)).is_some());
        if choose(&had).is_none() {
            // Each can be had, but nowhere all of them.
            lacking.append(&mut had);
        }
        // Where nothing is asked for, what tells of use is to be had without a change, if somewhere.
        let welcome = had.is_empty().then(|| choose(&[WELCOME[0].into()])).flatten();
        let welcome = welcome.filter(|choice| !choice.needs_room);
        let Some(choice) = welcome.or_else(|| choose(&had)) else { return lacking };
        let mut controllers = had;
        if survey.layout.kind() != Kind::Hybrid {
            // Handing down one more than is asked for is refused where processes are, and above us not ours to do.
            let level = choice.level;
            let names = if choice.needs_room || level.is_root { &level.available } else { &level.enabled };
            let welcome = WELCOME.iter().filter(|name| names.iter().any(|other| other == *name));
            controllers.extend(welcome.map(|name| (*name).to_string()));
        }
        controllers.sort_unstable();
        controllers.dedup();
        let path = location.folder(unified, &choice.level.folder, name);
        self.place.paths.insert(UNIFIED.into(), path.clone());
        let above = unified.own.ancestors().take_while(|folder| folder.starts_with(&unified.mount));
        self.nearby = above.map(PathBuf::from).collect();
        let base = given_base.unwrap_or_else(|| choice.level.folder.clone());
        let waiting_room = choice.needs_room.then(|| choice.level.folder.join(format!("{}-owner", survey.name)));
        self.folders.push(Folder { path, base, controllers, waiting_room, is_unified: true, is_cpuset: false });
        lacking
    }
}

/// A named folder's path is walked from our own, where it is below that, else from the mount.
fn base_of(hierarchy: &Hierarchy, path: &Path) -> PathBuf {
    if path.starts_with(&hierarchy.own) { hierarchy.own.clone() } else { hierarchy.mount.clone() }
}

struct Choice<'l> {
    level: &'l Level,
    /// We are in it, alone, and have to leave for controllers to be handed down.
    needs_room: bool,
}

/// Below which cgroup one with some controllers can be made. The nearest is the best; none but our own is changed, unless
/// it is the root of all and nobody below it hands these controllers down.
fn choose<'l>(levels: &'l [Level], wanted: &[String]) -> Option<Choice<'l>> {
    let has = |names: &[String]| wanted.iter().all(|name| names.contains(name));
    let own = levels.first()?;
    let at = |level: &'l Level| Some(Choice { level, needs_room: false });
    if own.is_writable && (has(&own.enabled) || own.is_root && has(&own.available)) {
        return at(own);
    }
    if own.is_writable && own.holds_only_us && has(&own.available) {
        return Some(Choice { level: own, needs_room: true });
    }
    let above = levels.get(1..).unwrap_or_default();
    let handed_down = above.iter().find(|level| level.is_writable && has(&level.enabled));
    let root = || above.iter().find(|level| level.is_writable && level.is_root && has(&level.available));
    handed_down.or_else(root).and_then(at)
}

/// Where in a hierarchy.
enum Location {
    Named(CgroupsPath),
    Below(CgroupsPath),
    BelowOwn,
}

impl Location {
    fn of(spec: &Spec) -> Result<Self, Error> {
        if let Some(path) = &spec.linux.cgroups_path {
            return CgroupsPath::parse(path, "linux.cgroupsPath").map(Self::Named);
        }
        let parent = spec.minicontainer.cgroup.as_ref().and_then(|cgroup| cgroup.parent.as_ref());
        let parent = parent.map(|parent| CgroupsPath::parse(parent, "minicontainer.cgroup.parent")).transpose()?;
        Ok(parent.map_or(Self::BelowOwn, Self::Below))
    }

    fn folder(&self, hierarchy: &Hierarchy, chosen: &Path, name: &str) -> PathBuf {
        match self {
            Self::Named(path) => path.folder(hierarchy),
            Self::Below(path) => path.folder(hierarchy).join(name),
            Self::BelowOwn => chosen.join(name),
        }
    }
}

/// Something that a limit needs and that is not to be had.
struct Missing {
    what: String,
    needs: String,
}

const DELEGATE: &str =
    "run as root, or where the controller is delegated: systemd-run --user --scope -p Delegate=yes …";

impl Missing {
    fn locked(hierarchy: &Hierarchy) -> Self {
        let (names, folder) = (hierarchy.controllers.join(", "), hierarchy.own.display());
        Self { what: names, needs: format!("no cgroup can be made in {folder}; run as root, or have it given to you") }
    }

    fn not_handed_down(controller: &str, survey: &Survey) -> Self {
        let needs = match survey.levels.first() {
            None if survey.layout.kind() == Kind::V1 => {
                "it is mounted nowhere: a kernel with it, not switched off by cgroup_disable= at boot".to_string()
            }
            None => "no cgroups are mounted; see minicontainer check".into(),
            Some(_) if survey.layout.legacy(name_in(Version::One, controller)).is_some() => {
                "it is version 1's here, and unified is for version 2".into()
            }
            Some(_) if survey.levels.iter().all(|level| !level.available.iter().any(|name| name == controller)) => {
                format!("no cgroup that this process can reach has it; {DELEGATE}")
            }
            Some(own) => format!("it is not handed down to what is below {}; {DELEGATE}", own.folder.display()),
        };
        Self { what: controller.into(), needs }
    }

    fn everything(survey: &Survey) -> Self {
        let needs = match survey.layout.kind() {
            Kind::None => "none is mounted; see minicontainer check".into(),
            _ => format!("this process may make none; {DELEGATE}"),
        };
        Self { what: "cgroups".into(), needs }
    }

    fn into_error(self) -> Error {
        let what = if self.what == "cgroups" { self.what } else { format!("cgroup controller {}", self.what) };
        Error::Unsupported { feature: what, needs: self.needs }
    }

    fn into_sentence(self) -> String {
        format!("without limits of {}: {}", self.what, self.needs)
    }
}

/// As long as a timeout may be.
const LONGEST_CPU_TIME_MS: f64 = 100.0 * 365.0 * 86_400_000.0;

fn cpu_time(milliseconds: f64) -> Result<Duration, Error> {
    if milliseconds > 0.0 && milliseconds <= LONGEST_CPU_TIME_MS {
        return Ok(Duration::from_secs_f64(milliseconds / 1000.0));
    }
    let why = format!("must be above 0 and at most 100 years; it is {milliseconds}");
    Err(Error::spec("minicontainer.cgroup.cpuTimeMs", why))
}

#[cfg(test)]
mod tests;
