//! Who the program is and what it may.

use std::sync::Arc;

use minicontainer_child::Step;
use nix::libc;

use super::namespaces::has_user_namespace;
use super::table::c_strings;
use super::{Descriptor, IdMaps, Plan, filter};
use crate::error::Error;
use crate::facts::Facts;
use crate::names::capability;
use crate::seccomp::Filter;
use crate::spec::{Capabilities, Spec};

/// The program's ids and capabilities; afterwards, its life is bound to ours. A `filter` that needs a right comes before
/// the rights are given up.
pub(super) fn become_user(
    plan: &mut Plan,
    spec: &Spec,
    facts: &Facts,
    filter: Option<&Arc<Filter>>,
) -> Result<(), Error> {
    let identity = Identity::new(spec, facts)?;
    if let Some(umask) = identity.umask {
        if umask > 0o777 {
            return Err(Error::spec("process.user.umask", format!("must be at most 0777; it is {umask:#o}")));
        }
        plan.steps.push(Step::SetUmask { mask: umask });
    }
    let sets = spec.process.capabilities.as_ref().map(|given| Sets::new(given, spec, facts, &mut plan.degraded));
    let sets = sets.transpose()?;
    if let Some(sets) = &sets {
        // Before the ids change: with them goes the right to do so.
        plan.steps.push(Step::LimitCapabilities { keep: sets.bounding });
    }
    if let (Some(filter), false) = (filter, spec.process.no_new_privileges) {
        filter::install(plan, Arc::clone(filter));
    }
    change_ids(plan, spec, facts, identity)?;
    if let Some(sets) = sets {
        let Sets { effective, permitted, inheritable, ambient, .. } = sets;
        plan.steps.push(Step::SetCapabilities { effective, permitted, inheritable });
        if ambient != 0 {
            plan.steps.push(Step::RaiseAmbient { set: ambient });
        }
    }
    if spec.minicontainer.kill_on_exit {
        let owner = plan.descriptor(Descriptor::Owner);
        plan.steps.push(Step::DieWithOwner { owner, signal: libc::SIGKILL });
    }
    Ok(())
}

/// Who the program is; `None` for what stays as it is.
struct Identity {
    ids: Option<(u32, u32)>,
    groups: Option<Vec<u32>>,
    umask: Option<u32>,
}

/// `(uid_t) -1`: setresuid(2) takes it for "as it is", and that would be root.
const NO_ID: u32 = u32::MAX;

impl Identity {
    fn new(spec: &Spec, facts: &Facts) -> Result<Self, Error> {
        if let (Some(name), None) = (&spec.minicontainer.run_as, &facts.user) {
            // Nobody else may take that user's place, root least of all.
            return Err(Error::spec(
                "minicontainer.runAs",
                format!("must be a user of the root; {name:?} was not looked up"),
            ));
        }
        let given = spec.process.user.as_ref();
        let is_container = spec.root.is_some() || has_user_namespace(spec);
        let mut groups = facts.user.as_ref().map(|user| user.additional_gids.clone()).unwrap_or_default();
        groups.extend(given.iter().flat_map(|user| &user.additional_gids));
        let ids = match (&facts.user, given.and_then(|user| user.uid), given.and_then(|user| user.gid)) {
            (Some(found), ..) => Some((found.uid, found.gid)),
            (None, None, None) => is_container.then_some((0, 0)),
            (None, Some(uid), gid) => Some((uid, gid.unwrap_or(0))),
            (None, None, Some(_)) => return Err(Error::spec("process.user.uid", "must stand beside process.user.gid")),
        };
        let none = [("uid", ids.map(|ids| ids.0)), ("gid", ids.map(|ids| ids.1))]
            .into_iter()
            .chain(groups.iter().map(|gid| ("additionalGids", Some(*gid))))
            .find(|(_, id)| *id == Some(NO_ID));
        if let Some((field, _)) = none {
            return Err(Error::spec(
                format!("process.user.{field}"),
                format!("must be below {NO_ID}, which stands for none"),
            ));
        }
        let groups = (ids.is_some() || !groups.is_empty()).then_some(groups);
        Ok(Self { ids, groups, umask: given.and_then(|user| user.umask) })
    }
}

