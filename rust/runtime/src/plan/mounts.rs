//! Mounts in the container's root, and what is covered there.

use std::ffi::CString;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minicontainer_child::{Attributes, Bind, Fd, Filesystem, List, Step, Str};
use nix::libc;

use super::namespaces::{has_new, has_user_namespace};
use super::root::hears;
use super::table::{c_string, components};
use super::{Descriptor, Plan, Tree, cgroups};
use crate::error::Error;
use crate::facts::Facts;
use crate::id_ranges;
use crate::names::mount_attributes::{self, MOUNT_ATTR_IDMAP, MOUNT_ATTR_RDONLY};
use crate::names::mount_options::{self, MountOptions};
use crate::spec::{Mount, NamespaceKind, Spec};

/// The spec's mounts, in their order.
pub(super) fn plan(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    if !spec.linux.mount_label.is_empty() && !facts.has_selinux {
        plan.degraded.push("mounts have no label: this host does not have SELinux (linux.mountLabel)".into());
    }
    for (index, mount) in spec.mounts.iter().enumerate() {
        let field = format!("mounts[{index}]");
        if mount.destination.is_empty() {
            return Err(Error::spec(format!("{field}.destination"), "must name a place in the container; it is empty"));
        }
        let options = mount_options::parse(&mount.options);
        if options.bind || mount.kind == "bind" {
            bind(plan, spec, facts, mount, &options, &field)?;
        } else if mount.kind == "cgroup" || mount.kind == "cgroup2" {
            if let Some(arrangement) = plan.cgroup.clone() {
                cgroups::mount(plan, spec, facts, &arrangement, (mount, &options), &field)?;
                continue;
            }
            // A new mount costs 10 ms, and shows the same: the tree that is there.
            let tree =
                Mount { destination: mount.destination.clone(), source: "/sys/fs/cgroup".into(), ..Mount::default() };
            let options = MountOptions { bind: true, recursive_bind: true, ..options };
            if facts.has_classic_mounts {
                bind(plan, spec, facts, &tree, &options, &field)?;
                protect_cgroups(plan, facts, mount, &options, &field)?;
            } else {
                let options = MountOptions { recursive_attributes: options.attributes, ..options };
                bind(plan, spec, facts, &tree, &options, &field)?;
            }
        } else {
            filesystem(plan, mount, &options, label(spec, facts), &field)?;
        }
    }
    Ok(())
}

/// What SELinux is told of the mounts: nothing where there is none, to which a label would be an unknown option.
pub(super) fn label<'s>(spec: &'s Spec, facts: &Facts) -> &'s str {
    if facts.has_selinux { &spec.linux.mount_label } else { "" }
}

/// mount(2) makes one mount read-only, and none of those below it: each hierarchy is protected for itself.
fn protect_cgroups(
    plan: &mut Plan,
    facts: &Facts,
    mount: &Mount,
    options: &MountOptions,
    field: &str,
) -> Result<(), Error> {
    if options.attributes.set & libc::MOUNT_ATTR_RDONLY != 0 {
        for hierarchy in &facts.cgroup_hierarchies {
            let path = plan.text(&format!("{}/{hierarchy}", mount.destination), || format!("{field}.destination"))?;
            plan.steps.push(Step::Protect { path });
        }
    }
    Ok(())
}

pub(super) fn filesystem(
    plan: &mut Plan,
    mount: &Mount,
    parsed: &MountOptions,
    label: &str,
    field: &str,
) -> Result<(), Error> {
    if mount.kind.is_empty() {
        return Err(Error::spec(format!("{field}.type"), "must name a filesystem, or options must have bind"));
    }
    if parsed.idmap.is_some() || !mount.uid_mappings.is_empty() || !mount.gid_mappings.is_empty() {
        return Err(Error::spec(format!("{field}.uidMappings"), "are for bind mounts alone"));
    }
    if parsed.remount {
        return Err(Error::spec(format!("{field}.options"), "remount is not supported: give the options at once"));
    }
    if parsed.tmpcopyup && (mount.kind != "tmpfs" || parsed.attributes.set & MOUNT_ATTR_RDONLY != 0) {
        return Err(Error::spec(format!("{field}.options"), "tmpcopyup is for a tmpfs that can be written to"));
    }
    let mut data = parsed.data.clone();
    if !label.is_empty() && matches!(mount.kind.as_str(), "tmpfs" | "mqueue" | "devpts" | "proc" | "sysfs") {
        data.push(format!("context=\"{label}\""));
    }
    let superblock = parsed.superblock_flags() & !libc::MS_RDONLY;
    let (options, text) = options(plan, &[superblock_names(superblock), data].concat(), &format!("{field}.options"))?;
    let source = if mount.source.is_empty() { &mount.kind } else { &mount.source };
    let filesystem = Filesystem {
        kind: plan.text(&mount.kind, || format!("{field}.type"))?,
        source: plan.text(source, || format!("{field}.source"))?,
        options,
        data: text,
        attributes: parsed.attributes.set,
        flags: parsed.classic_flags(),
        // Nothing is below it: that it is for those too makes no difference, and mount_setattr(2) refuses the flag.
        propagation: parsed.propagation.map_or(0, |found| found.flag),
        place: plan.place(&mount.destination, || format!("{field}.destination"))?,
        copies_up: parsed.tmpcopyup,
        refuses_links: matches!(mount.kind.as_str(), "proc" | "sysfs") || components(&mount.destination) == ["dev"],
    };
    plan.steps.push(Step::Mount(filesystem));
    Ok(())
}

