//! Network namespaces that are made before they are asked for.
//!
//! To make one takes the kernel half a millisecond, as long as all the rest of a container's start, and always comes to
//! the same: `lo`, and nothing else. So while containers are being started, a thread makes the next ones. It lives in
//! the last one that it made, which nobody else ever gets.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use minicontainer_child::Fault;
use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::signals;

struct Spares {
    ready: Vec<OwnedFd>,
    /// How many were asked for so far.
    asked: u64,
    has_thread: bool,
}

static SPARES: Mutex<Spares> = Mutex::new(Spares { ready: Vec::new(), asked: 0, has_thread: false });
static ASKED: Condvar = Condvar::new();

/// As many as are started at once on few processors; each takes some hundred KiB of the kernel's.
const MOST_SPARES: usize = 4;
/// When so few are left, the next are made at once.
const FEW: usize = 1;
/// Longer than a start takes.
const START: Duration = Duration::from_millis(3);
/// After so long without a container the spare ones are given up, and the thread ends.
const IDLE: Duration = Duration::from_secs(5);

/// A namespace, if one is spare. From the second container on there is somebody who makes them: a process that starts
/// one alone has no use for a spare.
pub(super) fn take() -> Option<OwnedFd> {
    if Fault::IS_POSSIBLE {
        // Who looks for what a start has left must not find what is made for the next.
        return None;
    }
    let mut spares = lock();
    spares.asked += 1;
    let taken = spares.ready.pop();
    if spares.asked > 1 && !spares.has_thread {
        let started = thread::Builder::new().name("minicontainer-net".into()).stack_size(128 * 1024).spawn(make_ahead);
        spares.has_thread = started.is_ok();
    }
    drop(spares);
    ASKED.notify_one();
    taken
}

fn lock() -> MutexGuard<'static, Spares> {
    SPARES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread: makes one whenever fewer than the most are there, until it is idle or it can make none.
fn make_ahead() {
    // Signals are for the threads of the program that loaded us.
    let _blocked = signals::block_all();
    let mut spares = lock();
    loop {
        if spares.ready.len() < MOST_SPARES {
            drop(spares);
            let made = make();
            spares = lock();
            match made {
                Ok(namespace) => spares.ready.push(namespace),
                Err(_) => break,
            }
            continue;
        }
        let asked = spares.asked;
        let (waited, time) = ASKED.wait_timeout(spares, IDLE).unwrap_or_else(PoisonError::into_inner);
        spares = waited;
        if time.timed_out() && spares.asked == asked {
            break;
        }
        spares = let_start(spares);
    }
    spares.ready.clear();
    spares.has_thread = false;
}

/// Waits until nobody has asked for a while, or few are left: to make one takes a processor and locks of the kernel's, which
/// the start that asked has a use for.
fn let_start(mut spares: MutexGuard<'static, Spares>) -> MutexGuard<'static, Spares> {
    while spares.ready.len() > FEW {
        let (waited, time) = ASKED.wait_timeout(spares, START).unwrap_or_else(PoisonError::into_inner);
        spares = waited;
        if time.timed_out() {
            break;
        }
    }
    spares
}

/// A new network namespace with `lo` up. It becomes this thread's own: who makes the next one leaves this one.
fn make() -> Result<OwnedFd, Errno> {
    let own = |error: std::io::Error| Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO));
    unshare(CloneFlags::CLONE_NEWNET)?;
    bring_loopback_up()?;
    File::open("/proc/thread-self/ns/net").map(OwnedFd::from).map_err(own)
}

/// `ioctl(SIOCSIFFLAGS, {"lo", IFF_UP})`, netdevice(7).
fn bring_loopback_up() -> Result<(), Errno> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: all zeroes is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, byte) in request.ifr_name.iter_mut().zip(*b"lo") {
        *place = libc::c_char::from_ne_bytes([byte]);
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).unwrap_or(1);
    // SAFETY: an ifreq of this frame.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    Errno::result(result).map(drop)
}
