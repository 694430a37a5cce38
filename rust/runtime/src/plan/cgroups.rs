//! The program's cgroup: how it gets there, and what it sees of it.

use minicontainer_child::Step;
use nix::libc;

use super::mounts::{bind, filesystem};
use super::{Descriptor, Plan};
use crate::cgroup::Arrangement;
use crate::cgroup::arrange::{self, LEGACY_ENTRANCE};
use crate::cgroup::layout::SYSTEMD;
use crate::error::Error;
use crate::facts::Facts;
use crate::names::mount_options::MountOptions;
use crate::spec::{Mount, Spec};

/// Enters the cgroup, but where the clone does: first of all, so that nothing is done outside.
pub(super) fn enter(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    if let Some(place) = &spec.minicontainer.joins_cgroup {
        // That of version 2 the clone enters.
        for folder in place.folders().into_iter().filter(|folder| Some(*folder) != place.unified()) {
            let file = plan.descriptor(Descriptor::CgroupEntrance(folder.join(LEGACY_ENTRANCE)));
            plan.steps.push(Step::EnterCgroup { file });
        }
        plan.joins_cgroup = Some(place.clone());
        return Ok(());
    }
    let Some(survey) = &facts.cgroups else { return Ok(()) };
    let mut arrangement = arrange::arrange(spec, survey)?;
    if facts.is_monitored {
        // The clone makes the monitor, which has no part in it.
        arrangement.clone_into = None;
    }
    for (index, folder) in arrangement.folders.iter().enumerate() {
        if arrangement.clone_into != Some(index) {
            let file = plan.descriptor(Descriptor::CgroupEntrance(folder.entrance()));
            plan.steps.push(Step::EnterCgroup { file });
        }
    }
    plan.degraded.extend(arrangement.degraded.iter().cloned());
    plan.cgroup = Some(arrangement).filter(|arrangement| !arrangement.folders.is_empty());
    Ok(())
}

/// Binds the program's own part of each hierarchy, which is what a mount of its own would show in its cgroup namespace,
/// and costs 10 ms less.
pub(super) fn mount(
    plan: &mut Plan,
    spec: &Spec,
    facts: &Facts,
    arrangement: &Arrangement,
    (mount, options): (&Mount, &MountOptions),
    field: &str,
) -> Result<(), Error> {
    let one = |destination: String, source: &std::path::Path| Mount {
        destination,
        source: source.to_string_lossy().into_owned(),
        ..Mount::default()
    };
    let as_bind = MountOptions { bind: true, data: Vec::new(), ..options.clone() };
    if let [only] = arrangement.folders.as_slice()
        && only.is_unified
    {
        return bind(plan, spec, facts, &one(mount.destination.clone(), &only.path), &as_bind, field);
    }
    let tmpfs = Mount { kind: "tmpfs".into(), source: "tmpfs".into(), ..one(mount.destination.clone(), "".as_ref()) };
    let mut writable = options.clone();
    writable.data = vec!["mode=755".into()];
    writable.attributes.set &= !libc::MOUNT_ATTR_RDONLY;
    filesystem(plan, &tmpfs, &writable, super::mounts::label(spec, facts), field)?;
    for folder in &arrangement.folders {
        let layouts = facts.cgroups.iter().map(|survey| &survey.layout);
        let mut hierarchies = layouts.flat_map(|layout| layout.legacy.iter().chain(&layout.systemd));
        let hierarchy = hierarchies.find(|hierarchy| folder.path.starts_with(&hierarchy.mount));
        let name = hierarchy.and_then(|hierarchy| hierarchy.mount.file_name());
        let name = name.map_or("unified".into(), |name| name.to_string_lossy());
        let place = one(format!("{}/{name}", mount.destination), &folder.path);
        bind(plan, spec, facts, &place, &as_bind, field)?;
        // Programs look for each controller by its name, and for systemd's own hierarchy by that.
        let controllers = hierarchy.iter().flat_map(|hierarchy| &hierarchy.controllers);
        for controller in controllers.filter(|controller| **controller != name && *controller != SYSTEMD) {
            let text = plan.own_text(name.as_ref());
            let link = format!("{}/{controller}", mount.destination);
            let place = plan.place(&link, || format!("{field}.destination"))?;
            plan.steps.push(Step::MakeLink { text, place });
        }
    }
    if options.attributes.set & libc::MOUNT_ATTR_RDONLY != 0 {
        let path = plan.text(&mount.destination, || format!("{field}.destination"))?;
        plan.steps.push(Step::Protect { path });
    }
    Ok(())
}
