//! Devices of the host's network that are moved into a container's: OCI `linux.netDevices`, runtime-spec 1.3.

mod netlink;

use std::fs::File;
use std::os::fd::AsFd;
use std::thread;

use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, setns};

use crate::error::Error;
use netlink::{Link, Netlink};

/// A device, by its name here, and the one in the container; with `%d` in that, the kernel chooses a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Here.
    pub host: String,
    /// In the container.
    pub inside: String,
}

/// Moves devices into the network namespace of the process that has this number, gives them their lasting addresses
/// back, which the kernel takes from what is moved, and has them carry packets.
///
/// # Errors
/// [`Error::System`]; where a device is not there, or a name is taken, none is moved. What has been moved goes the way of
/// the namespace.
pub(crate) fn move_devices(devices: &[Device], pid: i32) -> Result<(), Error> {
    // A thread of its own, for it stays in the container's namespace.
    let moved = thread::scope(|scope| scope.spawn(|| move_from_here(devices, pid)).join());
    moved.unwrap_or_else(|_| Err(Error::Internal { message: "moving network devices panicked".into() }))
}

fn move_from_here(devices: &[Device], pid: i32) -> Result<(), Error> {
    let failed = |errno| Error::system("look at the network", errno);
    let host = Netlink::open().map_err(failed)?;
    let path = format!("/proc/{pid}/ns/net");
    let namespace = File::open(&path).map_err(|error| {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
        Error::system(format!("open {path}"), errno)
    })?;
    setns(&namespace, CloneFlags::CLONE_NEWNET)
        .map_err(|errno| Error::system("join the container's network namespace", errno))?;
    let inside = Netlink::open().map_err(failed)?;
    let (ours, mut theirs) = (host.links().map_err(failed)?, inside.links().map_err(failed)?);
    let found: Vec<(&Device, u32)> =
        devices.iter().map(|device| Ok((device, find(device, &ours, &theirs)?))).collect::<Result<_, Error>>()?;
    for (device, index) in found {
        let failed = |errno| device.failed(errno);
        let addresses = host.addresses(index).map_err(failed)?;
        host.move_link(index, namespace.as_fd(), &device.inside).map_err(failed)?;
        let now = inside.links().map_err(failed)?;
        // Its number may be another, and so may its name be.
        let moved = now.iter().find(|link| !theirs.contains(link)).ok_or(Errno::ENODEV).map_err(failed)?.index;
        for address in &addresses {
            inside.add_address(moved, address).map_err(failed)?;
        }
        inside.bring_up(moved).map_err(failed)?;
        theirs = now;
    }
    Ok(())
}

/// The number of a device that can be moved, as far as can be told.
fn find(device: &Device, ours: &[Link], theirs: &[Link]) -> Result<u32, Error> {
    if theirs.iter().any(|link| link.name == device.inside) {
        return Err(device.failed(Errno::EEXIST));
    }
    let link = ours.iter().find(|link| link.name == device.host);
    link.map(|link| link.index).ok_or_else(|| device.failed(Errno::ENODEV))
}

impl Device {
    fn failed(&self, errno: Errno) -> Error {
        let Self { host, inside } = self;
        let error = Error::system(format!("move network device {host:?} into the container as {inside:?}"), errno);
        match errno {
            Errno::ENODEV => error.with_advice(&format!("linux.netDevices.{host}: there is no such device here")),
            Errno::EEXIST => {
                error.with_advice("the container's network has one of that name; %d in a name is a number")
            }
            Errno::EPERM => error.with_advice("it needs CAP_NET_ADMIN here and in the container's network namespace"),
            _ => error,
        }
    }
}