fn change_ids(plan: &mut Plan, spec: &Spec, facts: &Facts, identity: Identity) -> Result<(), Error> {
    if plan.id_maps == IdMaps::ByChild || facts.denies_groups {
        // Its only ids are 0, or whatever its own are mapped to; and groups cannot be set.
        if identity.groups.is_some_and(|groups| groups.iter().any(|gid| identity.ids.is_none_or(|ids| ids.1 != *gid))) {
            let message = "needs ranges of ids: entries of /etc/subgid, and newgidmap (Debian's uidmap)";
            let is_named = spec.minicontainer.run_as.is_some();
            return Err(Error::spec(
                if is_named { "minicontainer.runAs" } else { "process.user.additionalGids" },
                message,
            ));
        }
    } else if let Some(groups) = identity.groups {
        let groups = plan.group_ids(groups);
        plan.steps.push(Step::SetGroups { groups });
    }
    if let Some((uid, gid)) = identity.ids {
        plan.steps.push(Step::SetIds { uid, gid });
    }
    Ok(())
}

struct Sets {
    bounding: u64,
    effective: u64,
    permitted: u64,
    inheritable: u64,
    ambient: u64,
}

impl Sets {
    /// What is asked for and can be had: what cannot is a warning, as OCI wants it.
    fn new(given: &Capabilities, spec: &Spec, facts: &Facts, degraded: &mut Vec<String>) -> Result<Self, Error> {
        // In a user namespace of its own the child has all of them.
        let available = if has_user_namespace(spec) { u64::MAX } else { facts.capabilities };
        let mut lost = Vec::new();
        let mut set = |names: &[String]| {
            let mask = capability::mask(names);
            lost.extend(mask.unknown.iter().map(ToString::to_string));
            let refused = mask.bits & !available;
            lost.extend(
                (0..=capability::LAST)
                    .filter(|bit| refused & (1 << bit) != 0)
                    .filter_map(capability::name)
                    .map(String::from),
            );
            mask.bits & available
        };
        let sets = Self {
            bounding: set(&given.bounding),
            effective: set(&given.effective),
            permitted: set(&given.permitted),
            inheritable: set(&given.inheritable),
            ambient: set(&given.ambient),
        };
        lost.sort_unstable();
        lost.dedup();
        degraded.extend(lost.into_iter().map(|name| format!("capability {name} cannot be granted")));
        if sets.effective & !sets.permitted != 0 {
            return Err(Error::spec("process.capabilities.effective", "must all be in permitted too"));
        }
        let inherited = sets.permitted & sets.inheritable;
        Ok(Self { ambient: sets.ambient & inherited, ..sets })
    }
}

/// What the program may no longer do, whatever it executes. A `filter` that needs no right is last of all.
pub(super) fn restrict(plan: &mut Plan, spec: &Spec, facts: &Facts, filter: Option<Arc<Filter>>) -> Result<(), Error> {
    if spec.process.no_new_privileges {
        plan.steps.push(Step::ForbidNewPrivileges);
    }
    if let Some(landlock) = &spec.minicontainer.landlock {
        let Some(access) = LandlockAccess::of_version(facts.landlock_version) else {
            return Err(Error::spec("minicontainer.landlock", "needs Landlock: Linux 5.13 or later, with it enabled"));
        };
        let read_only = c_strings(&landlock.read_only, "minicontainer.landlock.readOnly")?;
        let read_write = c_strings(&landlock.read_write, "minicontainer.landlock.readWrite")?;
        let (read_only, read_write) = (plan.list(read_only), plan.list(read_write));
        let LandlockAccess { handled, read_access } = access;
        plan.steps.push(Step::RestrictFiles { handled, read_only, read_access, read_write });
    }
    if let (Some(filter), true) = (filter, spec.process.no_new_privileges) {
        filter::install(plan, filter);
    }
    Ok(())
}

/// Rights on files that Landlock knows, landlock(7).
struct LandlockAccess {
    handled: u64,
    read_access: u64,
}

impl LandlockAccess {
    /// All that a version of the interface governs; `None` where there is no Landlock.
    fn of_version(version: u32) -> Option<Self> {
        const EXECUTE: u64 = 1;
        const READ_FILE: u64 = 1 << 2;
        const READ_FOLDER: u64 = 1 << 3;
        // 13 rights in the first version; REFER, TRUNCATE and IOCTL_DEV came with the second, third and fifth.
        let rights = match version {
            0 => return None,
            1 => 13,
            2 => 14,
            3 | 4 => 15,
            _ => 16,
        };
        Some(Self { handled: (1 << rights) - 1, read_access: EXECUTE | READ_FILE | READ_FOLDER })
    }
}
