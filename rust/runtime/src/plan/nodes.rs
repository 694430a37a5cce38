//! Devices and links in the container's `/dev`.

use minicontainer_child::Step;
use nix::libc;

use super::Plan;
use super::namespaces::has_user_namespace;
use super::table::components;
use crate::error::Error;
use crate::facts::Facts;
use crate::spec::{Capabilities, Device, NodeSet, Spec};

/// What OCI has a runtime supply: config-linux.md, "Default Devices"; numbers as devices.txt of the kernel has them.
const DEFAULT_DEVICES: [(&str, (u32, u32)); 6] = [
    ("/dev/null", (1, 3)),
    ("/dev/zero", (1, 5)),
    ("/dev/full", (1, 7)),
    ("/dev/random", (1, 8)),
    ("/dev/urandom", (1, 9)),
    ("/dev/tty", (5, 0)),
];

/// "Default Devices" and "Dev symbolic links" of OCI.
const DEFAULT_LINKS: [(&str, &str); 5] = [
    ("/dev/ptmx", "pts/ptmx"),
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
];

const EVERYBODY: u32 = 0o666;

/// Whether every device is in a `/dev` that is mounted, and the program can make none: then none need work elsewhere in
/// the root, and none do that who made it has put there.
pub(super) fn are_mounted(spec: &Spec) -> bool {
    let has_mounted = spec.mounts.iter().any(|mount| components(&mount.destination) == ["dev"]);
    let is_below = |path: &str| components(path).first() == Some(&"dev");
    let may_make = |sets: &Capabilities| sets.bounding.iter().any(|name| name == "CAP_MKNOD");
    has_mounted
        && spec.process.capabilities.as_ref().is_some_and(|sets| !may_make(sets))
        && spec.linux.devices.iter().all(|device| is_below(&device.path))
        && spec.minicontainer.host_devices.iter().all(|path| is_below(path))
}

/// The default devices and links, and the spec's devices; after the mounts, for `/dev` is one.
pub(super) fn plan(plan: &mut Plan, spec: &Spec, facts: &Facts) -> Result<(), Error> {
    let given = &spec.linux.devices;
    if spec.minicontainer.devices == NodeSet::Default {
        for (path, device) in DEFAULT_DEVICES {
            if !given.iter().any(|other| other.path == path) {
                node(plan, spec, path, (libc::S_IFCHR | EVERYBODY, device, (0, 0)), || "linux.devices".into())?;
            }
        }
    }
    for (index, device) in given.iter().enumerate() {
        let field = |part: &str| format!("linux.devices[{index}].{part}");
        let kind = kind(device).map_err(|message| Error::spec(field("type"), message))?;
        let mode = kind | (device.file_mode.unwrap_or(EVERYBODY) & 0o7777);
        let description = (mode, (device.major, device.minor), (device.uid, device.gid));
        node(plan, spec, &device.path, description, || field("path"))?;
    }
    for (index, (path, host)) in spec.minicontainer.host_devices.iter().zip(&facts.host_devices).enumerate() {
        let field = || format!("minicontainer.hostDevices[{index}]");
        node(plan, spec, path, (host.mode, host.device, host.owner), field)?;
    }
    if spec.minicontainer.devices == NodeSet::Default {
        for (path, text) in DEFAULT_LINKS {
            let place = plan.place(path, || "linux.devices".into())?;
            let text = plan.own_text(text);
            plan.steps.push(Step::MakeLink { text, place });
        }
    }
    Ok(())
}

fn node(
    plan: &mut Plan,
    spec: &Spec,
    path: &str,
    (mode, device, owner): (u32, (u32, u32), (u32, u32)),
    field: impl Fn() -> String,
) -> Result<(), Error> {
    let place = plan.place(path, &field)?;
    let step = if has_user_namespace(spec) && mode & libc::S_IFMT == libc::S_IFCHR {
        let source = plan.text(path, &field)?;
        Step::BindNode { source, place, device }
    } else {
        Step::MakeNode { place, mode, device, owner }
    };
    plan.steps.push(step);
    Ok(())
}

fn kind(device: &Device) -> Result<u32, String> {
    match device.kind.as_str() {
        "c" | "u" => Ok(libc::S_IFCHR),
        "b" => Ok(libc::S_IFBLK),
        "p" => Ok(libc::S_IFIFO),
        other => Err(format!("must be c, u, b or p; it is {other:?}")),
    }
}
