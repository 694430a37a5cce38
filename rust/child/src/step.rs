//! The plan as the child reads it: steps are plain numbers, and what they name stands in tables beside them.

use crate::mounted::{Bind, Filesystem};
use crate::table::{Blob, Fd, Filter, Groups, List, Place, Str};

/// What the parent does while the child waits at a [`Step::Sync`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Writes the maps of the new user namespace.
    MapIds,
    /// Moves network devices into its network namespace.
    MoveDevices,
    /// Runs the hooks that come before the root is entered.
    RunHooks,
}

/// One thing that the child does, in terms of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `getpid`, `getppid`: tells the parent which ids the child sees.
    ReportIds,
    /// `clone` of the container's process, which goes on with the next step; this one waits until it holds, and becomes
    /// its monitor.
    Monitor {
        /// `CLONE_NEW…` of the clone.
        namespaces: i32,
    },
    /// `prctl(PR_SET_PDEATHSIG)`: the kernel sends `signal` when the thread that cloned ends. `owner` is a pidfd of
    /// that thread's process, looked at afterwards: an owner that ended before the call would never be noticed. It
    /// comes after [`Step::SetIds`], for a change of ids clears it.
    DieWithOwner {
        /// The pidfd of the owner.
        owner: Fd,
        /// What the kernel sends.
        signal: i32,
    },

    /// Writes `0`, which stands for who writes, to a cgroup's file of processes: what the program does counts there.
    EnterCgroup {
        /// The file.
        file: Fd,
    },
    /// Tells the parent how far it has come, and waits until it has done its part.
    Sync {
        /// What the parent does.
        part: Part,
    },
    /// `setns`.
    JoinNamespace {
        /// The namespace.
        namespace: Fd,
        /// `CLONE_NEW…`: what it must be.
        kind: i32,
    },
    /// `unshare`.
    Unshare {
        /// `CLONE_NEW…`.
        flags: i32,
    },
    /// `clone(CLONE_PARENT)`, and the end of the process that called it: a PID namespace that was joined holds only
    /// children.
    CloneAgain {
        /// Whether the new process has a copy of the memory, rather than the same: who joins a time namespace must not
        /// share it.
        copies: bool,
    },
    /// Writes to a file of the host's procfs.
    WriteFile {
        /// The file.
        path: Str,
        /// What is written, in one call.
        text: Str,
    },
    /// `sethostname`.
    SetHostname {
        /// The name.
        name: Str,
    },
    /// `setdomainname`.
    SetDomainname {
        /// The name.
        name: Str,
    },
    /// `ioctl(SIOCSIFFLAGS)` on `lo`.
    BringLoopbackUp,
    /// `setns` of a network namespace that was made ahead, with `lo` up; or, where none is spare, `unshare` and
    /// `ioctl(SIOCSIFFLAGS)`.
    NewNetwork {
        /// The namespace; -1: none is spare.
        spare: Fd,
    },

    /// `mount(NULL, "/", NULL, flags)`: which mounts the namespace and the host's tell each other of.
    SetPropagation {
        /// `MS_PRIVATE`, … with `MS_REC`.
        flags: u64,
    },
    /// `openat(O_PATH)`: the folder that becomes the root.
    OpenRoot {
        /// The folder.
        path: Str,
    },
    /// `openat(O_PATH)`: the host's own root stays the root, and mounts are made in it.
    KeepRoot,
    /// A tmpfs over that folder, for what must not stand in it: the layers of an overlay, files from memory.
    MountStage {
        /// As [`Filesystem::options`].
        options: List,
        /// As [`Filesystem::data`].
        data: Str,
    },
    /// The folder becomes a mount of its own, which can be entered.
    BindRoot,
    /// The folder becomes the lower layer of an overlay, which can be entered.
    OverlayRoot {
        /// The folder that holds the upper layer and the work folder; `None`: the stage does.
        layer: Option<Str>,
        /// As [`Filesystem::options`].
        options: List,
        /// As [`Filesystem::data`].
        data: Str,
    },
    /// `sendmsg` of the overlay's upper layer, and of the folder below it: the parent reads what was changed.
    SendLayers {
        /// A socket to send them through.
        socket: Fd,
    },
    /// `fsopen`, `fsconfig`, `fsmount`, `move_mount`; or `mount`.
    Mount(Filesystem),
    /// `open_tree`, `mount_setattr`, `move_mount`; or `mount`, twice.
    Bind(Bind),
    /// A file in the stage, for a [`Step::Bind`] of it.
    StageFile {
        /// Its name there.
        name: Str,
        /// What it holds.
        contents: Blob,
        /// Its permissions.
        mode: u32,
    },
    /// Covers a file with `/dev/null`, a folder with an empty one that cannot be written to; passes over what is not
    /// there.
    Mask {
        /// What is covered.
        path: Str,
    },
    /// Makes a path read-only; passes over what is not there.
    Protect {
        /// The path.
        path: Str,
    },
    /// `mknodat`.
    MakeNode {
        /// Where.
        place: Place,
        /// Type and permissions.
        mode: u32,
        /// Major and minor number.
        device: (u32, u32),
        /// Who owns it.
        owner: (u32, u32),
    },
    /// Binds a device of the host's, where none can be made: in a user namespace.
    BindNode {
        /// The host's file.
        source: Str,
        /// Where.
        place: Place,
        /// What it must be: major and minor number of a character device.
        device: (u32, u32),
    },
    /// `symlinkat`; a file that is there is let be.
    MakeLink {
        /// What it says.
        text: Str,
        /// Where.
        place: Place,
    },
    /// `mount_setattr` on the root.
    ProtectRoot {
        /// `MOUNT_ATTR_…`, of which those used here are the same bits as `MS_…`.
        attributes: u64,
    },
    /// `pivot_root`; nothing of the former root is left.
    EnterRoot,
    /// `chroot`: the mounts are others' too, and what they have above the root stays.
    ChangeRoot {
        /// The mount comes first to where the former root is: in a filesystem that cannot be left behind.
        moves: bool,
    },

    /// `setsid`.
    NewSession,
    /// A terminal of the container's own becomes the program's.
    OpenTerminal {
        /// A socket to send its other side through.
        socket: Fd,
        /// Rows and columns; 0: not set.
        size: (u16, u16),
        /// Where the console is bound; `None`: nowhere.
        console: Option<Place>,
        /// Which of stdin, stdout and stderr it becomes.
        streams: [bool; 3],
    },
    /// `keyctl(KEYCTL_JOIN_SESSION_KEYRING)`.
    NewKeyring,
    /// `prlimit64`.
    SetRlimit {
        /// `RLIMIT_…`.
        resource: u32,
        /// The soft limit.
        soft: u64,
        /// The hard limit.
        hard: u64,
    },
    /// `sched_setattr`.
    SetScheduler {
        /// The structure of the call, ready.
        attributes: Blob,
    },
    /// `set_mempolicy`.
    SetMemoryPolicy {
        /// `MPOL_…`, with its flags.
        mode: i32,
        /// The set of nodes, ready; empty: none.
        nodes: Blob,
    },
    /// `sched_setaffinity`.
    SetAffinity {
        /// The set of processors, ready.
        set: Blob,
    },
    /// `ioprio_set`.
    SetIoPriority {
        /// Class and level, as the call takes them.
        priority: i32,
    },
    /// `personality`.
    SetPersonality {
        /// `PER_…`.
        domain: u32,
    },
    /// `umask`.
    SetUmask {
        /// The mask.
        mask: u32,
    },
    /// `chdir`.
    Chdir {
        /// The folder.
        path: Str,
    },
    /// `getcwd`: the folder lies in the root.
    CheckFolder,
    /// `openat2(RESOLVE_NO_MAGICLINKS)` of what will be executed, and of the interpreters that it names.
    CheckProgram {
        /// As [`Step::Exec`] has them.
        candidates: List,
    },

    /// `prctl(PR_CAPBSET_DROP)` for each capability that is not in `keep`.
    LimitCapabilities {
        /// Bit N for capability N.
        keep: u64,
    },
    /// `setgroups`.
    SetGroups {
        /// The additional groups.
        groups: Groups,
    },
    /// `setresgid`, `setresuid`; what is permitted stays so.
    SetIds {
        /// User.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// `capset`.
    SetCapabilities {
        /// Bit N for capability N.
        effective: u64,
        /// Bit N for capability N.
        permitted: u64,
        /// Bit N for capability N.
        inheritable: u64,
    },
    /// `prctl(PR_CAP_AMBIENT_RAISE)` for each.
    RaiseAmbient {
        /// Bit N for capability N.
        set: u64,
    },
    /// `prctl(PR_SET_NO_NEW_PRIVS)`.
    ForbidNewPrivileges,
    /// `landlock_create_ruleset`, `landlock_add_rule` for each path, `landlock_restrict_self`.
    RestrictFiles {
        /// What is governed: `LANDLOCK_ACCESS_FS_…`.
        handled: u64,
        /// Paths below which may be read and executed.
        read_only: List,
        /// What that is, of `handled`.
        read_access: u64,
        /// Paths below which all may be done.
        read_write: List,
    },
    /// `seccomp(SECCOMP_SET_MODE_FILTER)`.
    InstallFilter {
        /// The filter.
        filter: Filter,
        /// `SECCOMP_FILTER_FLAG_…`.
        flags: u32,
        /// A socket to send the listener through, where the flags ask for one.
        listener: Option<Fd>,
    },

    /// `dup3` without `O_CLOEXEC`: the program finds `from` as descriptor `to`.
    Dup {
        /// What is handed on.
        from: Fd,
        /// The number that the program finds it at.
        to: i32,
    },
    /// `close_range(first, ~0)`: nothing else of the parent's is handed on.
    CloseFrom {
        /// The lowest descriptor that is closed.
        first: u32,
        /// Whether they stay open until the program is executed, for a step that needs one of them.
        at_exec: bool,
    },
    /// `rt_sigaction(SIG_DFL)` for every signal but those in `keep` (bit N-1 for signal N), which stay as inherited, and
    /// those that are known to have it.
    ResetSignals {
        /// The signals that are left alone.
        keep: u64,
    },
    /// `rt_sigprocmask`: blocks nothing any more. It comes after [`Step::ResetSignals`], so that no handler of the
    /// parent's ever runs in the child.
    UnblockSignals,
    /// `faccessat2(X_OK)`: one of `candidates` can be executed, as far as can be told before it is.
    FindProgram {
        /// As [`Step::Exec`] has them.
        candidates: List,
    },
    /// `execveat` of a small program that waits until the container is started, and then goes on with the steps behind
    /// this one.
    Hold,
    /// `execve` of the first of `candidates` that can be executed.
    Exec {
        /// Paths, in the order in which they are tried.
        candidates: List,
        /// The arguments.
        argv: List,
        /// The environment.
        envp: List,
    },
}

/// Why the child ended before it became the program: what failed, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step's place in the plan.
    pub step: u32,
    /// The kernel's error number, above 0.
    pub errno: i32,
}