/// Names by which fsconfig sets what mount(2) has flags for.
fn superblock_names(flags: u64) -> Vec<String> {
    let names = [
        (libc::MS_SYNCHRONOUS, "sync"),
        (libc::MS_DIRSYNC, "dirsync"),
        (libc::MS_MANDLOCK, "mand"),
        (libc::MS_LAZYTIME, "lazytime"),
    ];
    names.iter().filter(|(flag, _)| flags & flag != 0).map(|(_, name)| (*name).to_string()).collect()
}

/// Options in both of the kernel's forms.
pub(super) fn options(plan: &mut Plan, options: &[String], field: &str) -> Result<(List, Str), Error> {
    let mut pairs: Vec<CString> = Vec::with_capacity(options.len() * 2);
    for option in options {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        for part in [name, value] {
            pairs.push(c_string(part, || field.into())?);
        }
    }
    let data = plan.text(&options.join(","), || field.into())?;
    Ok((plan.list(pairs), data))
}

pub(super) fn bind(
    plan: &mut Plan,
    spec: &Spec,
    facts: &Facts,
    mount: &Mount,
    options: &MountOptions,
    field: &str,
) -> Result<(), Error> {
    if mount.source.is_empty() {
        return Err(Error::spec(format!("{field}.source"), "must name what is bound; it is empty"));
    }
    let ids_of = ids(plan, spec, mount, options, field)?;
    let tree = tree(plan, spec, facts, mount, options, ids_of)?;
    // What the parent has mapped is not mapped again.
    let ids_of = if tree.is_some() { None } else { ids_of };
    let idmap = if ids_of.is_some() { MOUNT_ATTR_IDMAP } else { 0 };
    let is_recursive_map = options.idmap == Some(true);
    let propagation = options.propagation.map_or(0, |found| found.flag);
    let is_recursive = options.propagation.is_some_and(|found| found.recursive);
    let below = below(plan, facts, mount, options);
    let all_attributes = Attributes {
        set: below.set | if is_recursive_map { idmap } else { 0 },
        clear: below.clear,
        propagation: if is_recursive { propagation } else { 0 },
        user_namespace: 0,
    };
    let attributes = Attributes {
        set: options.attributes.set | if is_recursive_map { 0 } else { idmap },
        clear: options.attributes.clear,
        propagation: if is_recursive { 0 } else { propagation },
        user_namespace: 0,
    };
    if facts.has_classic_mounts && (ids_of.is_some() || all_attributes.set != 0 || all_attributes.clear != 0) {
        let message = "needs mount_setattr(2), Linux 5.12: mount(2) changes no mounts below, and no ids";
        return Err(Error::spec(format!("{field}.options"), message));
    }
    let source = facts.absolute(&mount.source)?;
    let step = Bind {
        source: plan.text(&source, || format!("{field}.source"))?,
        is_staged: false,
        recursive: options.recursive_bind,
        attributes,
        all_attributes,
        tree,
        ids_of,
        flags: options.classic_flags() & !(libc::MS_BIND | libc::MS_REC),
        place: plan.place(&mount.destination, || format!("{field}.destination"))?,
    };
    plan.steps.push(Step::Bind(step));
    Ok(())
}

/// What the mounts below are to be, too. The `/sys` of a user namespace is the host's, with all that is mounted there, and
/// whoever is root on both sides may write to that: where mount(2) makes it, the folder alone is made read-only.
fn below(plan: &mut Plan, facts: &Facts, mount: &Mount, options: &MountOptions) -> mount_attributes::Attributes {
    let asked = options.recursive_attributes;
    let is_read_only = asked == mount_attributes::Attributes { set: MOUNT_ATTR_RDONLY, clear: 0 };
    let is_so_itself = options.attributes.set & MOUNT_ATTR_RDONLY != 0;
    if !(facts.has_classic_mounts && mount.destination == "/sys" && is_read_only && is_so_itself) {
        return asked;
    }
    plan.degraded.push("what is mounted below /sys is not read-only: mount(2) changes no mounts below".into());
    mount_attributes::Attributes::default()
}

