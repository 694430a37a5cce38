//! 32-bit PCs have one call for sockets and one for System V's IPC, which take what to do as their first argument. A rule
//! about `connect` must hold for `socketcall(SYS_CONNECT, …)` too, as libseccomp has it.

/// What calls one of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Multiplexer {
    /// `socketcall` or `ipc`.
    pub name: &'static str,
    /// The bits of its first argument that say what to do. Those above are `ipc`'s version.
    pub mask: u64,
    /// What they are.
    pub value: u64,
}

/// What else does on x86 what the call `name` does: linux/net.h, linux/ipc.h.
pub(super) fn multiplexer(name: &str) -> Option<Multiplexer> {
    let socketcall = |value| Some(Multiplexer { name: "socketcall", mask: u64::from(u32::MAX), value });
    let ipc = |value| Some(Multiplexer { name: "ipc", mask: 0xffff, value });
    match name {
        "socket" => socketcall(1),
        "bind" => socketcall(2),
        "connect" => socketcall(3),
        "listen" => socketcall(4),
        "accept" => socketcall(5),
        "getsockname" => socketcall(6),
        "getpeername" => socketcall(7),
        "socketpair" => socketcall(8),
        "send" => socketcall(9),
        "recv" => socketcall(10),
        "sendto" => socketcall(11),
        "recvfrom" => socketcall(12),
        "shutdown" => socketcall(13),
        "setsockopt" => socketcall(14),
        "getsockopt" => socketcall(15),
        "sendmsg" => socketcall(16),
        "recvmsg" => socketcall(17),
        "accept4" => socketcall(18),
        "recvmmsg" => socketcall(19),
        "sendmmsg" => socketcall(20),
        "semop" => ipc(1),
        "semget" => ipc(2),
        "semctl" => ipc(3),
        "semtimedop" => ipc(4),
        "msgsnd" => ipc(11),
        "msgrcv" => ipc(12),
        "msgget" => ipc(13),
        "msgctl" => ipc(14),
        "shmat" => ipc(21),
        "shmdt" => ipc(22),
        "shmget" => ipc(23),
        "shmctl" => ipc(24),
        _ => None,
    }
}
