//! Who answers the calls that a container's filter asks about: a process that listens at the socket `listenerPath`.
//!
//! It is sent the filter's listener with OCI's "container process state": runtime-spec `config-linux.md` and
//! `runtime.md`. Each process that gets the filter is a connection of its own, with one message.

use std::io::{IoSlice, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
use serde_json::{Value, json};

use super::door;
use crate::error::Error;
use crate::seccomp::spec::{Action, Seccomp};

/// Where it listens, and what it is told.
#[derive(Clone, Debug)]
pub struct Agent {
    path: String,
    metadata: Option<String>,
    /// OCI's state of the container.
    state: Value,
}

impl Agent {
    /// The one that a filter names, for a container with this state; `None` where it names none, or asks about nothing.
    pub(crate) fn of(seccomp: &Seccomp, state: &Value) -> Option<Self> {
        let asks = seccomp.syscalls.iter().any(|rule| rule.action == Action::Notify);
        let path = seccomp.listener_path.clone().filter(|_| asks)?;
        Some(Self { path, metadata: seccomp.listener_metadata.clone(), state: state.clone() })
    }

    /// Connects to it.
    ///
    /// # Errors
    /// [`Error::System`] where nobody listens there.
    pub(crate) fn connect(&self) -> Result<Connection<'_>, Error> {
        match door::connect(Path::new(&self.path)) {
            Ok(socket) => Ok(Connection { agent: self, socket }),
            Err(error) => Err(self.failed("connect", &error)),
        }
    }

    fn message(&self, pid: i32) -> String {
        let mut message = json!({
            "ociVersion": self.state.get("ociVersion"),
            "fds": ["seccompFd"],
            "pid": pid,
            "state": self.state,
        });
        if let Some(metadata) = &self.metadata {
            message["metadata"] = metadata.as_str().into();
        }
        message.to_string()
    }

    fn failed(&self, verb: &str, error: &std::io::Error) -> Error {
        let errno = Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
        Error::system(format!("{verb} to {:?} (linux.seccomp.listenerPath)", self.path), errno)
    }
}

/// A connection to it, which ends with its only message.
pub(crate) struct Connection<'a> {
    agent: &'a Agent,
    socket: UnixStream,
}

impl Connection<'_> {
    /// Sends the listener of the process that has this number.
    ///
    /// # Errors
    /// [`Error::System`] where it has gone.
    pub(crate) fn send(mut self, listener: &OwnedFd, pid: i32) -> Result<(), Error> {
        let text = self.agent.message(pid);
        let parts = [IoSlice::new(text.as_bytes())];
        let numbers = [listener.as_raw_fd()];
        let rights = [ControlMessage::ScmRights(&numbers)];
        let sent = sendmsg::<()>(self.socket.as_raw_fd(), &parts, &rights, MsgFlags::MSG_NOSIGNAL, None);
        let sent = sent.map_err(std::io::Error::from);
        let whole = sent.and_then(|length| self.socket.write_all(text.as_bytes().get(length..).unwrap_or_default()));
        whole.map_err(|error| self.agent.failed("send the filter's listener", &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_told_what_oci_has_of_a_container_process() {
        let state = json!({"ociVersion": "1.2.0", "id": "a", "status": "created", "pid": 7});
        let message_for = |fields: &str, action: &str| {
            let rules = format!(r#"[{{"names": ["mkdir"], "action": "{action}"}}]"#);
            let text = format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", {fields} "syscalls": {rules}}}"#);
            let agent = Agent::of(&serde_json::from_str(&text).unwrap(), &state)?;
            Some(serde_json::from_str::<Value>(&agent.message(8)).unwrap())
        };
        let message = |fields: &str| message_for(fields, "SCMP_ACT_NOTIFY");
        let told = json!({"ociVersion": "1.2.0", "fds": ["seccompFd"], "pid": 8, "state": state});
        assert_eq!(message(r#""listenerPath": "/s","#), Some(told.clone()));
        let mut with_metadata = told;
        with_metadata["metadata"] = "m\n".into();
        assert_eq!(message(r#""listenerPath": "/s", "listenerMetadata": "m\n","#), Some(with_metadata));
        assert_eq!(message(""), None);
        assert_eq!(message_for(r#""listenerPath": "/s","#, "SCMP_ACT_LOG"), None);
    }
}
