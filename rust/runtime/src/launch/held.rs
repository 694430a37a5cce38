//! A container that waits to be started: the small program that it waits in, and the rest of the plan for that.

use std::ffi::CString;
use std::fs::File;
use std::io::Write;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use minicontainer_child::image::{TABLES, WORDS, encode};
use minicontainer_child::monitor::MONITOR_ARGUMENTS;
use minicontainer_child::{Fd, Step};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::cgroup::Cgroup;
use crate::error::Error;
use crate::plan::Plan;

/// `rust/holder`, as `build.rs` has made it.
static PROGRAM: &[u8] = include_bytes!(env!("MINICONTAINER_HOLDER"));

/// `MFD_EXEC`, memfd_create(2).
const EXECUTABLE: MFdFlags = MFdFlags::from_bits_retain(0x10);

/// What the child needs to become the program that waits.
pub(super) struct Held {
    /// The program, in memory that nobody can write to.
    pub program: RawFd,
    /// Its arguments.
    pub argv: Vec<CString>,
    /// What it inherits.
    pub kept: Vec<RawFd>,
    /// The rest of the plan.
    _image: OwnedFd,
}

impl Held {
    /// Prepares for `plan`, whose descriptors have these numbers; the program waits at `socket`.
    pub(super) fn prepare(plan: &Plan, hold: usize, numbers: &[i32], socket: RawFd) -> Result<Self, Error> {
        let rest = plan.steps.get(hold + 1..).unwrap_or_default();
        let image = sealed(c"minicontainer-plan", &image(plan, rest, numbers)?)?;
        let argv = ["minicontainer".to_string(), image.as_raw_fd().to_string(), socket.to_string()];
        let argv = argv.into_iter().filter_map(|argument| CString::new(argument).ok()).collect();
        let mut kept = vec![image.as_raw_fd(), socket];
        kept.extend(rest.iter().filter_map(|step| needed(*step)).filter_map(|fd| numbers.get(fd.0 as usize)));
        Ok(Self { program: program()?, argv, kept, _image: image })
    }
}

/// What the child needs to become the monitor of a container.
pub(super) struct Monitoring {
    /// The program, in memory that nobody can write to.
    pub program: RawFd,
    /// Its arguments.
    pub argv: Vec<CString>,
    /// What it inherits.
    pub kept: Vec<RawFd>,
    /// Where it finds the container's pidfd.
    pub pidfd: RawFd,
    /// What tells of memory that ran out.
    _memory: Option<OwnedFd>,
}

impl Monitoring {
    /// Prepares for a container of which we have these ends, as [`super::descriptors::Opened::ours`] gives them.
    pub(super) fn prepare(
        monitor: &MonitorRequest<'_>,
        pidfd: RawFd,
        ours: [RawFd; 4],
        cgroup: Option<&Cgroup>,
    ) -> Result<Self, Error> {
        let (folder, socket) = (monitor.folder.as_raw_fd(), monitor.socket.as_raw_fd());
        let [stdin, stdout, stderr, terminal] = ours;
        let keeper = cgroup.and_then(Cgroup::keeper).unwrap_or(-1);
        let memory = cgroup.and_then(Cgroup::memory_events).map(super::descriptors::above_stderr).transpose()?;
        let events = memory.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let numbers = [pidfd, folder, socket, stdin, stdout, stderr, terminal, keeper, events].map(i64::from);
        let limits = [i64::try_from(monitor.log_bytes).unwrap_or(i64::MAX), i64::from(monitor.logs)];
        let texts = numbers.into_iter().chain(limits).map(|number| number.to_string());
        let argv = std::iter::once("minicontainer-monitor".to_string()).chain(texts);
        let argv: Vec<CString> = argv.filter_map(|text| CString::new(text).ok()).collect();
        debug_assert_eq!(argv.len(), MONITOR_ARGUMENTS);
        let kept =
            [pidfd, folder, socket, keeper, events].into_iter().chain(ours).filter(|number| *number >= 0).collect();
        let argv = argv.into_iter().chain(monitor.command.iter().cloned()).collect();
        Ok(Self { program: program()?, argv, kept, pidfd, _memory: memory })
    }
}

/// What a monitor is given to work with.
pub struct MonitorRequest<'m> {
    /// The container's folder, which the log and the end are written to.
    pub folder: BorrowedFd<'m>,
    /// A socket that listens for who attaches.
    pub socket: BorrowedFd<'m>,
    /// The most bytes that a log has; 0: no limit.
    pub log_bytes: u64,
    /// How many logs are kept.
    pub logs: u32,
    /// What is executed at the container's end, by an absolute path.
    pub command: Vec<CString>,
}

