//! What this process may do, and what there is to take rights from a program.

use nix::errno::Errno;
use nix::libc;

use super::host::{Host, text};
use super::{Group, Probe, capabilities};
use crate::error::{code, reason};
use crate::launch::probe::{landlock_version, seccomp_action};

const GROUP: Group = Group::Privileges;

pub(super) fn probe(host: &Host) -> Vec<Probe> {
    let actions = text("/proc/sys/kernel/seccomp/actions_avail");
    vec![
        capabilities(host),
        new_privileges(host),
        seccomp("seccomp", libc::SECCOMP_RET_ERRNO, &actions, "a kernel with CONFIG_SECCOMP_FILTER"),
        seccomp("seccompNotify", libc::SECCOMP_RET_USER_NOTIF, "user_notif", "Linux 5.0"),
        landlock(),
        module("apparmor", text("/sys/module/apparmor/parameters/enabled") == "Y"),
        module("selinux", std::path::Path::new("/sys/fs/selinux/enforce").exists()),
    ]
}

fn capabilities(host: &Host) -> Probe {
    let detail = capabilities::told(host.status.capabilities);
    if host.status.has_admin() {
        Probe::works("capabilities", GROUP, detail)
    } else {
        let remedy = "for what a user namespace does not give: run as root, or with CAP_SYS_ADMIN";
        Probe::fails("capabilities", GROUP, format!("no CAP_SYS_ADMIN; {detail}"), Some(remedy.into()))
    }
}

fn new_privileges(host: &Host) -> Probe {
    if host.status.no_new_privileges {
        let remedy = "newuidmap and other set-user-ID programs gain nothing: start without no_new_privs (systemd: \
                      NoNewPrivileges=no; Docker: without --security-opt no-new-privileges)";
        Probe::fails("newPrivileges", GROUP, "no_new_privs is set", Some(remedy.into()))
    } else {
        Probe::works("newPrivileges", GROUP, "no_new_privs is not set")
    }
}

fn seccomp(name: &'static str, action: u32, works: &str, needs: &str) -> Probe {
    match seccomp_action(action) {
        Ok(()) => Probe::works(name, GROUP, if works.is_empty() { "filters can be set" } else { works }),
        Err(errno) => Probe::fails(name, GROUP, said("ask for seccomp", errno), Some(format!("needs {needs}"))),
    }
}

fn landlock() -> Probe {
    let name = "landlock";
    match landlock_version() {
        Ok(version) => Probe::works(name, GROUP, format!("ABI {version}")),
        Err(errno) => {
            let remedy = match errno {
                Errno::EOPNOTSUPP => "boot with lsm=landlock,… among the kernel's parameters",
                _ => "needs Linux 5.13 with CONFIG_SECURITY_LANDLOCK",
            };
            Probe::fails(name, GROUP, said("ask for Landlock", errno), Some(remedy.into()))
        }
    }
}

/// A security module, which is there or not: nothing is amiss without it, but a profile or label cannot be set.
fn module(name: &'static str, is_active: bool) -> Probe {
    if is_active { Probe::works(name, GROUP, "active") } else { Probe::fails(name, GROUP, "not active", None) }
}

fn said(what: &str, errno: Errno) -> String {
    format!("cannot {what}: {} ({})", reason(errno), code(errno))
}
