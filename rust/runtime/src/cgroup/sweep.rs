//! What a process left behind that was killed before it could remove it: the next one does.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{Flock, FlockArg};

use super::arrange::Arrangement;
use super::layout::SYSTEMD;
use super::make::{remove_folder, remove_tree};
use super::members::folders_below;
use super::path::PREFIX;
use super::place::{Place, UNIFIED};
use super::survey::start_time;
use super::systemd::KEPT;

/// Where has been looked.
static SWEPT: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Removes, once in the life of this process, what nobody owns any more beside where a cgroup is about to be made.
pub(super) fn once(arrangement: &Arrangement) {
    // A scope for one container is beside others as a whole.
    let depth = if arrangement.place.unit.is_some() { 2 } else { 1 };
    let Some(parent) = arrangement.folders.first().and_then(|folder| folder.path.ancestors().nth(depth)) else {
        return;
    };
    let is_new = SWEPT.lock().unwrap_or_else(PoisonError::into_inner).insert(parent.to_path_buf());
    if is_new {
        remove_scopes(&arrangement.place);
    }
    if arrangement.is_named || !is_new {
        return;
    }
    let parents = arrangement.folders.iter().filter_map(|folder| folder.path.parent());
    let names: BTreeSet<String> = parents.flat_map(left_in).collect();
    for name in names {
        let paths = &arrangement.place.paths;
        let paths = paths.iter().map(|(key, path)| (key.clone(), path.with_file_name(&name))).collect();
        remove(&Place { paths, ..Place::default() }, &name);
    }
    for folder in &arrangement.nearby {
        for below in [vec![folder.clone()], scopes_left_in(folder)].concat() {
            for name in left_in(&below) {
                let paths = [(UNIFIED.to_string(), below.join(&name))].into();
                remove(&Place { paths, ..Place::default() }, &name);
            }
        }
    }
}

/// Version 1: ends what owners that are gone have left in their scopes, which are beside ours, and removes the scopes: all
/// that systemd has removed in its own hierarchy, and what is empty of those that it has no use for, which are ours.
fn remove_scopes(place: &Place) {
    let Some(kept) = place.legacy(SYSTEMD).and_then(slice_of) else { return };
    let scopes = place.folders().into_iter().filter_map(slice_of).flat_map(scopes_left_in);
    let names: BTreeSet<_> = scopes.filter_map(|scope| scope.file_name().map(ToOwned::to_owned)).collect();
    for name in names {
        let at = |path: &Path| Some(slice_of(path)?.join(&name));
        let paths = place.paths.iter().filter_map(|(key, path)| Some((key.clone(), at(path)?)));
        let scope = Place { paths: paths.collect(), ..Place::default() };
        let left: BTreeSet<_> = scope.folders().into_iter().flat_map(left_in).collect();
        for name in left {
            if let Ok(left) = scope.clone().below(Some(&name)) {
                remove(&left, &name);
            }
        }
        let is_there = kept.join(&name).exists();
        for (key, folder) in &scope.paths {
            // Where somebody is in it still, it is not ours alone.
            let _ = match is_there {
                false => remove_tree(folder),
                true if !KEPT.contains(&key.as_str()) => remove_folder(folder),
                true => Ok(()),
            };
        }
    }
}

/// The slice of the scope that a cgroup is in.
fn slice_of(folder: &Path) -> Option<&Path> {
    folder.ancestors().nth(2)
}

/// Systemd's scopes of owners that are gone: each goes with the last process in it.
fn scopes_left_in(folder: &Path) -> Vec<PathBuf> {
    let is_left = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(|name| name.strip_suffix(".scope"));
        name.is_some_and(|name| has_lost_its_owner(&format!("{name}-0")))
    };
    folders_below(folder).into_iter().filter(is_left).collect()
}

/// The names of what is in a folder and has an owner that is gone.
fn left_in(folder: &Path) -> impl Iterator<Item = String> + use<> {
    let below = folders_below(folder).into_iter();
    let names = below.filter_map(|path| path.file_name().and_then(|name| name.to_str()).map(String::from));
    names.filter(|name| has_lost_its_owner(name))
}

fn has_lost_its_owner(name: &str) -> bool {
    owner(name).is_some_and(|(pid, started)| start_time(pid) != Some(started))
}

/// Its owner has no number any more; but in another PID namespace it may have one, and a lock tells of that. Who is to
/// outlive its owner is let be, until it ends by itself.
fn remove(place: &Place, name: &str) {
    let folders = place.folders();
    if folders.iter().any(|path| path.exists() && !can_be_locked(path)) {
        return;
    }
    let remove_all = || folders.iter().filter(|path| remove_tree(path).is_err()).count();
    if remove_all() > 0 && !name.ends_with(OUTLIVES) {
        // What cannot be removed now is left to the next.
        let _ = place.kill_all();
        remove_all();
    }
}

/// The number and the start of the process that a name has in it.
fn owner(name: &str) -> Option<(&str, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('-');
    let (pid, started) = (parts.next()?, parts.next()?.parse().ok()?);
    pid.parse::<i32>().ok()?;
    parts.next().map(|_| (pid, started))
}

fn can_be_locked(path: &Path) -> bool {
    File::open(path).is_ok_and(|folder| Flock::lock(folder, FlockArg::LockExclusiveNonblock).is_ok())
}

/// The end of the name of a cgroup whose program is not to die with its owner.
pub(super) const OUTLIVES: &str = "-stays";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_is_read_from_a_name_and_other_names_have_none() {
        assert_eq!(owner("minicontainer-12-345-0"), Some(("12", 345)));
        assert_eq!(owner("minicontainer-12-345-7-stays"), Some(("12", 345)));
        for name in ["minicontainer-check-1-0", "minicontainer-x-1-0", "minicontainer-1-2", "user.slice", ""] {
            assert_eq!(owner(name), None, "{name}");
        }
    }
}
