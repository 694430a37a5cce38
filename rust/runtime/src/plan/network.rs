//! Devices that the parent moves into the container's network.

use minicontainer_child::{Part, Step};
use nix::libc;

use super::Plan;
use super::namespaces::has;
use crate::error::Error;
use crate::network::Device;
use crate::spec::{NamespaceKind, Spec};

/// Has the child wait for its devices, once its network is there.
pub(super) fn move_devices(plan: &mut Plan, spec: &Spec) -> Result<(), Error> {
    let devices = &spec.linux.net_devices;
    if devices.is_empty() {
        return Ok(());
    }
    if !has(spec, NamespaceKind::Network) {
        let message = "needs a network namespace of the container's own, which the spec lacks";
        return Err(Error::spec("linux.netDevices", message));
    }
    for (host, device) in devices {
        let field = format!("linux.netDevices.{host}");
        check(host, &field)?;
        let inside = if device.name.is_empty() { host } else { &device.name };
        check(inside, &format!("{field}.name"))?;
        if !inside.contains('%') && plan.net_devices.iter().any(|earlier| earlier.inside == *inside) {
            return Err(Error::spec(format!("{field}.name"), format!("{inside:?} stands there twice")));
        }
        plan.net_devices.push(Device { host: host.clone(), inside: inside.clone() });
    }
    plan.steps.push(Step::Sync { part: Part::MoveDevices });
    Ok(())
}

/// As the kernel has it, in `dev_valid_name`.
fn check(name: &str, field: &str) -> Result<(), Error> {
    let is_wrong = |letter: char| letter == '/' || letter == ':' || letter == '\0' || letter.is_ascii_whitespace();
    if name.is_empty() || name.len() >= libc::IFNAMSIZ || matches!(name, "." | "..") || name.contains(is_wrong) {
        let most = libc::IFNAMSIZ - 1;
        let message = format!("must be a device's name, of at most {most} bytes and without / and :; it is {name:?}");
        return Err(Error::spec(field, message));
    }
    Ok(())
}