/// The mount, where the child could not make it: in a user namespace of its own it may change no ids, and by the time
/// that it binds anything it has left the host's peers, whom an `rshared` mount is to tell of what is mounted in it.
fn tree(
    plan: &mut Plan,
    spec: &Spec,
    facts: &Facts,
    mount: &Mount,
    options: &MountOptions,
    ids: Option<Fd>,
) -> Result<Option<Fd>, Error> {
    let is_elsewhere = has_user_namespace(spec);
    let shared = options.propagation.filter(|found| found.flag == libc::MS_SHARED);
    // What is below one that alone is shared is not. A container that is created has OCI's: shared with whoever comes to
    // be its peer, and in the order of the spec, before which the parent's would stand.
    let tells = !facts.holds && shared.is_some_and(|found| found.recursive || !options.recursive_bind);
    let is_wanted = if is_elsewhere { ids.is_some() } else { tells && has_new(spec, NamespaceKind::Mount) };
    if tells && (is_elsewhere || facts.has_classic_mounts) {
        let why = if is_elsewhere { "the container has a user namespace" } else { "mount(2) makes it" };
        let place = &mount.destination;
        plan.degraded
            .push(format!("what is mounted below {place} is not mounted for the host, though it is shared: {why}"));
    }
    if !is_wanted || facts.has_classic_mounts {
        return Ok(None);
    }
    let propagation = match (tells && !is_elsewhere, hears(spec)) {
        (true, _) => 0,
        (false, true) => libc::MS_SLAVE,
        (false, false) => libc::MS_PRIVATE,
    };
    let source = c_string(&facts.absolute(&mount.source)?, || "mounts".into())?;
    let maps_all = options.idmap == Some(true);
    let tree = Tree { source, recursive: options.recursive_bind, propagation, ids, maps_all };
    Ok(Some(plan.descriptor(Descriptor::Tree(tree))))
}

/// The user namespace whose ids a mount shows.
fn ids(plan: &mut Plan, spec: &Spec, mount: &Mount, options: &MountOptions, field: &str) -> Result<Option<Fd>, Error> {
    let is_given = !mount.uid_mappings.is_empty() || !mount.gid_mappings.is_empty();
    if options.idmap.is_none() && !is_given {
        return Ok(None);
    }
    let (uids, gids) = if is_given {
        id_ranges::validate(&mount.uid_mappings, &format!("{field}.uidMappings"))?;
        id_ranges::validate(&mount.gid_mappings, &format!("{field}.gidMappings"))?;
        (&mount.uid_mappings, &mount.gid_mappings)
    } else {
        (&spec.linux.uid_mappings, &spec.linux.gid_mappings)
    };
    if uids.is_empty() || gids.is_empty() {
        let message = "idmap needs ids to map: linux.uidMappings and linux.gidMappings, or the mount's own";
        return Err(Error::spec(format!("{field}.options"), message));
    }
    let (uid_map, gid_map) = (id_ranges::map_text(uids), id_ranges::map_text(gids));
    Ok(Some(plan.descriptor(Descriptor::IdsOfMount { uid_map, gid_map })))
}

/// Permissions of a file from memory, where none are asked for.
const FILE_MODE: u32 = 0o444;

/// Files from memory: they stand in the stage, and are bound from there.
pub(super) fn files(plan: &mut Plan, spec: &Spec) -> Result<(), Error> {
    for (index, file) in spec.minicontainer.files.iter().enumerate() {
        let field = |part: &str| format!("minicontainer.files[{index}].{part}");
        let contents = STANDARD
            .decode(&file.content)
            .map_err(|error| Error::spec(field("content"), format!("must be base64: {error}")))?;
        let mode = file.mode.unwrap_or(FILE_MODE);
        if mode > 0o7777 {
            return Err(Error::spec(field("mode"), format!("must be permissions up to 07777; it is {mode:#o}")));
        }
        let contents = plan.blob(contents);
        let name = plan.own_text(format!("file-{index}"));
        let place = plan.place(&file.path, || field("path"))?;
        plan.steps.push(Step::StageFile { name, contents, mode });
        let set = nix::libc::MOUNT_ATTR_NOSUID | nix::libc::MOUNT_ATTR_NODEV;
        plan.steps.push(Step::Bind(Bind {
            source: name,
            is_staged: true,
            recursive: false,
            attributes: Attributes { set, ..Attributes::default() },
            all_attributes: Attributes::default(),
            tree: None,
            ids_of: None,
            flags: libc::MS_NOSUID | libc::MS_NODEV,
            place,
        }));
    }
    Ok(())
}

/// What is covered, and what is made read-only.
pub(super) fn cover(plan: &mut Plan, spec: &Spec) -> Result<(), Error> {
    for (index, path) in spec.linux.masked_paths.iter().enumerate() {
        let path = plan.text(path, || format!("linux.maskedPaths[{index}]"))?;
        plan.steps.push(Step::Mask { path });
    }
    for (index, path) in spec.linux.readonly_paths.iter().enumerate() {
        let path = plan.text(path, || format!("linux.readonlyPaths[{index}]"))?;
        plan.steps.push(Step::Protect { path });
    }
    Ok(())
}
