//! Single system calls, made once each.

use nix::errno::Errno;

use super::host::Host;
use super::trial::Refused;
use super::{Group, Probe};
use crate::launch::probe::{clone3, close_range, openat2, pidfd_open};

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    let one = |name, call, outcome: Result<(), Errno>, needs| match outcome {
        Ok(()) => Probe::works(name, Group::Kernel, format!("{call} succeeded")),
        Err(errno) => {
            let refused = Refused::Kernel { what: Some(call), errno };
            Probe::fails(name, Group::Kernel, refused.detail(call), refused.remedy(host, needs))
        }
    };
    vec![
        one("pidfdOpen", "pidfd_open", pidfd_open(), "Linux 5.3"),
        one("clone3", "clone3", clone3(None), "Linux 5.3"),
        one("openat2", "openat2", openat2(), "Linux 5.6"),
        one("closeRange", "close_range", close_range(), "Linux 5.9"),
    ]
}