/// The descriptor that a step behind the wait needs.
fn needed(step: Step) -> Option<Fd> {
    match step {
        Step::InstallFilter { listener, .. } => listener,
        _ => None,
    }
}

/// The program's file; one serves all containers of this process, which have its pages in common.
///
/// # Errors
/// [`Error::System`].
pub(crate) fn program() -> Result<RawFd, Error> {
    static FILE: OnceLock<OwnedFd> = OnceLock::new();
    if let Some(file) = FILE.get() {
        return Ok(file.as_raw_fd());
    }
    let file = sealed(c"minicontainer-holder", PROGRAM)?;
    Ok(FILE.get_or_init(|| file).as_raw_fd())
}

/// A file in memory that nobody can write to, memfd_create(2); open to read only, or it could not be executed.
fn sealed(name: &std::ffi::CStr, contents: &[u8]) -> Result<OwnedFd, Error> {
    let failed = |errno| Error::system(format!("make {} in memory", name.to_string_lossy()), errno);
    let io_failed = |error: std::io::Error| failed(Errno::from_raw(error.raw_os_error().unwrap_or(nix::libc::EIO)));
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    // Since Linux 6.3 one that is to be executed says so; earlier kernels do not know the flag.
    let file = match memfd_create(name, flags | EXECUTABLE) {
        Err(Errno::EINVAL) => memfd_create(name, flags),
        other => other,
    };
    let mut file = File::from(file.map_err(failed)?);
    file.write_all(contents).map_err(io_failed)?;
    let seals = SealFlag::F_SEAL_SEAL | SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_WRITE;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).map_err(failed)?;
    let readable = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).map_err(io_failed)?;
    super::descriptors::above_stderr(readable.into())
}

/// The plan's tables and the steps behind the wait, as [`minicontainer_child::image`] reads them.
fn image(plan: &Plan, rest: &[Step], numbers: &[i32]) -> Result<Vec<u8>, Error> {
    let mut strings: Vec<&CString> = Vec::new();
    let mut lists: Vec<Vec<u64>> = Vec::new();
    for list in &plan.lists {
        let first = strings.len() as u64;
        strings.extend(list.iter());
        lists.push((first..strings.len() as u64).collect());
    }
    let filters: Vec<Vec<u8>> = plan.filters.iter().map(|filter| instructions(&filter.program)).collect();
    let counts: [usize; TABLES] =
        [rest.len(), strings.len(), plan.blobs.len(), filters.len(), lists.len(), plan.groups.len(), numbers.len()];
    let mut bytes = Vec::new();
    let mut put = |number: u64| bytes.extend(number.to_le_bytes());
    for count in counts {
        put(count as u64);
    }
    for step in rest {
        let words: [u64; WORDS] =
            encode(*step).ok_or_else(|| Error::Internal { message: format!("{step:?} stands behind the wait") })?;
        words.into_iter().for_each(&mut put);
    }
    for string in strings {
        put_bytes(&mut bytes, string.as_bytes_with_nul());
    }
    plan.blobs.iter().chain(&filters).for_each(|blob| put_bytes(&mut bytes, blob));
    let groups = plan.groups.iter().map(|groups| groups.iter().copied().map(u64::from).collect());
    for numbers in lists.into_iter().chain(groups) {
        let length = std::iter::once(numbers.len() as u64);
        bytes.extend(length.chain(numbers).flat_map(u64::to_le_bytes));
    }
    bytes.extend(numbers.iter().flat_map(|number| i64::from(*number).to_le_bytes()));
    Ok(bytes)
}

fn put_bytes(bytes: &mut Vec<u8>, more: &[u8]) {
    bytes.extend((more.len() as u64).to_le_bytes());
    bytes.extend(more);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
}

/// `struct sock_filter[]`, as it stands in memory.
fn instructions(program: &[nix::libc::sock_filter]) -> Vec<u8> {
    let bytes = |step: &nix::libc::sock_filter| {
        let [code_low, code_high] = step.code.to_ne_bytes();
        let [a, b, c, d] = step.k.to_ne_bytes();
        [code_low, code_high, step.jt, step.jf, a, b, c, d]
    };
    program.iter().flat_map(bytes).collect()
}
